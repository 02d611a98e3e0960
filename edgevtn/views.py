"""Each region of each camera: windows and events of its own, by one encoder."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import numpy as np

from edgevtn.arrays import Frame
from edgevtn.events import EventDetector
from edgevtn.frames import check_frame
from edgevtn.prediction import Event, Prediction
from edgevtn.recognizer import Recognizer
from edgevtn.region import Region

#: Frames whose cost is measured, after a first; few, as nobody wants to wait for that.
MEASURED = 9


@dataclass
class _View:
    """A region of a camera, or all of it."""

    region: Region | None
    recognizer: Recognizer
    detector: EventDetector
    numbers: dict[int, int] = field(default_factory=dict)  # an event's own to the one that was told


class Views:
    """All regions of all cameras.

    Parameters
    ----------
    sources : sequence of str
        The cameras' names; "" for the only one.
    regions : sequence of Region
        The same in every camera; the whole picture if there is none.
    recognizer : Recognizer
        Used for the first, and the pattern of all others; it is reset.
    detector : EventDetector
        Likewise. The others are copies of it.

    Raises
    ------
    ValueError
        Two regions have the same name.
    """

    def __init__(
        self, sources: Sequence[str], regions: Sequence[Region], recognizer: Recognizer, detector: EventDetector
    ) -> None:
        names = [region.name for region in regions]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"expected regions with names of their own, got {name} twice")
        recognizer.reset()
        self._views: dict[str, dict[str, _View]] = {source: {} for source in sources}  # by camera and region
        self._count = itertools.count(1)
        parts: Sequence[Region | None] = regions or [None]
        for n, (source, region) in enumerate(itertools.product(sources, parts)):
            own = (recognizer, detector) if n == 0 else (recognizer.another(), copy.deepcopy(detector))
            self._views[source]["" if region is None else region.name] = _View(region, *own)
        self._alone = len(sources) * max(1, len(regions)) == 1

    def predictions(self, source: str, frame: Frame, timestamp: float) -> Iterator[Prediction]:
        """Each new prediction of a camera's frame.

        Raises
        ------
        FrameError, TimestampError
            The frame is none, or does not follow the last.
        """
        for name, view in self._views[source].items():
            check_frame(frame)
            part = frame if view.region is None else view.region.cut(frame)
            for prediction in view.recognizer.predictions(part, timestamp):
                yield replace(prediction, source=source, region=name) if source or name else prediction

    def slow_down(self, factor: int) -> None:
        """Encode only one of `factor` slots of each."""
        for views in self._views.values():
            for view in views.values():
                view.recognizer.slow_down(factor)

    def update(self, prediction: Prediction) -> list[Event]:
        """The events that a prediction ends or begins."""
        source, region = prediction.source, prediction.region
        view = self._views[source][region]
        return self._placed(source, region, view.detector.update(prediction))

    def finish(self, source: str) -> list[Event]:
        """End the events of a camera."""
        views = self._views[source].items()
        return [event for region, view in views for event in self._placed(source, region, view.detector.finish())]

    def _placed(self, source: str, region: str, events: list[Event]) -> list[Event]:
        """The events with their place, and numbered over all places."""
        if self._alone:
            return [replace(event, source=source, region=region) for event in events] if source or region else events
        numbers, placed = self._views[source][region].numbers, []
        for event in events:
            if event.id not in numbers:
                numbers[event.id] = next(self._count)
            number = numbers[event.id] if event.end is None else numbers.pop(event.id)
            placed.append(replace(event, id=number, source=source, region=region))
        return placed


def cost(recognizer: Recognizer) -> float:
    """Seconds of a sampled frame of 640x480 through all models, the median of a few; resets the recogniser."""
    frame = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    stages = list(recognizer.stages().values())
    seconds = []
    for _ in range(1 + MEASURED):
        began = time.perf_counter()
        for stage in stages:
            stage(frame)
        seconds.append(time.perf_counter() - began)
    recognizer.reset()
    return median(seconds[1:])
