"""For conftest.py: no test of the suite prints, warns or logs a password that the suite uses.

What tests read by way of `capsys` is listened to as well, and so is the output of child processes that they run.
"""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from typing import Any

import pytest

#: Passwords of the suite's cameras and brokers: words that mean nothing else.
PASSWORDS = ("hunter2", "s3cr3t-p4ss")
_heard: list[str] = []


def listen(text: object) -> None:
    """Remember what has a password in it."""
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text or "")
    for word in PASSWORDS:
        if word in shown:
            at = shown.index(word)
            _heard.append(shown[max(0, at - 200) : at + 200])


@pytest.fixture(autouse=True)
def overhear(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
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
    heard, _heard[:] = list(_heard), []
    assert not heard, f"a password was printed: {heard}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """What was printed and not read is in the report."""
    report = yield
    for _, text in report.sections:
        for word in PASSWORDS:
            if word in text and report.passed:
                report.outcome, report.longrepr = "failed", f"the password {word} was printed:\n{text[:2000]}"
    return report
