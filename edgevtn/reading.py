"""Files that a user names are looked at before they are opened, and are never read without end.

A pipe without a writer would wait for ever, a device gives bytes for ever, and both have a size of 0.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Bytes of a text that people write: a manifest, labels, a configuration.
LARGEST_TEXT = 64 * 2**20


def kind_of(path: str | Path) -> str:
    """What a path leads to, by way of links: "file", "folder", "device" (also a pipe or a socket); "" for nothing.

    It raises nothing: names that are too long, or have a NUL in them, lead to nothing.
    """
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return ""
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "device"


def check_regular(file: str | Path, most: int) -> int:
    """Size of a regular file in bytes, before someone else opens it.

    Raises
    ------
    OSError
        It is none, or larger than `most`, or not there.
    """
    try:
        found = Path(file).stat()
    except ValueError as error:  # a NUL in the name
        raise FileNotFoundError(errno.ENOENT, "no such file", str(file)) from error
    return _checked(found, file, most)


def read_regular(file: str | Path, most: int) -> bytes:
    """The content of a regular file of at most so many bytes.

    Raises
    ------
    OSError
        As `check_regular`; or it cannot be read.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would wait for its writer
    except ValueError as error:
        raise FileNotFoundError(errno.ENOENT, "no such file", str(file)) from error
    with os.fdopen(handle, "rb") as content:
        size = _checked(os.fstat(handle), file, most)
        read = content.read(size + 1)  # as much memory is taken as is asked for
    if len(read) > size:
        raise OSError(errno.EAGAIN, "grew while it was read", str(file))
    return read


@contextmanager
def native_path(path: str | Path) -> Iterator[str]:
    """A name of what is there that OpenCV can open while this lasts.

    Names that are not UTF-8 end it in a segfault, and of "12:30.mp4" FFmpeg takes what stands before the colon for a
    protocol, unless there is a folder before it.

    Raises
    ------
    OSError
        It is not there.
    """
    text = str(Path(path).absolute())
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        yield text
        return
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def read_text(file: str | Path, most: int = LARGEST_TEXT) -> str:
    """A text in UTF-8, with or without the mark that spreadsheets and editors write at its beginning.

    Raises
    ------
    OSError
        As `read_regular`.
    UnicodeDecodeError
    """
    return read_regular(file, most).decode("utf-8-sig")


def _checked(found: os.stat_result, file: str | Path, most: int) -> int:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(file))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "is a pipe or a device, no regular file", str(file))
    if found.st_size > most:
        raise _too_large(file, most)
    return found.st_size


def _too_large(file: str | Path, most: int) -> OSError:
    return OSError(errno.EFBIG, f"has more than {most} bytes, the most that such a file may have", str(file))
