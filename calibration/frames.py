"""Calibration frames: sampled over clips and over time, prepared exactly as the camera path prepares them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgevtn.graph.difference import difference
from edgevtn.kernels.prepare import Prepare
from edgevtn.sources.open import frames

Pixels = npt.NDArray[np.uint8]


def sample_frames(
    clips: Sequence[str | Path],
    count: int,
    size: int,
    color_order: str = "RGB",
    seed: int = 0,
    difference_interval: float | None = None,
) -> list[Pixels]:
    """Pick frames at random: a random clip, then a random moment of it.

    Parameters
    ----------
    clips : sequence of path
        Video files or folders of images.
    count : int
        Frames wanted; clips are used again, at other moments, when there are fewer of them.
    size, color_order
        As in `Prepare`.
    seed : int
    difference_interval : float, optional
        Seconds: what is wanted is not frames but the pictures of how they changed in so much time.

    Returns
    -------
    list of uint8 (1, 3, size, size)

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
    chosen = np.concatenate(rounds)[:count]
    prepare = Prepare(size, color_order)
    samples: list[Pixels] = []
    for clip in np.unique(chosen):
        with frames(clips[clip]) as source:
            times, decoded = zip(*source, strict=True)
        wanted = int((chosen == clip).sum())
        for moment in rng.choice(len(decoded), min(wanted, len(decoded)), replace=False):
            samples.append(np.empty((1, 3, size, size), np.uint8))
            prepare(decoded[moment], samples[-1])
            if difference_interval is not None:
                older = np.empty_like(samples[-1])
                prepare(decoded[np.abs(np.array(times) - times[moment] + difference_interval).argmin()], older)
                samples[-1] = difference(samples[-1], older)
    return [samples[k] for k in rng.permutation(len(samples))]
