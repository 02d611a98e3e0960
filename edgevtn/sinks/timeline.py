"""A table of the events that ended, for spreadsheets."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from edgevtn.arrays import Frame
from edgevtn.prediction import Event
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink
from edgevtn.sinks.lines import LineFile
from edgevtn.sinks.origin import Origin

#: What a row has of a record that `Origin` makes.
COLUMNS = ("id", "source", "model", "label", "start_time", "end_time", "start", "end", "score")


class Timeline(Sink):
    """Appends a row to a CSV file for each event that has ended, whole and at once.

    Parameters
    ----------
    file : path
        A new file, or one that a timeline was written to before.
    origin : Origin, optional
        Whose records; without it the source has no name.

    Raises
    ------
    OutputError
        The file cannot be written, or is no timeline. Later troubles are said, and do not stop recognition.
    """

    def __init__(self, file: str | Path, origin: Origin | None = None) -> None:
        self._origin = Origin("") if origin is None else origin
        self._lines = LineFile(file, header=_row(COLUMNS))

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Let the wall clock begin with the first frame."""
        self._origin.wall_clock(timestamp, scene.source)

    def event(self, event: Event) -> None:
        """A row, if the event has ended."""
        if event.end is not None:
            record = self._origin.event(event)
            self._lines.write(_row(record[name] for name in COLUMNS))

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


def _row(values: Any) -> str:
    """Values as a row, without its end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()
