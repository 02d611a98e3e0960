"""Where and when: what is added to predictions and events that leave the process."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import Any

from edgevtn.prediction import Event, Prediction, rounded

#: Labels in a prediction's "top".
TOP = 3


class Origin:
    """Makes records of predictions and events: objects of JSON with the wall clock, the source and the model.

    Parameters
    ----------
    name : str
        The source's, as others are to read it; no password. See `edgevtn.sources.secret.source_name`. Where there are
        several sources, predictions and events say which.
    source : object, optional
        The source itself, or several as `edgevtn.sources.Cameras`. If it has `wall_clock`, that says when a timestamp
        was, in seconds since 1970. Otherwise the first timestamp that is asked for counts as now.
    """

    def __init__(self, name: str, source: object = None) -> None:
        self.name, self.source = name, source
        #: Ids of this run begin so: an event's number alone is counted from 1 in every run.
        self.run = f"{int(time.time()):x}{secrets.token_hex(2)}"
        self._clock = getattr(source, "wall_clock", None)
        self._offsets: dict[str, float] = {}  # by the source's name

    @property
    def lost(self) -> dict[str, bool]:
        """Whether each source is lost just now, by name; "" is the name of one whose name nobody knows."""
        each = getattr(self.source, "each", None) or {"": getattr(self.source, "statistics", None)}
        return {name: bool(getattr(statistics, "lost", False)) for name, statistics in each.items()}

    def wall_clock(self, timestamp: float, source: str = "") -> float:
        """When a timestamp of the source was, in seconds since 1970; `source` names it where there are several."""
        if callable(self._clock):
            when = self._clock(timestamp, source) if source else self._clock(timestamp)
            if when is not None:
                return float(when)
        return timestamp + self._offsets.setdefault(source, time.time() - timestamp)

    def iso(self, timestamp: float | None, source: str = "") -> str | None:
        """The same in ISO 8601, UTC, with milliseconds; None for None."""
        if timestamp is None:
            return None
        return datetime.fromtimestamp(self.wall_clock(timestamp, source), UTC).isoformat(timespec="milliseconds")

    def id(self, event: Event) -> str:
        """An id that no other run gives."""
        return f"{self.run}-{event.id}"

    def prediction(self, prediction: Prediction) -> dict[str, Any]:
        """A record: time, source, region if there are any, t, model, label, score, top, reused."""
        return {
            "time": self.iso(prediction.timestamp, prediction.source),
            **self._place(prediction),
            "t": round(prediction.timestamp, 3),
            "model": prediction.model,
            "label": prediction.label,
            "score": rounded(prediction.score, 4),
            "top": [[label, rounded(score, 4)] for label, score in prediction.top(TOP)],
            "reused": bool(prediction.reused),
        }

    def event(self, event: Event) -> dict[str, Any]:
        """A record: event ("begin", "update" or "end"), id, source, region if any, model, label, times, score.

        "start" and "end" are seconds in the source's time, "start_time" and "end_time" the same by the wall clock;
        the end is null while it goes on. An update has "updated" and "updated_time", too.
        """
        record: dict[str, Any] = {
            "event": event.kind, "id": self.id(event), **self._place(event), "model": event.model, "label": event.label,
            "start": round(event.start, 3), "start_time": self.iso(event.start, event.source),
            "end": None if event.end is None else round(event.end, 3), "end_time": self.iso(event.end, event.source),
            "score": rounded(event.score, 4),
        }  # fmt: skip
        if event.updated is not None:
            record |= {"updated": round(event.updated, 3), "updated_time": self.iso(event.updated, event.source)}
        return record

    def _place(self, what: Prediction | Event) -> dict[str, str]:
        place = {"source": what.source or self.name}
        return place | {"region": what.region} if what.region else place
