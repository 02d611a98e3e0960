"""Records of what was recognised, a file each, and the timeline that is made of them.

A record is written whole when its recording has been watched to the end, so whoever is interrupted goes on with the
next one. It says of which file it is, by place, size and time of its last change, and by what settings it came about;
where any of that is another, the file is done again.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgevtn.errors import MissingExtraError, OutputError
from edgevtn.files import write_whole
from edgevtn.prediction import Event, rounded
from edgevtn.reading import read_regular
from edgevtn.results.page import page
from edgevtn.sinks.discovery import slug

#: The version of a record.
FORMAT = 1
#: Bytes of a record: a day of events with their pictures has less.
LARGEST = 256 * 2**20
#: Seconds: no time is later, and one that is damaged may be.
LATEST = 1e12
COLUMNS = ("file", "label", "start", "end", "score", "region", "model")
#: What an event has in a timeline.
FIELDS = COLUMNS[1:]


class Results:
    """A folder with `files/`, a record of each, and `timeline.csv`, `timeline.json` and `timeline.html` of all.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    settings : mapping
        What the answers depend on beside the file; JSON.

    Raises
    ------
    OutputError
        The folder cannot be made.
    """

    def __init__(self, folder: str | Path, settings: Mapping[str, Any]) -> None:
        self._folder = Path(folder)
        self._settings = json.loads(json.dumps(settings))
        try:
            (self._folder / "files").mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(f"{folder}: cannot be made a folder ({reason}); choose another with --out") from error

    def is_done(self, recording: Path) -> bool:
        """Whether there is a record of just this file by just these settings."""
        record = _read(self._place(recording))
        try:
            return record is not None and record["key"] == self.key(recording)
        except OSError:  # it is not there
            return False

    def keep(
        self,
        recording: Path,
        key: Mapping[str, Any] | None,
        events: Sequence[Event],
        pictures: Mapping[int, bytes],
        duration: float | None,
    ) -> None:
        """Write the record of a recording that was watched to its end.

        Parameters
        ----------
        recording : Path
            A file, or a folder of images.
        key : mapping
            Its `key` before it was watched.
        events : sequence of Event
            Those that have ended.
        pictures : mapping of int to bytes
            JPEGs by event.
        duration : float, optional
            Seconds of it that were watched.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        told = []
        for event in events:
            facts = event.to_dict()
            picture = pictures.get(event.id)
            encoded = None if picture is None else base64.b64encode(picture).decode()
            told.append({name: facts[name] for name in FIELDS} | {"picture": encoded})
        record = {
            "format": FORMAT, "file": str(recording), "key": key, "duration": rounded(duration, 3),
            "events": told,
        }  # fmt: skip
        write_whole(self._place(recording), json.dumps(record).encode())

    def forget(self, recording: Path) -> None:
        """Remove the record of a recording that is another by now, and cannot be read."""
        self._place(recording).unlink(missing_ok=True)

    def write(self) -> list[Path]:
        """Write the timeline of all records in the folder.

        The page needs the extra ``edgevtn[report]``; without it there is a warning that names it, and no page.

        Returns
        -------
        list of Path
            What was written.
        """
        records = [record for place in sorted((self._folder / "files").glob("*.json")) if (record := _read(place))]
        records.sort(key=lambda record: record["file"])
        written = {"timeline.csv": _csv(records), "timeline.json": _json(records)}
        try:
            written["timeline.html"] = page(records, self._folder.resolve().name)
        except MissingExtraError as error:
            missing: MissingExtraError | None = error
        else:
            missing = None
        for name, text in written.items():
            write_whole(self._folder / name, text.encode("utf-8", "backslashreplace"))
        if missing is not None:  # told last, as a warning may be an error
            warnings.warn(f"no timeline.html: {missing}", RuntimeWarning, stacklevel=2)
        return [self._folder / name for name in written]

    def _place(self, recording: Path) -> Path:
        path = str(recording.resolve()).encode("utf-8", "surrogateescape")
        name = slug(recording.name)[:40] or "file"
        return self._folder / "files" / f"{name}-{hashlib.sha256(path).hexdigest()[:12]}.json"

    def key(self, recording: Path) -> dict[str, Any]:
        """What tells a recording as it is now, and what is done with it, from others; OSError if it is not there."""
        parts = sorted(recording.iterdir()) if recording.is_dir() else [recording]
        states = [part.stat() for part in parts]
        return {
            "path": str(recording.resolve()), "bytes": sum(state.st_size for state in states), "parts": len(parts),
            "changed_ns": max((state.st_mtime_ns for state in states), default=0), "settings": self._settings,
        }  # fmt: skip


def _read(place: Path) -> dict[str, Any] | None:
    """A record; None where there is none, or one that this version cannot use."""
    try:
        record = json.loads(read_regular(place, LARGEST))
        if record["format"] != FORMAT or not isinstance(record["file"], str) or "key" not in record:
            return None
        duration = None if record["duration"] is None else _number(record["duration"])
        events = [{name: event[name] for name in FIELDS} | {"picture": event["picture"]} for event in record["events"]]
        for event in events:
            base64.b64decode(event["picture"] or "", validate=True)  # it goes into a page
            event["start"], event["end"] = _number(event["start"]), _number(event["end"])
            event["score"] = None if event["score"] is None else _number(event["score"])
            if not all(isinstance(event[name], str) for name in ("label", "region", "model")):
                return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return {"file": record["file"], "key": record["key"], "duration": duration, "events": events}


def _number(value: Any) -> float:
    """A number that a page can show, else ValueError or TypeError."""
    number = float(value)
    if not abs(number) <= LATEST:
        raise ValueError
    return number


def _csv(records: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        writer.writerows([record["file"], *(event[name] for name in FIELDS)] for event in record["events"])
    return text.getvalue()


def _json(records: Sequence[dict[str, Any]]) -> str:
    files = [
        {
            "file": record["file"],
            "duration": record["duration"],
            "events": [{name: event[name] for name in FIELDS} for event in record["events"]],
        }
        for record in records
    ]
    return json.dumps({"files": files}, indent=1) + "\n"
