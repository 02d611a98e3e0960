"""Which engine was faster on this machine: what `edgevtn warmup` measured, kept in the user's cache folder.

A measurement counts for one encoder, picture size and number of threads, and for the processor and the versions that it
was made with. After an update of either engine it is made again.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from edgevtn.cpu import HOST_FEATURES, cpu_name
from edgevtn.errors import OutputError
from edgevtn.files import user_cache, write_whole

FILE = "engines.json"
#: Measurements that are kept, the newest; a machine has a handful of models, and old versions are of no use.
KEPT = 64
#: The other engine must take at most this share of onnxruntime's time: less is noise, and gains nobody anything.
WORTH = 0.97


class Run(NamedTuple):
    """What is measured: an encoder by its checksum, the side of its pictures in pixels, threads."""

    sha256: str
    side: int
    threads: int


class Measurements:
    """Milliseconds of an inference by engine, for runs on this machine.

    A file that is damaged, or was written by another version, is as good as none.

    Parameters
    ----------
    folder : path, optional
        The user's cache folder if None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        place = user_cache() if folder is None else folder
        self._file = None if place is None else place / FILE
        self._machine = _machine()

    def of(self, run: Run) -> dict[str, float] | None:
        """Milliseconds by engine, or None where it was not measured."""
        return self._read().get(self._key(run))

    def fastest(self, run: Run) -> str | None:
        """The engine to take, or None where it was not measured; the first measured unless another is clearly faster.

        An engine that has gone since is not taken: the versions are part of what is remembered.
        """
        found = self.of(run)
        if not found:
            return None
        first, best = next(iter(found)), min(found, key=lambda name: found[name])
        return best if found[best] <= WORTH * found[first] else first

    def remember(self, run: Run, milliseconds: dict[str, float]) -> None:
        """Keep a measurement.

        Parameters
        ----------
        run : Run
        milliseconds : dict of str to float
            By engine, the default first.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        if self._file is None:
            raise OutputError("there is no home folder to remember measurements in; set EDGEVTN_CACHE to a folder")
        known = self._read()
        known.pop(self._key(run), None)
        known[self._key(run)] = milliseconds
        newest = dict(list(known.items())[-KEPT:])
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self._file.parent}: cannot be made a folder ({error})") from error
        write_whole(self._file, json.dumps(newest, indent=1).encode())

    def _key(self, run: Run) -> str:
        return f"{run.sha256} {run.side} {run.threads} {self._machine}"

    def _read(self) -> dict[str, dict[str, float]]:
        """What the file has of this form."""
        with suppress(OSError, ValueError, RecursionError):
            if self._file is not None:
                content = json.loads(self._file.read_bytes())
                pairs = content.items() if isinstance(content, dict) else ()
                return {key: value for key, value in pairs if _is_measurement(value)}
        return {}


def _is_measurement(value: Any) -> bool:
    """Whether it is milliseconds by engine."""
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(number, float) and math.isfinite(number) and number > 0 for number in value.values())
    )


def _machine() -> str:
    """The processor, what may be used of it, and the versions."""
    return " ".join([cpu_name(), ",".join(sorted(HOST_FEATURES)), *map(_version, ("onnxruntime", "openvino"))])


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"
