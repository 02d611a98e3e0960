"""Files and folders are written whole or not at all.

What is new is written beside its place, forced to the disk, and moved to its place; then the folder is forced to the
disk, too. A board that loses power keeps the old file or has the new one, never half of either.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from edgevtn.errors import EdgeVTNError, OutputError

#: Constants of renameat2(2): paths are relative to the process's folder; the two change places.
AT_FDCWD, RENAME_EXCHANGE = -100, 2


def write_whole(file: str | Path, content: bytes) -> None:
    """Write a file.

    Raises
    ------
    OutputError
        It cannot be written; what was there before is still there.
    """
    with replacing(file) as part:
        part.write_bytes(content)


@contextmanager
def replacing(file: str | Path) -> Iterator[Path]:
    """Give a path beside `file` to write to; afterwards what was written there takes the place of `file`.

    After an exception what was written is removed, and `file` stays as it was. So it does where nothing was written.

    Raises
    ------
    OutputError
        The file cannot be written, or something that is no file has its name.
    """
    file = Path(file)
    if file.exists() and not stat.S_ISREG(file.stat().st_mode):
        raise OutputError(f"{file}: is no regular file; choose another place")
    # The suffix stays, because writers of videos and arrays go by it; a long name would be too long with more of it.
    part = file.with_name(f".{file.stem[:40]}.{uuid4().hex[:8]}.part{file.suffix}")
    try:
        yield part
        if part.exists():
            _sync(part)
            part.replace(file)
            _sync(file.parent)
    except OSError as error:
        if isinstance(error, EdgeVTNError):
            raise
        raise OutputError(f"{file}: cannot be written ({error.strerror or error}); choose another place") from error
    finally:
        part.unlink(missing_ok=True)


def replace_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write a folder beside its place, and move it there when it is done.

    Raises
    ------
    OSError
        The folder cannot be written; what was there before is still there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _beside(folder) as temporary:
        fresh, old = temporary / "fresh", temporary / "old"
        fresh.mkdir()
        fill(fresh)
        for path in fresh.rglob("*"):
            _sync(path)
        _sync(fresh)
        if not folder.exists():
            fresh.replace(folder)
        elif not exchanged(fresh, folder):
            try:
                folder.replace(old)
                fresh.replace(folder)
            except BaseException:  # Ctrl-C, too, must not leave the place empty
                if old.exists() and not folder.exists():
                    old.replace(folder)
                raise
        _sync(folder.parent)


def exchanged(fresh: Path, folder: Path) -> bool:
    """Let two folders change places in one step, between which there is no moment; False where that cannot be done.

    Not every file system can, nor any system but Linux.
    """
    try:
        call = ctypes.CDLL(None).renameat2
    except (OSError, AttributeError):
        return False
    paths = os.fsencode(fresh.absolute()), os.fsencode(folder.absolute())
    done: int = call(AT_FDCWD, paths[0], AT_FDCWD, paths[1], RENAME_EXCHANGE)
    return done == 0


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A new hidden folder beside another, removed afterwards, with all that is in it."""
    place = folder.with_name(f".{folder.name[:40]}.{uuid4().hex[:8]}.part")
    try:
        place.mkdir(mode=0o700)
        yield place
    finally:
        try:
            shutil.rmtree(place)
        except KeyboardInterrupt:  # a second Ctrl-C of an impatient person
            shutil.rmtree(place, ignore_errors=True)
            raise
        except FileNotFoundError:
            pass


def user_cache() -> Path | None:
    """Where this user's compiled kernels, features and downloads are kept; None where there is no home.

    It is ``EDGEVTN_CACHE``, else ``XDG_CACHE_HOME/edgevtn``, else ``~/.cache/edgevtn``, and need not exist.
    """
    if os.environ.get("EDGEVTN_CACHE"):
        return Path(os.environ["EDGEVTN_CACHE"])
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "edgevtn"
    with suppress(RuntimeError):  # no HOME, and no such user either
        return Path.home() / ".cache" / "edgevtn"
    return None


def user_state() -> Path | None:
    """Where what is not yet delivered waits; None where there is no home.

    It is ``XDG_STATE_HOME/edgevtn``, else ``~/.local/state/edgevtn``, and need not exist.
    """
    if os.environ.get("XDG_STATE_HOME"):
        return Path(os.environ["XDG_STATE_HOME"]) / "edgevtn"
    with suppress(RuntimeError):  # no HOME, and no such user either
        return Path.home() / ".local" / "state" / "edgevtn"
    return None


def _sync(path: Path) -> None:
    """Force a file, or a folder's list of names, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if path.is_file():  # some file systems cannot sync a folder; its files are safe all the same
            raise
    finally:
        os.close(handle)
