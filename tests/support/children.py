"""Child processes with limits, for what may crash, hang, or eat the machine."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: Seconds until a child counts as hanging; generous, as the tests may run on a busy core.
PATIENCE = 120.0
#: The command, as a user would type it.
EDGEVTN = (sys.executable, "-m", "edgevtn")


def child(
    arguments: Sequence[str | Path | bytes],
    *,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    limits: Mapping[int, int] | None = None,
    input: str = "",
    **more: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `limits` are those of `resource.setrlimit`, by their numbers."""

    def limit() -> None:
        for kind, most in (limits or {}).items():
            resource.setrlimit(kind, (most, most))

    return subprocess.run(
        [os.fsencode(argument) if isinstance(argument, str | Path) else argument for argument in arguments],
        env={**os.environ, **(environment or {})},
        cwd=cwd,
        preexec_fn=limit,
        input=input,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=PATIENCE,
        check=False,
        **more,
    )


def python(code: str, *arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python, whose arguments are in ``sys.argv[1:]``."""
    return child([sys.executable, "-c", code, *arguments], **more)


def edgevtn(*arguments: str | Path | bytes, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command ``edgevtn``."""
    return child([*EDGEVTN, *arguments], **more)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line in which a command refused; fails where it did anything else.

    Warnings, which are lines of their own, may stand before it.
    """
    lines = [line for line in done.stderr.splitlines() if not line.startswith("edgevtn: warning: ")]
    assert done.returncode == 1, (done.returncode, done.stdout[-500:], done.stderr[-2000:])
    assert len(lines) == 1, done.stderr[-2000:]
    assert lines[0].startswith("edgevtn: error: "), lines
    assert len(lines[0]) < 1000, lines
    return lines[0].removeprefix("edgevtn: error: ")
