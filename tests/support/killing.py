"""Kills operations at random moments, or fills the disk under them, and looks at what is left. For `scripts/kill`.

Each operation runs in a child that is forked from this process, which has imported all that is slow and done nothing
else: so 200 of them take minutes. What is checked is checked in children, too.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Seconds until a child counts as hanging; its machine may be busy.
PATIENCE = 120
#: Bytes of the disk that is filled, more than any operation needs.
DISK = 256 * 2**20
#: Seconds after a step on the disk within which a child is killed.
SOON = 0.02


class Operation(ABC):
    """Something that writes; `folder` is a copy of what `prepare` made, and all that it writes."""

    #: Steps on the disk that tell when something is done; the rest of the moments are drawn from the clock.
    by_steps = True

    @abstractmethod
    def prepare(self, folder: Path) -> None:
        """Make what is there before, in a child."""

    @abstractmethod
    def run(self, folder: Path) -> int:
        """Do it, in a child; the exit status."""

    @abstractmethod
    def check(self, folder: Path, ended: bool) -> None:
        """Fail unless there is the old or the new, whole, in a child; where it ended with success, the new."""

    def start(self, place: Path) -> None:
        """Start servers that it needs, in processes of their own."""

    def begin(self, folder: Path) -> None:
        """Called before each new copy is used."""

    def stop(self) -> None:
        """Stop them."""


class Missing(Exception):
    """Something that an operation needs is not installed."""


class Failed(Exception):
    """A child did what it must not."""


def child(action: Callable[[], object], log: Path, watched: Path | None = None) -> tuple[int, int]:
    """Fork; the child's number, and a pipe from which comes a byte for each step on files of the folder `watched`."""
    read, write = os.pipe()
    number = os.fork()
    if number:
        os.close(write)
        return number, read
    status = 99
    try:
        signal.alarm(PATIENCE)  # its default kills what hangs
        os.close(read)
        told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(told, 1)
        os.dup2(told, 2)
        if watched is not None:
            place = str(watched)

            def step(event: str, arguments: tuple[Any, ...]) -> None:
                own = event.partition(".")[0] in ("os", "open", "shutil", "sqlite3")
                if own and any(place in str(part) for part in arguments):
                    os.write(write, b".")

            sys.addaudithook(step)
        result = action()
        status = result if isinstance(result, int) else 0
    except BaseException:
        os.write(2, traceback.format_exc().encode("utf-8", "replace"))
    finally:
        sys.stdout.flush()
        os._exit(status)
    raise AssertionError


def ended(action: Callable[[], object], log: Path, watched: Path | None = None) -> tuple[int, int]:
    """Run a child to its end: its exit status, and the steps that it took."""
    number, pipe = child(action, log, watched)
    steps = 0
    while got := os.read(pipe, 4096):
        steps += len(got)
    os.close(pipe)
    _, status = os.waitpid(number, 0)
    return os.waitstatus_to_exitcode(status), steps


def must(what: str, action: Callable[[], object], log: Path) -> None:
    """Run a child that must succeed."""
    status, _ = ended(action, log)
    if status:
        raise Failed(f"{what}: status {status}\n{log.read_text(errors='replace')[-2500:]}")


class Trial:
    """An operation with what it needs, made once."""

    def __init__(self, operation: Operation, place: Path, seed: int) -> None:
        self.operation, self._place, self._chance = operation, place, random.Random(seed)
        self._log, self._before, self._folder = place / "log", place / "before", place / "disk" / "work"
        self._before.mkdir(parents=True)
        self._folder.parent.mkdir()
        operation.start(place)
        must("prepare", lambda: operation.prepare(self._before), self._log)
        self._fresh()
        began = time.monotonic()
        status, self._steps = ended(lambda: operation.run(self._folder), self._log, self._folder)
        self._seconds = time.monotonic() - began
        if status:
            raise Failed(f"undisturbed: status {status}\n{self._log.read_text(errors='replace')[-2500:]}")
        must("undisturbed", lambda: operation.check(self._folder, True), self._log)

    def kill(self) -> bool:
        """Kill it once; False where it had ended before."""
        self._fresh()
        number, pipe = child(lambda: self.operation.run(self._folder), self._log, self._folder)
        if self._chance.random() < 0.5 or not self.operation.by_steps:
            time.sleep(self._chance.uniform(0, self._seconds))
        else:
            wanted = self._chance.randint(1, max(1, self._steps))
            while wanted > 0 and (got := os.read(pipe, 1)):
                wanted -= len(got)
            time.sleep(self._chance.uniform(0, SOON))
        os.kill(number, signal.SIGKILL)
        os.close(pipe)
        _, status = os.waitpid(number, 0)
        self._afterwards("killed")
        return os.waitstatus_to_exitcode(status) == -signal.SIGKILL

    def fill(self) -> bool:
        """Run it on a disk with too little room, drawn at random; False where it was enough."""
        size = sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())
        self._mounted(True)
        try:
            self._fresh()
            # What is there after it, about, and as much again for what is temporary; and down to nothing.
            room = int(2 * max(2**15, size) * self._chance.random())
            rest = shutil.disk_usage(self._folder).free - room
            ballast = self._folder.parent / "ballast"
            with ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(1, rest))
            status, _ = ended(lambda: self.operation.run(self._folder), self._log)
            text = self._log.read_text(errors="replace")
            if status not in (0, 1) or "Traceback" in text:
                raise Failed(f"disk full: status {status}\n{text[-2500:]}")
            must("disk full", lambda: self.operation.check(self._folder, status == 0), self._log)
            ballast.unlink()
            self._afterwards("disk full")
        finally:
            self._mounted(False)
        return bool(status)

    def _afterwards(self, what: str) -> None:
        """The old or the new is there, and the next start makes the new."""
        must(what, lambda: self.operation.check(self._folder, False), self._log)
        must(f"the start after it was {what}", lambda: self.operation.run(self._folder), self._log)
        must(f"the start after it was {what}", lambda: self.operation.check(self._folder, True), self._log)

    def _fresh(self) -> None:
        if self._folder.exists():
            shutil.rmtree(self._folder)
        shutil.copytree(self._before, self._folder)
        self.operation.begin(self._folder)

    def _mounted(self, wanted: bool) -> None:
        """A small disk in memory, which root may mount."""
        disk = self._folder.parent
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", disk] if wanted else ["umount", "-l", disk]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise Missing(f"a small disk cannot be mounted ({done.stderr.strip()})")
