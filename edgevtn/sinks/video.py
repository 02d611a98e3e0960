"""An annotated video of each source, at its pace, with every label at its event's beginning."""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import sys
import time
from collections import deque
from pathlib import Path
from typing import cast

import cv2

from edgevtn.arrays import Frame
from edgevtn.drawing import BARS, GREY, PALETTE, SPAN, Color, annotate, whose
from edgevtn.prediction import NO_ACTION, UNKNOWN, Event, Prediction
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink
from edgevtn.sinks.names import Names
from edgevtn.sources.capture import FALLBACK_FRAME_RATE
from edgevtn.video import VideoWriter, check_suffix, has_av

logger = logging.getLogger("edgevtn.sinks")

#: Seconds, beyond a window and a half and the delay of smoothing, by which a beginning is told late: an event's minimum
#: duration and two predictions of a slow model.
SLACK = 0.75
#: Seconds for which a frame is kept at most: more would take memory for the sake of models with long windows alone.
LATEST = 5.0
#: Seconds in which the frames that wait are written after Ctrl-C, which is promised to take less than one in all.
HASTE = 0.3
#: JPEG: nothing of it is seen beside what the video's own compression does.
QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 95]


class Video(Sink):
    """Writes every frame with what was recognised in it to an .mp4: the label, bars, and the last seconds' events.

    An event is known only when its window has been seen. So frames wait, as JPEG in memory, for as long as a model's
    window lasts and a little more, from a camera as from a file: what is drawn on a frame is what was recognised *of*
    it, not until it. The label stands in white from an event's start to its end; in grey is what is no event. The
    bars are of the prediction in the middle of whose window the frame is.

    The file is written beside its name, and moved there at the end, also when the end is an error: what was recorded is
    kept, but after Ctrl-C the last of the frames that wait, if there are more than can be written at once. Several
    sources have a file each, ``FILE-SOURCE.mp4``.

    Parameters
    ----------
    file : path
        It ends in .mp4, .m4v or .mov.
    frame_rate : float
        Hz, of the file.

    Raises
    ------
    ValueError
        The file's name ends otherwise.
    OutputError
        On the first frame that is written, if it cannot be written there.
    """

    def __init__(self, file: str | Path, frame_rate: float = FALLBACK_FRAME_RATE) -> None:
        check_suffix(file)  # before hours of recognition, not at their end
        self._file, self._frame_rate, self._names = Path(file), frame_rate, Names()
        self._tracks: dict[str, _Track] = {}  # by source

    def place(self, source: str) -> Path:
        """The file of a source."""
        return self._file.with_stem(f"{self._file.stem}-{self._names[source]}") if source else self._file

    def _track(self, source: str) -> _Track:
        if source not in self._tracks:
            _say_what_browsers_play()
            self._tracks[source] = _Track(VideoWriter(self.place(source), self._frame_rate))
        return self._tracks[source]

    def prediction(self, prediction: Prediction) -> None:
        """Keep it for the frames that it is of."""
        self._track(prediction.source).prediction(prediction)

    def event(self, event: Event) -> None:
        """Keep it for the frames from its start on."""
        self._track(event.source).event(event)

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Take a frame; those that have waited long enough are written."""
        self._track(scene.source).frame(frame, timestamp, scene)

    def close(self) -> None:
        """Finish the files; those after one that cannot be finished, too."""
        stopped = sys.exc_info()[0] is KeyboardInterrupt
        with contextlib.ExitStack() as stack:
            for track in self._tracks.values():
                stack.callback(track.close, HASTE / len(self._tracks) if stopped else math.inf)


class _Track:
    """The video of one source."""

    def __init__(self, writer: VideoWriter) -> None:
        self._writer = writer
        self._waiting: deque[tuple[float, Frame, Scene]] = deque()  # the frames as JPEG
        self._predictions: dict[str, deque[tuple[float, Prediction]]] = {}  # by region and model, with their moments
        self._events: dict[tuple[str, str, int], Event] = {}  # by region, model and id
        self._colors: dict[str, Color] = {}
        self._delay = 0.0

    def prediction(self, prediction: Prediction) -> None:
        middle = (prediction.window_start + prediction.timestamp) / 2 - prediction.delay
        self._predictions.setdefault(whose(prediction), deque()).append((middle, prediction))
        # An event's start is looked for in the window and half a window before it.
        late = 1.5 * (prediction.timestamp - prediction.window_start) + prediction.delay + SLACK
        self._delay = min(max(self._delay, late), LATEST)

    def event(self, event: Event) -> None:
        self._events[event.region, event.model, event.id] = event

    def frame(self, frame: Frame, timestamp: float, scene: Scene) -> None:
        ok, packed = cv2.imencode(".jpg", frame, QUALITY)
        assert ok
        self._waiting.append((timestamp, cast(Frame, packed), scene))
        while timestamp - self._waiting[0][0] > self._delay and self._predictions:
            self._write()
        if timestamp - self._waiting[0][0] > LATEST:
            self._write()

    def close(self, seconds: float) -> None:
        """Write what waits, as far as there is time, and finish."""
        end = time.monotonic() + seconds
        try:
            while self._waiting and time.monotonic() < end:
                self._write()
        finally:
            self._writer.close()

    def _write(self) -> None:
        timestamp, packed, scene = self._waiting.popleft()
        frame = cast(Frame, cv2.imdecode(packed, cv2.IMREAD_COLOR))
        for key, event in list(self._events.items()):
            if event.end is not None and event.end < timestamp - SPAN:
                del self._events[key]
        for name, known in list(self._predictions.items()):
            if timestamp - known[-1][0] > LATEST:  # another model took its place, or the source was lost
                del self._predictions[name]
        past = [event for event in self._events.values() if event.start <= timestamp]
        views = [self._view(name, past, timestamp) for name in self._predictions]
        label, score, top = "...", None, list[tuple[str, float]]()
        if len(views) == 1:
            ((prediction, label, score),) = views
            top = prediction.top(BARS)
        elif views:
            label = "  ".join(f"{whose(prediction)}: {label}" for prediction, label, _ in views)
            top = [(whose(prediction), shares(prediction).get(label, 0.0)) for prediction, label, _ in views[:BARS]]
        for name in [*(event.label for event in past), *(name for name, _ in top)]:
            if name not in self._colors:
                self._colors[name] = GREY if name in NO_ACTION else PALETTE[len(self._colors) % len(PALETTE)]
        picture = annotate(frame, label, score, timestamp, scene, top=top, past=past, colors=self._colors)
        self._writer.write(picture, timestamp)

    def _view(self, name: str, past: list[Event], timestamp: float) -> tuple[Prediction, str, float | None]:
        """The prediction of a moment, the label to write, and its probability if that is an event."""
        known = self._predictions[name]
        while len(known) > 1 and known[1][0] <= timestamp:
            known.popleft()
        prediction = known[0][1]
        for event in past:
            if (event.region, event.model) == (prediction.region, prediction.model) and (
                event.end is None or timestamp < event.end
            ):
                # A model that was taught meanwhile may have no such label any more, or not yet.
                return prediction, event.label, shares(prediction).get(event.label)
        return prediction, prediction.label, None


@functools.cache  # once is enough
def _say_what_browsers_play() -> None:
    if not has_av():
        logger.warning("videos are written as MPEG-4 part 2, which browsers do not play; pip install 'edgevtn[video]'")


def shares(prediction: Prediction) -> dict[str, float]:
    """Probabilities by label; of "unknown", where it is no label of the model's, that of its best."""
    known = dict(zip(prediction.labels, prediction.probabilities.tolist(), strict=True))
    return {UNKNOWN: prediction.score} | known
