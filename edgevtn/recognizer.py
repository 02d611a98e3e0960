"""The façade: frames in, predictions out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgevtn.bundle.load import load_streams
from edgevtn.cpu import default_threads
from edgevtn.errors import FrameError
from edgevtn.kernels.prepare import Prepare
from edgevtn.prediction import UNKNOWN, Prediction
from edgevtn.sampler import Sampler
from edgevtn.streams.stream import Stream

Frame = npt.NDArray[np.uint8]


def check_frame(frame: object) -> None:
    """Raise FrameError unless frame is uint8 (H, W, 3) with at least one pixel."""
    if (
        isinstance(frame, np.ndarray)
        and frame.dtype == np.uint8
        and frame.ndim == 3
        and frame.shape[2] == 3
        and frame.size
    ):
        return
    if not isinstance(frame, np.ndarray):
        got, advice = (
            type(frame).__name__,
            "pass a NumPy array, for instance what cv2.VideoCapture.read gives",
        )
    else:
        got = f"{frame.dtype} {frame.shape}"
        if frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] == 1):
            advice = "convert grey with cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)"
        elif frame.ndim == 3 and frame.shape[2] == 4:
            advice = "drop the alpha channel with frame[..., :3]"
        elif frame.ndim == 4 and frame.shape[0] == 1:
            advice = "drop the first axis with frame[0]"
        elif frame.size == 0:
            advice = "the frame is empty; did the camera fail to deliver one?"
        elif frame.ndim == 3 and frame.shape[0] == 3:
            advice = "move the channels last with frame.transpose(1, 2, 0)"
        else:
            advice = "scale values to 0..255 and convert with frame.astype(np.uint8)"
    raise FrameError(f"frame must be uint8 (H, W, 3) BGR, got {got}; {advice}")


class Recognizer:
    """Recognises actions in a stream of frames.

    Each sampled frame is encoded once per stream; the embeddings of the last T are kept and reused. Of a two-stream
    model the mean of both streams' logits decides. There is no thread
    and no clock in here: the caller says when a frame was taken.

    Parameters
    ----------
    bundle : path, optional
        Folder of a model bundle; the default model that comes with edgevtn if None.
    threads : int, optional
        Threads of the encoder; the available cores, at most 4, if None. The decoder uses one.
    spinning : bool
        Let the encoder's threads spin between frames: a little faster, and it keeps the cores busy.
    precision : {"auto", "fp32", "int8"}
        Of the decoder's matrix products. "auto" is int8 where the processor has instructions for it and the
        decoder is wide enough to gain by them; what was chosen is in `precision`.
    start : {"wait", "repeat"}
        What happens before T frames have been sampled: "wait" gives no prediction, "repeat" fills the window
        with the first frame's embedding, so that even a short clip gets an answer.
    smoothing : float
        Seconds; time constant of an exponential mean over the probabilities. 0: each prediction depends on
        its window alone.
    unknown_below : float
        Predictions whose best probability is lower are labelled "unknown".

    Attributes
    ----------
    model : Model
        The facts of the model; of a two-stream model those of its first stream, RGB.
    modalities : tuple of str
        Of the streams.
    threads : int
    precision : str
        "fp32" or "int8".
    clip_duration : float
        Seconds from the first frame of a window to the last.

    Raises
    ------
    BundleError
        The bundle cannot be used as it is.
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
        bundle: str | Path | None = None,
        *,
        threads: int | None = None,
        spinning: bool = False,
        precision: str = "auto",
        start: str = "wait",
        smoothing: float = 0.0,
        unknown_below: float = 0.5,
    ) -> None:
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1, got {threads}")
        if start not in ("wait", "repeat"):
            raise ValueError(f'start must be "wait" or "repeat", got {start!r}')
        if not (math.isfinite(smoothing) and smoothing >= 0):
            raise ValueError(f"smoothing must be seconds, 0 or more, got {smoothing}")
        if not 0 <= unknown_below <= 1:
            raise ValueError(f"unknown_below must be a probability, 0 to 1, got {unknown_below}")
        loaded = load_streams(bundle)
        self.model = loaded[0].model
        self.threads = default_threads() if threads is None else threads
        self._repeat_start = start == "repeat"
        self._smoothing = smoothing
        self._unknown_below = unknown_below
        self._streams = [Stream(part, self.threads, spinning, precision) for part in loaded]
        self._prepare = [Prepare(part.model.input_size, part.model.color_order) for part in loaded]
        self.precision = self._streams[0].precision
        self.modalities = tuple(part.model.modality for part in loaded)
        #: Slots of the longest window; a model of differences needs one frame more than it has embeddings.
        self._slots = max(part.model.clip_len + (part.model.modality == "rgbdiff") for part in loaded)
        self.clip_duration = (self._slots - 1) / self.model.frame_rate
        self._sampler = Sampler(self.model.frame_rate, max(part.model.difference_interval for part in loaded))
        self.reset()
        self.warmup()

    def warmup(self) -> None:
        """Run every stage once, so that no frame waits for a kernel to compile; done at construction.

        The first time on a machine it compiles the kernels (seconds; on a Pi many); later it reads them from
        Numba's cache on disk. Resets the recogniser.
        """
        S = self.model.input_size
        blank = np.zeros((S, S, 3), np.uint8)
        self._push(blank, 0)
        self._push(blank, 0)  # a model of differences encodes from the second frame on
        self._logits()
        self.reset()

    def reset(self) -> None:
        """Forget all frames: what follows is a new clip, and its time may begin anew."""
        self._sampler.reset()
        for stream in self._streams:
            stream.clear()
        self._smoothed: npt.NDArray[np.float32] | None = None
        self._previous = 0.0  # timestamp of the last prediction, seconds
        self._first: float | None = None  # timestamp of the present clip's first frame, seconds

    def __call__(self, frame: Frame, timestamp: float) -> Prediction | None:
        """Take the next frame.

        Parameters
        ----------
        frame : uint8 (H, W, 3)
            BGR, any size; the centre square is what the model sees.
        timestamp : float
            Seconds, later than the frame before; from any origin.

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
        """
        check_frame(frame)
        slots = self._sampler.slots(timestamp)
        if slots == 0 and not self._sampler.older:
            return None
        if frame.strides[1:] != (3, 1):  # a flipped or sliced view; `prepare` wants a pixel's bytes together
            frame = np.ascontiguousarray(frame)
        if slots == 0:
            for prepare, stream in zip(self._prepare, self._streams, strict=True):
                if stream.model.modality == "rgbdiff":
                    prepare(frame, stream.previous)
            return None
        if slots > self._slots and self._first is not None:
            # Not one frame of the last clip would be left: a new clip begins.
            for stream in self._streams:
                stream.clear()
            self._smoothed = None
            self._first = None
        skipped = slots - 1 if self._first is not None else 0
        if self._first is None:
            self._first = timestamp
        self._push(frame, skipped)
        if not all(stream.full for stream in self._streams):
            if not self._repeat_start:
                return None
            for stream in self._streams:
                while not stream.full:
                    stream.repeat()
        return self._predict(timestamp)

    def _push(self, frame: Frame, skipped: int) -> None:
        for prepare, stream in zip(self._prepare, self._streams, strict=True):
            prepare(frame, stream.pixels)
            stream.push(skipped)

    def _logits(self) -> npt.NDArray[np.float32]:
        """Mean of the streams' logits, float32 (K,)."""
        logits = self._streams[0]()
        for stream in self._streams[1:]:
            logits = logits + stream()
        return logits / np.float32(len(self._streams)) if len(self._streams) > 1 else logits

    def _predict(self, timestamp: float) -> Prediction:
        logits = self._logits()
        probabilities = np.exp(logits - logits.max())
        probabilities /= probabilities.sum()
        if self._smoothing and self._smoothed is not None:
            keep = np.float32(math.exp((self._previous - timestamp) / self._smoothing))
            probabilities += keep * (self._smoothed - probabilities)
        if self._smoothing:
            self._smoothed, self._previous = probabilities, timestamp
        best = int(probabilities.argmax())
        score = float(probabilities[best])
        label = self.model.labels[best] if score >= self._unknown_below else UNKNOWN
        assert self._first is not None
        clip_start = max(self._first, timestamp - self.clip_duration)
        return Prediction(label, score, probabilities, timestamp, clip_start, self.model.labels)

    def stream(self, frames: Iterable[tuple[float, Frame]]) -> Iterator[Prediction]:
        """Yield the predictions for (timestamp, frame) pairs, for instance from `edgevtn.frames`."""
        for timestamp, frame in frames:
            prediction = self(frame, timestamp)
            if prediction is not None:
                yield prediction
