"""The checks of what is published: they find what they are for."""

import importlib.util
import io
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def script(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def archive(file, names, time, user):
    with tarfile.open(file, "w:gz") as packed:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.uname, member.mode = 4, time, user, 0o755 if "run" in name else 0o664
            packed.addfile(member, io.BytesIO(b"text"))


def test_sdists_of_other_days_and_users_are_equal(tmp_path):
    archive(tmp_path / "one.tar.gz", ["a/b", "a/run"], 1, "one")
    archive(tmp_path / "two.tar.gz", ["a/run", "a/b"], 2, "two")
    first, second = (
        script("repack_sdist").repacked(tmp_path / f"{name}.tar.gz", 1_700_000_000) for name in ("one", "two")
    )
    assert first == second
    with tarfile.open(fileobj=io.BytesIO(first)) as packed:
        members = packed.getmembers()
        assert [(member.name, member.mode, member.mtime) for member in members] == [
            ("a/b", 0o644, 1_700_000_000),
            ("a/run", 0o755, 1_700_000_000),
        ]
        assert packed.extractfile("a/b").read() == b"text"


@pytest.mark.parametrize(
    ("machine", "symbol", "names", "word"),
    [
        (183, b"GLIBC_2.17", ("_changes", "_prepare"), None),
        (62, b"GLIBC_2.17", ("_changes", "_prepare"), "is for machine 62"),
        (183, b"GLIBC_2.34", ("_changes", "_prepare"), "needs glibc (2, 34)"),
        (183, b"GLIBC_2.17", ("_prepare",), "expected"),
    ],
)
def test_a_wheel_for_another_machine_or_a_newer_glibc_is_found_out(tmp_path, machine, symbol, names, word):
    with zipfile.ZipFile(tmp_path / "some.whl", "w") as wheel:
        for name in names:
            wheel.writestr(
                f"edgevtn/kernels/{name}.abi3.so", b"\x7fELF" + bytes(14) + struct.pack("<H", machine) + symbol + b"\0"
            )
    problems = script("wheel_machine").problems(str(tmp_path / "some.whl"), "aarch64")
    assert bool(problems) == (word is not None)
    assert word is None or all(word in problem for problem in problems)


def test_predictions_that_differ_are_found_out(capsys):
    compare = script("clip_predictions").differences
    random = np.random.default_rng(0)
    features, rows = random.normal(size=(5, 64)), np.eye(3)[[0, 1, 2]] * 0.8 + 0.1
    ours = {"a features": features, "a int8": rows}
    assert compare(ours, {"a features": features * 1.01, "a int8": rows + 0.01}) == []
    assert "2 of 3 predictions" in compare(ours, ours | {"a int8": rows[[0, 2, 1]]})[0]
    assert "cosine" in compare(ours, ours | {"a features": features + random.normal(size=(5, 64))})[0]
    assert compare(ours, {"a int8": rows})
    assert compare({}, {})
    assert "5 frames" in capsys.readouterr().out


def test_a_free_threaded_python_is_refused_in_a_sentence(tmp_path):
    code = "import runpy, sysconfig; sysconfig.get_config_vars()['Py_GIL_DISABLED'] = 1; runpy.run_path('setup.py')"
    command = [sys.executable, "-c", code, "egg_info", "--egg-base", tmp_path]
    done = subprocess.run(command, cwd=SCRIPTS.parent, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().startswith("edgevtn needs a Python with its global lock")
    assert done.stderr.count("\n") == 1


def test_the_workflow_runs_scripts_that_are_there_with_options_that_they_know():
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load((SCRIPTS.parent / ".github" / "workflows" / "release.yml").read_text("utf-8"))
    lines = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    used = [line[line.index("scripts/") :].split() for line in lines if "scripts/" in line]
    assert [name for name, *_ in used] == ["scripts/release"]
    for name, *options in used:
        script = SCRIPTS.parent / name
        assert os.access(script, os.X_OK)
        assert all(option in script.read_text("utf-8") for option in options if option.startswith("-"))
    (installed,) = [line for line in lines if "apt-get install" in line]
    for package in ("mmdebstrap", "qemu-user-static", "binfmt-support"):  # what scripts/test-arm64 asks for
        assert package in installed.split()
        assert package in (SCRIPTS / "test-arm64").read_text("utf-8")
