"""One recording: its events and its vectors, in one pass over its frames."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgevtn.arrays import Float, Frame, Half
from edgevtn.bundle import Bundle, load_streams
from edgevtn.defaults import SMOOTHING
from edgevtn.encoder import Encoder
from edgevtn.errors import NotFiniteError, SourceError
from edgevtn.events import EventDetector
from edgevtn.frame import check_frame
from edgevtn.indexing.moment import Moments, describe, projection
from edgevtn.parts import Kind, Parts
from edgevtn.prediction import Event
from edgevtn.runner import Options
from edgevtn.sources.file import VideoFile
from edgevtn.sources.live import Persistence
from edgevtn.sources.open import open_source
from edgevtn.streams import Stream


@dataclass(frozen=True)
class Recording:
    """What is kept of a recording.

    Attributes
    ----------
    duration : float
        Seconds to its last frame.
    events : list of Event
        Ended ones, in order.
    times : float32 (N,)
        Seconds.
    vectors : float16 (N, LENGTH)
    notes : str
        What was odd about it, sentences; "" for nothing.
    """

    duration: float
    events: list[Event]
    times: Float
    vectors: Half
    notes: str = ""


class Reader:
    """Recognises recordings, as `edgevtn.recognize` does, and keeps the features that it had to compute for that.

    Parameters
    ----------
    model : path, optional
        A bundle's folder; the model that comes with edgevtn if None.
    threads : int
        The encoder's.

    Attributes
    ----------
    window_duration : float
        Seconds from the first frame of a window to the last.

    Raises
    ------
    BundleError
        The bundle cannot be used as it is.
    """

    def __init__(self, model: str | Path | None = None, threads: int = 1) -> None:
        self._bundles = load_streams(model)
        self._threads = threads
        self._duration = 0.0  # stated by the present file, seconds
        self._encoders: dict[Kind, Encoder] = {}
        self._begin()
        self.window_duration = self._runner.window_duration

    def _begin(self) -> None:
        """New windows, on the same encoders: nothing of the last recording is left."""
        self._parts = Parts(self._encoders, self._load, stillness=True)
        options = Options(start="repeat", smoothing=SMOOTHING)
        self._runner = self._parts.runner(self._bundles[0].model.name, self._bundles, options)

    def _load(self, bundle: Bundle) -> Encoder:
        return Encoder(bundle, self._threads, False, "onnxruntime")

    def __call__(self, file: str | Path, tick: Callable[[float, float], object] | None = None) -> Recording:
        """Recognise a video file.

        Parameters
        ----------
        file : path
        tick : callable, optional
            Called with the time of every sampled frame, seconds, and with how much of the file lies before it, 0 to 1.

        Raises
        ------
        SourceError
            It cannot be read, or the model computes no numbers of it.
        """
        facts, detector, last = self._bundles[0].model, EventDetector(), 0.0
        moments, events = Moments(facts.encoder.width, facts.head.window_len), list[Event]()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for timestamp, frame, slots in self._sampled(file):
                if tick is not None:
                    tick(timestamp, min(1.0, timestamp / self._duration) if self._duration else 0.0)
                last = timestamp
                try:
                    features = self._features(frame, timestamp)
                    prediction = self._runner.take(features, slots, timestamp)
                except NotFiniteError as error:
                    raise SourceError(f"{file}: {error}") from error
                if features[0] is not None:
                    moments.push(timestamp, features[0], gap=slots > facts.head.window_len)
                if prediction is not None:
                    events += detector.update(prediction)
        events += detector.finish()
        times, vectors = moments.finish()
        notes = "; ".join(dict.fromkeys(str(entry.message) for entry in caught))
        return Recording(last, [event for event in events if event.end is not None], times, vectors, notes)

    def vector(self, clip: str | Path, start: float = 0.0, end: float | None = None) -> Float:
        """The vector of a clip, or of what lies between two times, seconds; float32 (LENGTH,).

        Raises
        ------
        SourceError
            It cannot be read, or has no frame between the two times.
        """
        rows = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for timestamp, frame, _ in self._sampled(clip):
                if end is not None and timestamp > end:
                    break
                features = self._features(frame, timestamp)[0] if timestamp >= start else None
                if features is not None:
                    rows.append(features[0].copy())
        if not rows:
            until = "its end" if end is None else f"{end:g} s"
            raise SourceError(f"{clip}: has no frame between {start:g} s and {until}")
        return describe(np.stack(rows), projection(rows[0].size))

    def _features(self, frame: Frame, timestamp: float) -> list[Float | None]:
        """A sampled frame's features, float32 (1, W), one for each stream."""
        check_frame(frame)
        self._parts.forget_pictures()
        encoded: dict[Stream, Float | None] = {}
        return [view(np.ascontiguousarray(frame), timestamp, encoded) for view in self._runner.views]

    def _sampled(self, file: str | Path) -> Iterator[tuple[float, Frame, int]]:
        """The frames that the model sees: seconds, frame, and how many slots it closes. Others are not converted."""
        self._begin()
        runner, sampler = self._runner, self._runner.sampler
        # The whole path: "0" alone is a camera.
        with open_source(Path(file).absolute(), None, Persistence()) as source:
            if not isinstance(source, VideoFile):  # nobody finds a moment of a camera again
                raise SourceError(f"{file}: expected a video file; cameras and folders of images are not indexed")
            self._duration = source.duration or 0.0
            for timestamp, decoded in source.moments():
                slots = sampler.slots(timestamp)
                frame = decoded() if slots or sampler.older else None
                if frame is None:
                    continue
                if sampler.older:
                    self._parts.forget_pictures()
                    for view in runner.views:
                        view.compare_with(np.ascontiguousarray(frame), timestamp)
                if slots:
                    yield timestamp, frame, slots
