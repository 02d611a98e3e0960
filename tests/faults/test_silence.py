"""A camera product is silent: it opens no socket that nobody asked for, and writes in its own folders alone."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from children import EDGEVTN, child

from edgevtn.files import user_cache

WATCHED = "trace=socket,connect,sendto,open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,symlink,mknod"
#: A call that makes or changes a file, and its path.
WRITES = re.compile(
    r"(?:(?:open|openat|openat2)\((?:AT_FDCWD, )?\"(?P<opened>[^\"]*)\", [^)]*(?:O_WRONLY|O_RDWR|O_CREAT)"
    r"|(?:creat|mkdir|mkdirat|symlink|mknod)\((?:AT_FDCWD, )?\"(?P<made>[^\"]*)\""
    r"|(?:rename|renameat|renameat2)\(.*, \"(?P<moved>[^\"]*)\")"
)


def traced(arguments: list[str | Path], home: Path, **more: str) -> list[str]:
    """Lines of strace about sockets and files of a command that ends well, in a home of its own."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    home.mkdir()
    out = home.with_name(f"{home.name}.trace")
    cache = user_cache()
    assert cache is not None
    own = {"HOME": str(home), "EDGEVTN_CACHE": str(cache), "PYTHONDONTWRITEBYTECODE": "1", **more}
    own |= {name: "" for name in os.environ if name.startswith("XDG_")}
    done = child(["strace", "-f", "--seccomp-bpf", "-qq", "-e", WATCHED, "-o", out, *arguments], environment=own)
    if "ptrace" in done.stderr.lower() and done.returncode:
        pytest.skip("nobody may be traced here")
    assert done.returncode == 0, done.stderr
    return out.read_text("utf-8", "replace").splitlines()


def written(lines: list[str]) -> set[str]:
    """Paths that were opened to be written, made, or moved to; devices that keep nothing apart."""
    found = (WRITES.search(line) for line in lines if " = -1 " not in line)
    paths = {next(filter(None, match.groups())) for match in found if match}
    return {path for path in paths if path not in ("/dev/null", "/dev/tty")}


def test_running_opens_no_socket_and_writes_in_its_own_folders_alone(tmp_path: Path, demo_clip: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    outputs = ["--json-file", out / "lines.jsonl", "--save", out / "video.mp4"]
    lines = traced([*EDGEVTN, "run", demo_clip, "--seconds", "4", *outputs], tmp_path / "home")
    assert [line for line in lines if re.search(r"\b(socket|connect|sendto)\(", line)] == []
    strange = {path for path in written(lines) if not path.startswith((str(out), str(user_cache())))}
    assert strange == set()
    assert list((tmp_path / "home").iterdir()) == []
    assert any(path.endswith("lines.jsonl") for path in written(lines)), "the trace sees what is written"


@pytest.mark.parametrize("module", ["edgevtn", "edgevtn.graph.run"])
def test_telemetry_is_off_before_the_first_import(tmp_path: Path, module: str) -> None:
    code = f"import {module}, onnxruntime, os; assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'"
    lines = traced([sys.executable, "-c", code], tmp_path / "home")
    assert [line for line in lines if re.search(r"\b(socket|connect|sendto)\(", line)] == []
    assert list((tmp_path / "home").iterdir()) == []


def test_a_user_may_turn_it_on(tmp_path: Path) -> None:
    code = "import edgevtn, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = child([sys.executable, "-c", code], environment={"ORT_DISABLE_TELEMETRY": "0", "HOME": str(tmp_path)})
    assert done.stdout == "0\n"
