"""A terminal to run a command in: a pseudo-terminal, and pyte, which obeys what is written to it."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from typing import Self

import pyte

ROWS = 40
#: Makes stdin the terminal whose Ctrl-C it gets, and becomes what follows.
CONTROL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


class Terminal:
    """A command in a terminal of its own.

    Attributes
    ----------
    screen : pyte.Screen
        What is to be seen now.
    written : bytes
        All that was written to it.
    """

    def __init__(self, arguments: Sequence[object], columns: int, **environment: str) -> None:
        self.screen = pyte.Screen(columns, ROWS)
        self._stream = pyte.ByteStream(self.screen)
        self.written = b""
        self._master, slave = os.openpty()
        self._size(self._master, columns)
        line = [sys.executable, "-c", CONTROL, sys.executable, *map(str, arguments)]
        self._process = subprocess.Popen(
            line, stdin=slave, stdout=slave, stderr=slave, env=os.environ | environment, start_new_session=True
        )
        os.close(slave)

    @staticmethod
    def _size(handle: int, columns: int) -> None:
        fcntl.ioctl(handle, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))

    def resize(self, columns: int) -> None:
        """Make it wider or narrower, as a person does with the mouse."""
        self._size(self._master, columns)
        self.screen.resize(ROWS, columns)

    def press(self, keys: bytes) -> None:
        """As if they were typed."""
        os.write(self._master, keys)

    @property
    def lines(self) -> list[str]:
        """What is to be seen, without empty lines."""
        return [line.rstrip() for line in self.screen.display if line.strip()]

    def until(self, condition: Callable[[], object], limit: float = 60.0) -> None:
        """Read until the condition holds."""
        end = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < end, self.lines
            assert self._read(end), self.lines

    def finish(self, limit: float = 60.0) -> int:
        """Read to the end; the exit status."""
        end = time.monotonic() + limit
        while self._read(end):
            pass
        return self._process.wait(limit)

    def vanish(self, limit: float = 60.0) -> int:
        """Close it, as a connection that breaks; the command's exit status."""
        os.close(self._master)
        self._master = os.open(os.devnull, os.O_RDONLY)
        return self._process.wait(limit)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def _read(self, end: float) -> bool:
        """Take what there is; False at the end."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, end - time.monotonic()))
        assert ready, self.lines
        try:
            content = os.read(self._master, 4096)
        except OSError:  # how Linux says that nobody has it open any more
            return False
        self.written += content
        self._stream.feed(content)
        return bool(content)
