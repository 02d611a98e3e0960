"""JSON lines for other programs: one for each prediction, and one for each event that begins or ends."""

from __future__ import annotations

import json
import math
import sys
from typing import IO, Any

from edgevtn.prediction import Event, Prediction
from edgevtn.sinks.base import Sink

#: Labels in a prediction's "top".
TOP = 3


class JsonLines(Sink):
    """Writes to a text file, or to stdout. Times are seconds, in the source's time.

    A prediction is ``{"t", "model", "label", "score", "top"}``; an event is ``{"event": "begin" or "end", "id",
    "model", "label", "start", "end", "score"}``, with "end" null while it goes on. Both have "source"
    where there are several, and "region" where there are any.
    """

    def __init__(self, file: IO[str] | None = None) -> None:
        self._file = file

    def _write(self, record: dict[str, Any]) -> None:
        print(json.dumps(record), file=self._file or sys.stdout, flush=True)

    def prediction(self, prediction: Prediction) -> None:
        """A line."""
        top = [[label, _score(score)] for label, score in prediction.top(TOP)]
        self._write({
            "t": round(prediction.timestamp, 3), "model": prediction.model, "label": prediction.label,
            "score": _score(prediction.score), "top": top, **_place(prediction),
        })  # fmt: skip

    def event(self, event: Event) -> None:
        """A line."""
        self._write({
            "event": "begin" if event.end is None else "end", "id": event.id, "model": event.model,
            "label": event.label, "start": round(event.start, 3),
            "end": None if event.end is None else round(event.end, 3), "score": _score(event.score),
            **_place(event),
        })  # fmt: skip


def _place(what: Prediction | Event) -> dict[str, str]:
    """Its source and region, where they have names."""
    return {name: value for name in ("source", "region") if (value := getattr(what, name))}


def _score(score: float) -> float | None:
    """Rounded; None for what JSON has no number for."""
    return round(score, 4) if math.isfinite(score) else None
