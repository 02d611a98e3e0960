"""A table of the events that ended, for spreadsheets."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from edgevtn.arrays import Frame
from edgevtn.prediction import Event
from edgevtn.reading import kind_of
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink
from edgevtn.sinks.lines import LineFile
from edgevtn.sinks.origin import Origin

#: What a row has of a record that `Origin` makes.
COLUMNS = ("id", "source", "model", "label", "start_time", "end_time", "start", "end", "score", "region")
#: Characters of a first line: more than a timeline's has.
LONGEST_HEADER = 200
#: What it had before there were regions: such a file goes on as it began.
OLD_COLUMNS = COLUMNS[:-1]


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
        self._columns = OLD_COLUMNS if _first_line(file) == _row(OLD_COLUMNS) else COLUMNS
        self._lines = LineFile(file, header=_row(self._columns))

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Let the wall clock begin with the first frame."""
        self._origin.wall_clock(timestamp, scene.source)

    def event(self, event: Event) -> None:
        """A row, if the event has ended."""
        if event.end is not None:
            record = self._origin.event(event)
            self._lines.write(_row(record.get(name, "") for name in self._columns))

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


def _first_line(file: str | Path) -> str:
    """A file's first line without its end; "" where there is none that can be read."""
    if kind_of(file) != "file":
        return ""
    try:
        with Path(file).open(encoding="utf-8") as lines:
            return lines.readline(LONGEST_HEADER).rstrip("\n")
    except (OSError, ValueError):  # whoever writes to it says what is wrong
        return ""


def _row(values: Any) -> str:
    """Values as a row, without its end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()
