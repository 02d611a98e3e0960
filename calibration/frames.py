"""Calibration frames: sampled over clips and over time, prepared exactly as the camera path prepares them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgevtn.arrays import Frame, Pixels
from edgevtn.kernels.difference import difference
from edgevtn.kernels.prepare import Prepare
from edgevtn.sources import frames


class Sample(NamedTuple):
    """A prepared frame, and where it comes from.

    Attributes
    ----------
    pixels : uint8 (1, 3, S, S)
    clip : path
    seconds : float
        From the clip's beginning.
    """

    pixels: Pixels
    clip: Path
    seconds: float


def sample_frames(
    clips: Sequence[str | Path],
    count: int,
    size: int,
    color_order: str = "RGB",
    seed: int = 0,
    difference_interval: float | None = None,
) -> list[Sample]:
    """Pick frames at random: a random clip, then a random moment of it.

    A clip is read once and only what is wanted of it is kept (Vitter's reservoir, algorithm R, 1985), so clips may be
    of any length. The same seed picks the same frames of the same clips.

    Parameters
    ----------
    clips : sequence of path
        Video files or folders of images.
    count : int
        Frames wanted; clips are used again, at other moments, when there are fewer of them. Fewer are given where
        the clips have fewer frames.
    size, color_order
        As in `Prepare`.
    seed : int
    difference_interval : float, optional
        Seconds: the samples are not frames, but pictures of how frames changed in so much time.

    Returns
    -------
    list of Sample
        In random order.

    Raises
    ------
    SourceError
        A clip cannot be read.
    ValueError
        There are no clips.
    """
    if not clips:
        raise ValueError("expected at least one clip to take frames from, got none")
    rng = np.random.default_rng(seed)
    rounds = [rng.permutation(len(clips)) for _ in range(-(-count // len(clips)))]
    chosen = np.concatenate([np.empty(0, np.intp), *rounds])[:count]
    prepare = Prepare(size, color_order)

    def prepared(frame: Frame) -> Pixels:
        pixels = np.empty((1, 3, size, size), np.uint8)
        prepare(frame, pixels)
        return pixels

    samples: list[Sample] = []
    for number in np.unique(chosen):
        clip, kept = Path(clips[number]), _Reservoir(int((chosen == number).sum()), rng)
        with frames(clip) as source:
            recent: deque[tuple[float, Frame]] = deque()
            for seconds, frame in source:
                place = kept.place()
                if difference_interval is not None:
                    recent.append((seconds, frame))
                    _forget(recent, seconds - difference_interval)
                if place is None:
                    continue
                pixels = prepared(frame)
                if difference_interval is not None:
                    pixels = difference(pixels, prepared(_older(recent, difference_interval)))
                kept.put(place, Sample(pixels, clip, seconds))
        samples += kept.samples
    return [samples[k] for k in rng.permutation(len(samples))]


class _Reservoir:
    """A uniform choice of `size` items of a stream whose length is not known."""

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self._size, self._rng, self._seen = size, rng, 0
        self.samples: list[Sample] = []

    def place(self) -> int | None:
        """Where the next item of the stream goes; None if it is not chosen."""
        self._seen += 1
        if self._seen <= self._size:
            return self._seen - 1
        place = int(self._rng.integers(self._seen))
        return place if place < self._size else None

    def put(self, place: int, sample: Sample) -> None:
        self.samples[place : place + 1] = [sample]


def _forget(recent: deque[tuple[float, Frame]], moment: float) -> None:
    """Forget frames that can never again be the nearest to a moment: all but one of those before it."""
    while len(recent) > 1 and recent[1][0] <= moment:
        recent.popleft()


def _older(recent: deque[tuple[float, Frame]], interval: float) -> Frame:
    """The frame that is nearest to so many seconds before the last one."""
    last = recent[-1][0]
    return min(recent, key=lambda entry: abs(entry[0] - last + interval))[1]
