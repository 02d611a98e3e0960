"""The façade: frames in, predictions out."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from edgevtn.arguments import Place, as_timestamp, folders, number, thread_count
from edgevtn.arrays import Float, Frame
from edgevtn.bundle import Model, load_streams
from edgevtn.closing import Closing
from edgevtn.cpu import default_threads
from edgevtn.encoder import Encoder
from edgevtn.errors import NotFiniteError
from edgevtn.frame import as_pair, check_frame
from edgevtn.heads.vtn import PRECISIONS
from edgevtn.naming import free_name
from edgevtn.parts import Kind, Parts
from edgevtn.prediction import Prediction
from edgevtn.runner import Options, Runner
from edgevtn.stages import stages
from edgevtn.streams import Reuse, Stream


class Recognizer(Closing):
    """Recognises actions in a stream of frames.

    Each sampled frame is encoded once by each encoder, whatever the number of models that use it, and features of the
    last T frames are kept and reused. There is no thread and no clock in here: the caller says when a frame was taken.

    Parameters
    ----------
    model : path, or sequence of path, optional
        Folders of model bundles; the model that comes with edgevtn if None or "default". Models whose encoder is the
        same file share one session, and one inference for each frame. Each predicts as it would alone.
    threads : int, optional
        Threads of the encoder, at most 128; the available big cores, at most 4, if None. The heads use one.
    spinning : bool
        Let the encoder's threads spin between frames: a little faster, and it keeps the cores busy.
    precision : {"auto", "fp32", "int8"}
        Precision of the heads' matrix products. "auto" is int8 where the processor has instructions for it and the
        head is wide enough to gain by them; what was chosen is in `precision`.
    start : {"wait", "repeat"}
        What happens before T frames have been sampled: "wait" gives no prediction, "repeat" fills the window
        with the first frame's features, so that even a short clip gets an answer.
    smoothing : float
        Seconds; time constant of an exponential mean over the probabilities. 0: each prediction depends on
        its window alone.
    unknown_below : float, optional
        Predictions whose best probability is lower are labelled "unknown"; the model's own threshold if None.
    stillness : bool
        While nothing moves, use the last features again and encode nothing; False: encode every sampled frame.
    engine : {"onnxruntime", "openvino", "auto"}
        What runs the encoder. OpenVINO is the extra ``edgevtn[openvino]``; it rounds in other places. "auto" takes it
        where `edgevtn warmup` measured that it is faster for this encoder on this machine.

    Attributes
    ----------
    model : Model
        The facts of the first model, or of its first stream if it has two.
    models : dict of str to Model
        The facts of every model by the name that its predictions have. If two have the same name, the second is
        called "name (2)".
    labels : tuple of str
        The first model's.
    threads : int
    precision : str
        The first model's: "fp32" or "int8".
    not_finite : int
        Frames that led to a `NotFiniteError` until now.
    engine : str
        What runs the first model's encoder: "onnxruntime" or "openvino".
    window_duration : float
        The first model's: seconds from the first frame of a window to the last.

    Raises
    ------
    BundleError
        A bundle cannot be used as it is.
    ValueError
        An argument is out of range.

    Examples
    --------
    >>> recognizer = Recognizer(start="repeat")
    >>> prediction = recognizer(np.zeros((480, 640, 3), np.uint8), timestamp=0.0)
    >>> len(prediction.probabilities) == len(recognizer.model.labels)
    True
    """

    def __init__(
        self,
        model: Place | Sequence[Place] | None = None,
        *,
        threads: int | None = None,
        spinning: bool = False,
        precision: str = "auto",
        start: str = "wait",
        smoothing: float = 0.0,
        unknown_below: float | None = None,
        stillness: bool = True,
        engine: str = "onnxruntime",
    ) -> None:
        self.threads = default_threads() if threads is None else thread_count(threads)
        if precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
        if start not in ("wait", "repeat"):
            raise ValueError(f'start must be "wait" or "repeat", got {start!r}')
        smoothing = number(smoothing, "smoothing", low=0, unit="seconds")
        if unknown_below is not None:
            unknown_below = number(unknown_below, "unknown_below", low=0, high=1, unit="a probability")
        self._spinning, self._stillness, self._wanted_engine = spinning, stillness, engine
        self._encoders: dict[Kind, Encoder] = {}
        self._options = Options(precision, start, smoothing, unknown_below)
        self._loaded = [load_streams(place) for place in folders(model)]
        self._build()
        # The engines have the encoders' graphs by now: megabytes that nobody reads again.
        self._loaded = [tuple(replace(bundle, encoder=b"") for bundle in bundles) for bundles in self._loaded]

    def _build(self) -> None:
        """Everything but the encoders, which are there already where another recogniser has them, too."""
        self.not_finite = 0
        # No method of ours: with a circle of references the sessions would stay until garbage is collected.
        load = partial(Encoder, threads=self.threads, spinning=self._spinning, engine=self._wanted_engine)
        self._parts = Parts(self._encoders, load, self._stillness)
        self._runners: list[Runner] = []
        for bundles in self._loaded:
            name = free_name(bundles[0].model.name, {runner.name for runner in self._runners})
            self._runners.append(self._parts.runner(name, bundles, self._options))
        self.models: dict[str, Model] = {runner.name: runner.model for runner in self._runners}
        first = self._runners[0]
        self.model, self.labels = first.model, first.model.labels
        self.precision, self.window_duration = first.precision, first.window_duration
        self.engine = next(iter(self._encoders.values())).engine
        self.warmup()

    def another(self, stillness: bool | None = None) -> Recognizer:
        """A recogniser of the same models for another stream of frames, with windows of its own.

        They share the encoders' sessions; use them in one thread. `stillness` may be another than this one's.
        """
        other = copy.copy(self)
        other._stillness = self._stillness if stillness is None else stillness
        other._build()
        return other

    def warmup(self) -> None:
        """Run every stage once, so that no frame waits for a kernel to compile; done at construction.

        The first time on a machine it compiles the kernels (seconds; on a Pi many); later it reads them from
        Numba's cache on disk. Resets the recogniser.
        """
        blank = np.zeros((64, 64, 3), np.uint8)
        for stage in self.stages().values():
            stage(blank)
        self.reset()

    def stages(self) -> dict[str, Callable[[Frame], object]]:
        """What is done with a frame, each stage a function that can be called alone, for instance to time it.

        They leave the recogniser with frames that it never saw: call `reset` afterwards.
        """
        return stages(self._parts, self._runners)

    def slow_down(self, factor: int) -> None:
        """Encode one of `factor` slots; what lies between has the features of the nearer; see `Pace`."""
        for sampler in self._parts.samplers.values():
            sampler.factor = factor

    def reset(self) -> None:
        """Forget all frames: what follows is another recording, and its time may begin anew."""
        for sampler in self._parts.samplers.values():
            sampler.reset()
        for runner in self._runners:
            runner.reset()
        for stream in self._parts.streams.values():
            stream.clear()
        for view in self._parts.views.values():
            view.clear()
        self._parts.forget_pictures()

    def __call__(self, frame: Frame, timestamp: float | None = None) -> Prediction | None:
        """Take the next frame; for a recogniser with one model.

        Parameters
        ----------
        frame : uint8 (H, W, 3)
            BGR, any size; the centre square is what the model sees.
        timestamp : float
            Seconds, later than the frame before; from any origin. There is no default: the error says where to take
            the time from.

        Returns
        -------
        Prediction or None
            None means that there is nothing new: the model's frame rate does not call for this frame, or the
            window is not full yet.

        Raises
        ------
        FrameError
            The frame is of another type, shape or dtype.
        TimestampError
            The timestamp is not finite or not later. The frame is not taken; the stream can go on.
        NotFiniteError
            The model computed no number of this frame; the stream can go on.
        ValueError
            There are several models.
        """
        if len(self._runners) > 1:
            raise ValueError(
                f"this recogniser has {len(self._runners)} models; call predictions(frame, timestamp), which gives "
                "the prediction of each"
            )
        found = self.predictions(frame, timestamp)
        return found[0] if found else None

    def predictions(self, frame: Frame, timestamp: float | None = None) -> list[Prediction]:
        """Take the next frame, as a call does: the new predictions of all models, in the order of the models."""
        check_frame(frame)
        timestamp = as_timestamp(timestamp)
        slots = {sampler: sampler.slots(timestamp) for sampler in self._parts.samplers.values()}
        due = [runner for runner in self._runners if slots[runner.sampler]]
        older = [runner for runner in self._runners if runner.sampler.older]
        if not due and not older:
            return []
        if frame.strides[1:] != (3, 1):  # a flipped or sliced view; preparing wants a pixel's bytes together
            frame = np.ascontiguousarray(frame)
        self._parts.forget_pictures()
        for view in _once(older):
            view.compare_with(frame, timestamp)
        encoded: dict[Stream, Float | None] = {}
        try:
            features = {view: view(frame, timestamp, encoded) for view in _once(due)}
            found = [
                runner.take([features[view] for view in runner.views], slots[runner.sampler], timestamp)
                for runner in due
            ]
        except NotFiniteError:
            self.not_finite += 1
            raise
        return [prediction for prediction in found if prediction is not None]

    def moments(self, prediction: Prediction) -> Float | None:
        """Which of the window's frames spoke for the newest prediction; see `Prediction.moments`."""
        return next(runner for runner in self._runners if runner.name == prediction.model).moments(prediction)

    def stream(self, source: Place | int | Iterable[tuple[float, Frame]]) -> Iterator[Prediction]:
        """Yield the predictions for a source's frames.

        Parameters
        ----------
        source : path, int, str, or iterable
            As in `edgevtn.frames`: a video's name, a camera's index, an open source, or (timestamp, frame) pairs. A
            name or an index is opened when the first prediction is asked for, and closed afterwards; what was seen
            before is forgotten then.

        Raises
        ------
        SourceError
            It cannot be opened or read.
        """
        with contextlib.ExitStack() as stack:
            if isinstance(source, str | Path | int):
                from edgevtn.sources import frames  # OpenCV, for which whoever has frames does not wait

                source = stack.enter_context(frames(source))
                self.reset()  # another recording
            for pair in source:
                timestamp, frame = as_pair(pair)
                yield from self.predictions(frame, timestamp)

    def close(self) -> None:
        """Forget all frames. Nothing else has to be closed: an encoder's session goes with the last that uses it."""
        self.reset()

    def __repr__(self) -> str:
        """The models, and what was chosen for them."""
        names = ", ".join(repr(name) for name in self.models)
        labels = f"{len(self.labels)} labels" if len(self.labels) > 12 else ", ".join(self.labels)
        return (
            f"<Recognizer {names}: {labels}; {self.model.frame_rate:g} Hz, windows of {self.window_duration:g} s, "
            f"{self.engine}, {self.threads} threads, head {self.precision}>"
        )


def _once(runners: Iterable[Runner]) -> dict[Reuse, None]:
    """How they see their streams, each once and in order."""
    return dict.fromkeys(view for runner in runners for view in runner.views)
