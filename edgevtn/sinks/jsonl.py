"""JSON lines for other programs: one for each prediction, and one for each event that begins, goes on or ends."""

from __future__ import annotations

import json
import sys
from abc import abstractmethod
from pathlib import Path
from typing import IO

from edgevtn.arrays import Frame
from edgevtn.prediction import Event, Prediction
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink
from edgevtn.sinks.lines import LineFile
from edgevtn.sinks.origin import Origin

#: Bytes of a file before it is rotated: some days of events and predictions, and no burden for an SD card.
MAX_BYTES = 10_000_000


class _Records(Sink):
    """Writes records, as `Origin` makes them."""

    def __init__(self, origin: Origin | None) -> None:
        self._origin = Origin("") if origin is None else origin

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Let the wall clock begin with the first frame."""
        self._origin.wall_clock(timestamp, scene.source)

    def prediction(self, prediction: Prediction) -> None:
        """A line."""
        self._write(json.dumps(self._origin.prediction(prediction)))

    def event(self, event: Event) -> None:
        """A line."""
        self._write(json.dumps(self._origin.event(event)))

    @abstractmethod
    def _write(self, line: str) -> None: ...


class JsonLines(_Records):
    """Writes to a text file, or to stdout.

    Parameters
    ----------
    file : text file, optional
        stdout if None. It is not closed here.
    origin : Origin, optional
        Whose records; without it the source has no name.
    """

    def __init__(self, file: IO[str] | None = None, origin: Origin | None = None) -> None:
        super().__init__(origin)
        self._file = file

    def _write(self, line: str) -> None:
        print(line, file=self._file or sys.stdout, flush=True)


class JsonFile(_Records):
    """Appends to a file that is rotated by its size: FILE, FILE.1 (older) ... FILE.4.

    Parameters
    ----------
    file : path
    origin : Origin, optional
        Whose records; without it the source has no name.
    max_bytes : int
        The most that a file may have.
    keep : int
        Older files to keep.

    Raises
    ------
    OutputError
        The file cannot be written. Later troubles are said, and do not stop recognition.
    """

    def __init__(
        self, file: str | Path, origin: Origin | None = None, *, max_bytes: int = MAX_BYTES, keep: int = 4
    ) -> None:
        super().__init__(origin)
        self._lines = LineFile(file, max_bytes=max_bytes, keep=keep)

    def _write(self, line: str) -> None:
        self._lines.write(line)

    def close(self) -> None:
        """Close the file."""
        self._lines.close()
