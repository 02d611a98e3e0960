"""What the page tells: the latest predictions, the last events, and how it all goes, as a record of JSON."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np

from edgevtn.cpu import temperature
from edgevtn.prediction import UNKNOWN, Event, Prediction
from edgevtn.sinks.origin import Origin
from edgevtn.sinks.page.health import Cpu, Rate, Tally, memory

#: Events that are kept.
MOST_EVENTS = 100
#: Labels that are shown in the model's order; of more, the most probable are, in the order of their probabilities.
MOST_BARS = 12
#: Seconds by which a model's last prediction may be older than another's of the same picture: one that was taught takes
#: the place of one before.
SILENT = 2.0


class Board:
    """Told by the thread that recognises, asked by the one that serves.

    Parameters
    ----------
    origin : Origin
        Its source may have `statistics` and `wall_clock`.

    Attributes
    ----------
    total : Tally
        All sources together, those that have ended included.
    tallies : dict of str to Tally
        Each source that has a name and has not ended.
    began : float
        When the board was made, seconds since 1970.
    """

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.total = Tally()
        self.tallies: dict[str, Tally] = {}
        self.began = time.time()
        self._opened = time.monotonic()  # the wall clock may be set, as it is soon after many boards have started
        self._cpu = Cpu()
        self._clock = getattr(origin.source, "wall_clock", None)
        self._latest: dict[tuple[str, str, str], Prediction] = {}  # by source, region and model
        self._events: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._version = 0  # of the events
        self._lock = threading.Lock()  # held for microseconds

    def frame(self, source: str = "") -> None:
        """Another one came."""
        with self._lock:
            for tally in self._of(source):
                tally.frames.add()

    def prediction(self, prediction: Prediction) -> None:
        """Keep it, and how late it is."""
        place = (prediction.source,) if prediction.source else ()
        made = self._clock(prediction.timestamp, *place) if callable(self._clock) else None
        with self._lock:
            self._latest[prediction.source, prediction.region, prediction.model] = prediction
            self._forget(prediction)
            for tally in self._of(prediction.source):
                tally.predictions.setdefault(prediction.model, Rate()).add()
                tally.reused[prediction.model] += prediction.reused
                if made is not None:
                    tally.latency.add(time.time() - made)

    def ended(self, source: str) -> None:
        """Forget a source from which no more will come, but for its events and its part in the total."""
        with self._lock:
            self.tallies.pop(source, None)
            for key in [key for key in self._latest if key[0] == source]:
                del self._latest[key]

    def _of(self, source: str) -> list[Tally]:
        """Where what comes from a source is counted."""
        return [self.total, self.tallies.setdefault(source, Tally())] if source else [self.total]

    def _forget(self, prediction: Prediction) -> None:
        """What other models said of the same view, if they say no more."""
        for key, other in list(self._latest.items()):
            same = (other.source, other.region) == (prediction.source, prediction.region)
            if same and prediction.timestamp - other.timestamp > SILENT:
                del self._latest[key]

    def event(self, event: Event) -> None:
        """Keep it, instead of what it was before."""
        record = self.origin.event(event)
        with self._lock:
            for tally in self._of(event.source):
                tally.begun[event.model, event.label] += event.kind == "begin"
            self._events[record["id"]] = record
            while len(self._events) > MOST_EVENTS:
                self._events.popitem(last=False)
            self._version += 1

    def statistics(self) -> dict[str, Any]:
        """What the source tells of itself: of a live one `dropped`, `repeated`, `bad`, `reconnects` and `lost`."""
        told = getattr(self.origin.source, "statistics", None)
        return asdict(told) if is_dataclass(told) and not isinstance(told, type) else {}

    def each(self) -> dict[str, dict[str, Any]]:
        """The same for each source by its name; a single one has none, as nothing else is meant."""
        told = getattr(self.origin.source, "each", {})
        return {name: asdict(own) for name, own in told.items()} if len(told) > 1 else {"": self.statistics()}

    def record(self, known: int = -1) -> dict[str, Any]:
        """All of it; the events only if there are others than in the version that is `known`."""
        with self._lock:
            latest, version = list(self._latest.values()), self._version
            events = None if known == version else [dict(event) for event in reversed(self._events.values())]
            since, frame_rate = self.total.frames.since(), self.total.frames.hertz()
            prediction_rate = sum(rate.hertz() for rate in self.total.predictions.values())
            percentiles = self.total.latency.percentiles()
        return {
            "source": self.origin.name,
            "models": [_model(prediction) for prediction in latest],
            "version": version,
            "events": events,
            "health": {
                "uptime": round(time.monotonic() - self._opened, 1),
                "since": None if since is None else round(since, 2),
                "frame_rate": round(frame_rate, 1),
                "prediction_rate": round(prediction_rate, 1),
                "latency": percentiles,
                "cpu": round(self._cpu.share(), 3),
                "cores": self._cpu.cores,
                "memory": memory(),
                "temperature": temperature(),
                "statistics": self.statistics(),
            },
        }


def _model(prediction: Prediction) -> dict[str, Any]:
    """A model's answer, with a bar for each label or for the most probable."""
    probabilities, labels = prediction.probabilities, prediction.labels
    shown = list(range(len(labels)))
    if len(labels) > MOST_BARS:
        shown = np.argsort(-probabilities, kind="stable")[: MOST_BARS - 1].tolist()
        if UNKNOWN in labels and labels.index(UNKNOWN) not in shown:
            shown.append(labels.index(UNKNOWN))
    bars = [[labels[k], _probability(probabilities[k])] for k in shown]
    return {
        "source": prediction.source,
        "region": prediction.region,
        "model": prediction.model,
        "label": prediction.label,
        "score": _probability(prediction.score),
        "unknown": prediction.label == UNKNOWN,
        "best": labels[int(probabilities.argmax())],
        "bars": bars,
        "moments": _moments(prediction),
    }


def _moments(prediction: Prediction) -> dict[str, Any] | None:
    """What each frame of the window spoke for, from 1 for the best label to -1 for the second; None: not known."""
    moments = prediction.moments
    if moments is None or not np.isfinite(moments).all():
        return None
    largest = max(float(np.abs(moments).max()), 1e-9)
    (best, _), (second, _) = prediction.top(2)
    seconds = prediction.timestamp - prediction.window_start
    shares = [round(float(share) / largest, 3) for share in moments]
    return {"best": best, "second": second, "seconds": round(seconds, 2), "shares": shares}


def _probability(value: float) -> float:
    """JSON has no number for what is not finite."""
    return round(float(np.nan_to_num(value)), 4)
