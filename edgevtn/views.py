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
from edgevtn.frame import check_frame
from edgevtn.prediction import Event, Prediction
from edgevtn.recognizer import Recognizer
from edgevtn.region import Region, Scene

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
        Every camera has them, or the one that they name; a camera without any has its whole picture.
    recognizer : Recognizer
        Used for the first, and the pattern of all others; it is reset.
    detector : EventDetector
        Likewise. The others are copies of it.
    moments : bool
        Whether predictions have `moments`.

    Raises
    ------
    ValueError
        Two regions of a camera have the same name, or a region names a camera that there is not.

    Attributes
    ----------
    scenes : dict of str to Scene
        By camera.
    """

    def __init__(
        self,
        sources: Sequence[str],
        regions: Sequence[Region],
        recognizer: Recognizer,
        detector: EventDetector,
        moments: bool = False,
    ) -> None:
        self._moments, self._factor = moments, 1
        self.scenes = {source: scene(source, regions) for source in sources}
        for wrong in (region for region in regions if region.source and region.source not in self.scenes):
            known = ", ".join(name for name in self.scenes if name) or "none, as there is one source"
            raise ValueError(f"region {wrong.name}: expected the name of a source, got another; they are {known}")
        recognizer.reset()
        self._views: dict[str, dict[str, _View]] = {source: {} for source in sources}  # by camera and region
        self._count = itertools.count(1)
        for source, own_scene in self.scenes.items():
            parts: Sequence[Region | None] = own_scene.regions or (None,)
            for region in parts:
                own = (recognizer.another(), copy.deepcopy(detector)) if len(self) else (recognizer, detector)
                self._views[source]["" if region is None else region.name] = _View(region, *own)
        self._alone = len(self) == 1

    def __len__(self) -> int:
        """How many there are."""
        return sum(map(len, self._views.values()))

    def predictions(self, source: str, frame: Frame, timestamp: float) -> Iterator[Prediction]:
        """Each new prediction of a camera's frame.

        Parameters
        ----------
        source : str
        frame : uint8 (H, W, 3)
        timestamp : float

        Raises
        ------
        FrameError, TimestampError
            The frame is none, or does not follow the last.
        """
        for name, view in self._views[source].items():
            part = frame  # which the recogniser checks; one that is to be cut is checked before
            if view.region is not None:
                check_frame(frame)
                part = view.region.cut(frame)
            for prediction in view.recognizer.predictions(part, timestamp):
                if source or name or self._moments:
                    moments = view.recognizer.moments(prediction) if self._moments else None
                    prediction = replace(prediction, source=source, region=name, moments=moments)
                yield prediction

    def use(self, recognizer: Recognizer) -> list[Event]:
        """Go on with another recogniser, from empty windows; the events that went on end."""
        ended = [event for source in self._views for event in self.finish(source)]
        recognizer.reset()
        for n, view in enumerate(view for views in self._views.values() for view in views.values()):
            view.recognizer = recognizer.another() if n else recognizer
            view.recognizer.slow_down(self._factor)
        return ended

    def slow_down(self, factor: int) -> None:
        """Encode only one of `factor` slots of each."""
        self._factor = factor
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


def scene(source: str, regions: Sequence[Region]) -> Scene:
    """What of a camera's pictures is recognised."""
    own = tuple(region for region in regions if region.source in ("", source))
    names = [region.name for region in own]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"expected regions with names of their own, got {name} twice")
    return Scene(source, own)


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
