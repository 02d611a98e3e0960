"""Features of clips on disk, so that nothing is encoded twice: bounded, and never trusted blindly."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgevtn.archive import read_arrays
from edgevtn.errors import OutputError
from edgevtn.files import replacing, user_cache
from edgevtn.reading import read_regular
from edgevtn.sources.folder import IMAGE_SUFFIXES

Arrays = dict[str, npt.NDArray[Any]]

#: Bytes kept: nine hours of clips at 12.5 Hz and 1280 float16 features, and a few per cent of a small board's card.
LIMIT = 2**30
#: Bytes of a file that are hashed whole, half a second on a Pi; of a larger one size, time and both ends.
HASHED_WHOLE = 256 * 2**20
END = 2**20
#: The layout of what is stored; another number makes all that is there a miss.
VERSION = 1


class FeatureCache:
    """Arrays in files named by what they depend on; the least recently used go first.

    Parameters
    ----------
    folder : Path, optional
        Made when something is stored. None: nothing is kept.
    limit : int
        Bytes that all files may have together.
    """

    def __init__(self, folder: Path | None, limit: int = LIMIT) -> None:
        self.folder, self._limit = folder, limit

    def get(self, key: str, compute: Callable[[], Arrays]) -> Arrays:
        """What `compute` gives, from the folder where it is there whole.

        A damaged file is a miss. A folder that cannot be written keeps nothing, and is no error.

        Parameters
        ----------
        key : str
            All that the arrays depend on.
        compute : callable
            Gives arrays by their names.
        """
        if self.folder is None:
            return compute()
        file = self.folder / f"{hashlib.sha256(f'{VERSION} {key}'.encode()).hexdigest()}.npz"
        found = _read(file)
        if found is not None:
            with suppress(OSError):
                os.utime(file)  # used now
            return found
        arrays = compute()
        with suppress(OSError, OutputError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with replacing(file) as part:
                np.savez(part, **arrays)  # type: ignore[arg-type]
            self._shrink()
        return arrays

    def _shrink(self) -> None:
        assert self.folder is not None
        entries = []
        for file in self.folder.glob("*.npz"):
            with suppress(OSError):  # another process removed it
                entries.append((file.stat().st_mtime_ns, file.stat().st_size, file))
        size = sum(size for _, size, _ in entries)
        for _, part, file in sorted(entries):
            if size <= self._limit:
                return
            with suppress(OSError):
                file.unlink()
            size -= part


def default_cache() -> FeatureCache:
    """The user's: in the folder ``features`` of `edgevtn.files.user_cache`."""
    own = user_cache()
    return FeatureCache(None if own is None else own / "features")


def fingerprint(source: object) -> str | None:
    """What tells a file or a folder of images from any other; None of a source that is neither.

    Raises
    ------
    OSError
        It cannot be read.
    """
    if not isinstance(source, str | Path):
        return None
    path = Path(source)
    if path.is_dir():
        stats = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in sorted(path.iterdir()) if _is_image(f)]
        return hashlib.sha256(repr(stats).encode()).hexdigest()
    if not path.is_file():
        return None
    size = path.stat().st_size
    with path.open("rb") as content:
        if size <= HASHED_WHOLE:
            return hashlib.file_digest(content, "sha256").hexdigest()
        ends = content.read(END)
        content.seek(size - END)
        ends += content.read(END)
    return f"{size} {path.stat().st_mtime_ns} {hashlib.sha256(ends).hexdigest()}"


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in IMAGE_SUFFIXES


def _read(file: Path) -> Arrays | None:
    """The arrays of a file; None where it is not there, or not what was written: an archive knows its parts' sums."""
    try:
        return read_arrays(read_regular(file, LIMIT))
    except (OSError, ValueError):
        return None
