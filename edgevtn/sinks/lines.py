"""A file of lines that others read while it grows, and that stays small."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from pathlib import Path

from edgevtn.errors import OutputError
from edgevtn.sinks.trouble import Trouble


class LineFile:
    r"""Appends whole lines, each in a single write: whoever kills the process loses none that was written.

    A file that was moved away, replaced or removed meanwhile, as editors and logrotate do, is opened anew by its name.
    What a text has that is no UTF-8, as names of files may, is written as ``\udcff`` and the like.

    Parameters
    ----------
    file : path
        What is in it stays. A last line that was broken off is ended.
    max_bytes : int, optional
        Before it would grow beyond that, it becomes FILE.1, FILE.1 becomes FILE.2, and so on.
    keep : int
        Older files to keep; 0 or more.
    header : str
        First line of every file. A file that begins otherwise is someone else's.

    Raises
    ------
    OutputError
        The file cannot be written, or does not begin with the header.
    """

    def __init__(self, file: str | Path, *, max_bytes: int | None = None, keep: int = 4, header: str = "") -> None:
        self._file, self._max_bytes, self._keep, self._header = Path(file), max_bytes, keep, header
        self._trouble = Trouble(str(self._file))
        self._handle = -1
        self._size = 0
        self._identity = 0, 0  # device and inode of what is open
        try:
            self._open()
        except (OSError, ValueError) as error:  # the second where there is a NUL in the name
            self.close()
            if isinstance(error, OutputError):
                raise
            told = getattr(error, "strerror", None) or error
            reason = f"{self._file}: cannot be written ({told}); choose another place"
            raise OutputError(reason) from error

    def write(self, line: str) -> None:
        """Append a line, given without its end. If the disk is full, that is said once, and the line is lost."""
        content = _encoded(line)
        try:
            self._follow()
            if self._handle < 0:
                self._open()
            if self._max_bytes is not None and self._size and self._size + len(content) > self._max_bytes:
                self._rotate()
            self._append(content)
        except OSError as error:
            self.close()
            self._trouble.begins(f"cannot be written ({error.strerror or error}); lines are lost until it can")
        else:
            self._trouble.ends("is written again")

    def close(self) -> None:
        """Close the file; may be called twice."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        self._handle = os.open(self._file, flags, 0o666)
        found = os.fstat(self._handle)
        if not stat.S_ISREG(found.st_mode):  # a pipe would block, and rotating would move a device away
            raise OutputError(f"{self._file}: is no regular file; choose another place")
        self._size, self._identity = found.st_size, (found.st_dev, found.st_ino)
        expected = _encoded(self._header) if self._header else b""
        if self._size == 0:
            self._append(expected)
            return
        if os.pread(self._handle, len(expected), 0) != expected:
            raise OutputError(f"{self._file}: begins otherwise than such a file does; choose another place")
        if os.pread(self._handle, 1, self._size - 1) != b"\n":
            self._append(b"\n")

    def _follow(self) -> None:
        """Close the file if its name leads to another or to none any more, or if it was emptied and has no header."""
        try:
            found = self._file.stat()
        except FileNotFoundError:
            self.close()
            return
        self._size = found.st_size  # others may have cut it
        if (found.st_dev, found.st_ino) != self._identity or not found.st_size:
            self.close()

    def _append(self, content: bytes) -> None:
        """Write it whole, or not at all: what a full disk took of it is cut off again."""
        before, written = self._size, 0
        try:
            while written < len(content):
                written += os.write(self._handle, content[written:])
        except OSError:
            with contextlib.suppress(OSError):
                if os.fstat(self._handle).st_size == before + written:  # nobody else has written behind it
                    os.ftruncate(self._handle, before)
            raise
        self._size += written

    def _rotate(self) -> None:
        self.close()
        names = [self._file, *(self._file.with_name(f"{self._file.name}.{n}") for n in range(1, self._keep + 1))]
        for old, new in reversed(list(itertools.pairwise(names))):
            if old.exists():
                old.replace(new)
        if not self._keep:
            self._file.unlink()
        self._open()


def _encoded(line: str) -> bytes:
    return f"{line}\n".encode("utf-8", "backslashreplace")
