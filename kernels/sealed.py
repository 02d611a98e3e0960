"""Numba's cache on disk, with a checksum on every file: what a loss of power left of one is compiled again.

Numba trusts its files. A truncated one ended every start in an UnpicklingError until someone deleted it, and machine
code with a wrong bit would be run.
"""

from __future__ import annotations

import hashlib
import logging
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

logger = logging.getLogger("edgevtn.kernels")

#: Bytes of a SHA-256, which stands before what it is of.
SEAL = 32


class _SealedFile(IndexDataCacheFile):
    """The index of a function's machine code, and the files that hold it."""

    def _load_index(self) -> dict[Any, str]:
        try:
            version, stamp, overloads = _opened(Path(self._index_path))
        except FileNotFoundError:
            return {}
        fresh = version == numba.__version__ and stamp == self._source_stamp
        return dict(overloads) if fresh else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._write(self._index_path, self._dump((numba.__version__, self._source_stamp, overloads)))

    def _load_data(self, name: str) -> Any:
        return _opened(Path(self._data_path(name)))

    def _save_data(self, name: str, data: Any) -> None:
        self._write(self._data_path(name), self._dump(data))

    def _write(self, path: str, content: bytes) -> None:
        with self._open_for_write(path) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def forget(self) -> None:
        """Remove all files of this function."""
        index = Path(self._index_path)
        for file in index.parent.glob(f"{index.stem}.*"):
            with suppress(OSError):
                file.unlink()


def _opened(file: Path) -> Any:
    content = file.read_bytes()
    if hashlib.sha256(content[SEAL:]).digest() != content[:SEAL]:
        raise ValueError(f"{file}: is damaged")
    return pickle.loads(content[SEAL:])


class SealedCache(FunctionCache):
    """A function's cache that is damaged or cannot be written is no cache: it is compiled, and the program runs."""

    _told = False

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._cache_file = _SealedFile(
            self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp()
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The machine code; None where there is none that can be trusted."""
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # whatever unpickling, or linking of older code, raises
            logger.info("%s: compiled again (%s)", self._name, error)
            self._cache_file.forget()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the machine code; a full disk is said once."""
        try:
            super().save_overload(sig, data)
        except Exception as error:  # the disk's, or of what stands in the index
            self._cache_file.forget()
            if not SealedCache._told:
                SealedCache._told = True
                reason = getattr(error, "strerror", None) or error
                logger.warning(
                    "compiled kernels cannot be kept in %s (%s); every start compiles them", self._cache_path, reason
                )
