"""Where compiled kernels are kept between two starts: in a folder named by the sources they were compiled from.

Numba looks at the time stamp of the file that a function stands in, not at the files of what the function calls.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from edgevtn import cpu
from edgevtn.files import user_cache

#: Folders of other sources that stay, the last used ones: an installed version beside a checkout, and a branch or two
#: to go back to. Each holds a few megabytes.
KEPT = 3
PREFIX = "kernels-"


def _sources() -> list[Path]:
    return [*sorted(Path(__file__).parent.glob("*.py")), Path(cpu.__file__)]


def sources_hash() -> str:
    """A hash of everything that decides how a kernel is compiled."""
    digest = hashlib.sha256()
    for file in _sources():
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _places() -> list[Path]:
    """Folders that may be written to; the first that can be is used."""
    chosen = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("EDGEVTN_CACHE")
    if chosen:
        return [Path(chosen)]
    own, beside = user_cache(), Path(__file__).parent / "__pycache__"
    return [beside] if own is None else [own, beside]


def _forget_others(folder: Path) -> None:
    """Remove all but the `KEPT` last used folders of other sources."""
    with suppress(OSError):
        others = [other for other in folder.parent.glob(f"{PREFIX}*") if other != folder]
        for other in sorted(others, key=lambda other: other.stat().st_mtime, reverse=True)[KEPT:]:
            shutil.rmtree(other, ignore_errors=True)


@cache
def cache_folder() -> Path | None:
    """This version's folder, which exists and can be written to; None if there is no such place."""
    with suppress(OSError):  # sources inside a zip file
        name = PREFIX + sources_hash()
        for place in _places():
            folder = place / name
            with suppress(OSError):
                is_new = not folder.exists()
                folder.mkdir(parents=True, exist_ok=True)
                tempfile.TemporaryFile(dir=folder).close()
                os.utime(folder)  # last used now
                if is_new:
                    _forget_others(folder)
                return folder
    return None


@contextmanager
def numba_cache() -> Iterator[Path | None]:
    """While functions are decorated, Numba's cache is `cache_folder`; other users of Numba do not notice."""
    from numba.core import config

    before, folder = config.CACHE_DIR, cache_folder()
    if folder is not None:
        config.CACHE_DIR = str(folder)
    try:
        yield folder
    finally:
        config.CACHE_DIR = before
