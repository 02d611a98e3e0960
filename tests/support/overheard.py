"""For conftest.py: no test of the suite prints, warns, logs or writes a password that the suite uses.

What tests read by way of `capsys` is listened to as well, and so is the output of child processes that they run. Files
in a test's folder are read when it has ended, but for those that it made to give a password to the program.
"""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

#: Passwords of the suite's cameras and brokers: words that mean nothing else.
PASSWORDS = ("hunter2", "s3cr3t-p4ss")
#: Files by which tests give a password; tests write them, the program does not.
GIVEN = ("password", "passwords", "token", "given.toml")
#: Bytes of a file that is read; what is larger is a video or weights, made of pictures and numbers.
LARGEST = 2**20
_heard: list[str] = []


def listen(text: object) -> None:
    """Remember what has a password in it."""
    if isinstance(text, bytes) and not any(word.encode() in text for word in PASSWORDS):
        return
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text or "")
    for word in PASSWORDS:
        if word in shown:
            at = shown.index(word)
            _heard.append(shown[max(0, at - 200) : at + 200])


def read_all(folder: Path) -> None:
    """Listen to what was written into a folder."""
    for place, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(place, name)  # noqa: PTH118  (many, and a name may be no UTF-8)
            with contextlib.suppress(OSError):
                state = os.lstat(file)
                if name not in GIVEN and stat.S_ISREG(state.st_mode) and state.st_size <= LARGEST:
                    listen(Path(file).read_bytes())


@pytest.fixture(autouse=True)
def overhear(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    read, run = pytest.CaptureFixture.readouterr, subprocess.run

    def readouterr(self: Any) -> Any:
        told = read(self)
        listen(told.out)
        listen(told.err)
        return told

    def running(*arguments: Any, **options: Any) -> Any:
        done = run(*arguments, **options)
        listen(done.stdout)
        listen(done.stderr)
        return done

    monkeypatch.setattr(pytest.CaptureFixture, "readouterr", readouterr)
    monkeypatch.setattr(subprocess, "run", running)
    yield
    if folder is not None:
        read_all(folder)
    heard, _heard[:] = list(_heard), []
    assert not heard, f"a password was printed or written: {heard}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """What was printed and not read is in the report."""
    report = yield
    for _, text in report.sections:
        for word in PASSWORDS:
            if word in text and report.passed:
                report.outcome, report.longrepr = "failed", f"the password {word} was printed:\n{text[:2000]}"
    return report
