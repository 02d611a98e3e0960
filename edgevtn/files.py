"""Files and folders are written whole or not at all.

What is new is written beside its place, forced to the disk, and moved to its place; then the folder is forced to the
disk, too. A board that loses power keeps the old file or has the new one, never half of either.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from edgevtn.errors import EdgeVTNError, OutputError
from edgevtn.reading import kind_of

#: Seconds after its last change in which a part counts as being written.
ABANDONED = 86_400.0
#: Digits that tell parts of the same name from each other.
DIGITS = 8
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
    if "\0" in str(file):
        raise OutputError(f"{file}: has a NUL in its name; choose another place")
    if kind_of(file) in ("folder", "device"):
        raise OutputError(f"{file}: is no regular file; choose another place")
    part = _part_of(file, file.suffix)
    try:
        _forget_abandoned(part)
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
        with suppress(OSError):
            part.unlink()


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
    place = _part_of(folder, "")
    _forget_abandoned(place)
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


def _part_of(path: Path, suffix: str) -> Path:
    """A hidden name beside a path.

    The suffix stays, because writers of videos and arrays go by it. A long name would be too long with more of it, and
    what is not UTF-8 is left out, because not every writer can open it.
    """
    stem = (path.stem if suffix else path.name)[:40].encode("utf-8", "replace").decode()
    suffix = suffix.encode("utf-8", "ignore").decode()[:20]
    return path.with_name(f".{stem}.{uuid4().hex[:DIGITS]}.part{suffix}")


def _forget_abandoned(part: Path) -> None:
    """Remove what writers of the same name left behind when they were killed, long enough ago to be sure of it."""
    number = part.name.rindex(".part") - DIGITS
    before, behind = part.name[:number], part.name[number + DIGITS :]
    with suppress(OSError):
        for other in part.parent.iterdir():
            alike = len(other.name) == len(part.name) and other.name.startswith(before) and other.name.endswith(behind)
            if alike and time.time() - other.stat().st_mtime > ABANDONED:
                if other.is_dir() and not other.is_symlink():
                    shutil.rmtree(other, ignore_errors=True)
                else:
                    other.unlink(missing_ok=True)


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

    It is systemd's ``STATE_DIRECTORY`` for a service that has one, else ``XDG_STATE_HOME/edgevtn``, else
    ``~/.local/state/edgevtn``, and need not exist.
    """
    if os.environ.get("STATE_DIRECTORY"):
        return Path(os.environ["STATE_DIRECTORY"].split(":")[0])  # a unit may ask for several
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
