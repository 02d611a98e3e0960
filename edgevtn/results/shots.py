"""A small picture of each event: the moment of it at which the model was surest."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2

from edgevtn.arrays import Frame
from edgevtn.drawing import shrunk
from edgevtn.prediction import Event, Prediction
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink

#: Pixels of a picture's longer side: what is done is seen, and a hundred make a page of a megabyte.
LONGEST_SIDE = 240
#: JPEG's, at most 100: at that size nobody sees more.
QUALITY = 75
#: Seconds between pictures that are kept until it is known whether they belong to an event, and for how long they are
#: kept: a beginning is told late, by half a window and the event's least duration.
INTERVAL, LATE = 0.25, 6.0


@dataclass
class _Going:
    """The best picture of an event until now."""

    event: Event
    score: float
    picture: Frame


class Shots(Sink):
    """Takes them while a source is watched.

    Attributes
    ----------
    pictures : dict of int to bytes
        JPEGs by the event's id.
    seconds : float
        From the first frame to the newest.
    """

    def __init__(self) -> None:
        self.pictures: dict[int, bytes] = {}
        self.seconds = 0.0
        self._recent: deque[tuple[float, Frame]] = deque(maxlen=round(LATE / INTERVAL))
        self._going: dict[int, _Going] = {}
        self._latest: dict[tuple[str, str], Prediction] = {}  # by region and model
        self._scene = WHOLE
        self._first: float | None = None

    def prediction(self, prediction: Prediction) -> None:
        """Keep it: the frame that it is about is told next."""
        self._latest[prediction.region, prediction.model] = prediction

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Keep it, small, and find out whether an event that goes on has a better picture now."""
        self._scene = scene
        self._first = timestamp if self._first is None else self._first
        self.seconds = timestamp - self._first
        if not self._recent or timestamp - self._recent[-1][0] >= INTERVAL:
            self._recent.append((timestamp, shrunk(frame, LONGEST_SIDE)))
        for going in self._going.values():
            latest = self._latest.get((going.event.region, going.event.model))
            if latest is None or latest.timestamp != timestamp:
                continue
            score = float(latest.probabilities[latest.labels.index(going.event.label)])
            if score > going.score:  # it speaks of the window, so of its middle rather than of this frame
                middle = (latest.window_start + latest.timestamp) / 2
                going.score, going.picture = score, self._nearest(middle)

    def event(self, event: Event) -> None:
        """Begin with the middle of what is known of it; at its end its picture is made."""
        if event.kind == "begin" and self._recent:
            self._going[event.id] = _Going(event, 0.0, self._nearest((event.start + self._recent[-1][0]) / 2))
        elif event.end is not None and event.id in self._going:
            picture = self._going.pop(event.id).picture
            boxes = self._scene.boxes(*picture.shape[:2])
            box = boxes.get(event.region)
            part = picture if box is None else box.cut(picture)
            ok, content = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            if ok:
                self.pictures[event.id] = content.tobytes()

    def _nearest(self, moment: float) -> Frame:
        """The picture nearest to a moment, of those that are kept."""
        return min(self._recent, key=lambda kept: abs(kept[0] - moment))[1]
