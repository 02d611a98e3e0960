"""How unlike a model's training a frame is: the distance of its features to those of the training.

It tells scenes apart, not actions: a model that says "unknown" of a scene that it never saw is to be taught there. And
what a taught model says of such a scene is believed less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgevtn.arrays import Float

#: The share of the training's frames that are no more unlike the rest of it than `Novelty.limit`.
QUANTILE = 0.99
#: The least spread of a feature, as a share of the mean spread: one that hardly ever differs would drown all others.
LEAST_SPREAD = 0.1
#: Rows that are looked at together: some megabytes.
CHUNK = 512


@dataclass(frozen=True, eq=False)
class Novelty:
    """What the features of a training were like.

    The distance of features f is the mean over features of ``((f - mean) / spread)^2``: Mahalanobis' with a diagonal
    covariance, squared, over W.

    Attributes
    ----------
    mean, spread : float32 (W,)
        For each feature, over the training's frames; `spread` is a standard deviation, above 0.
    limit : float
        The distance that `QUANTILE` of the training's frames keep below, each compared with the clips of other groups;
        above 0.
    """

    mean: Float
    spread: Float
    limit: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "_weight", (1 / (self.spread * np.sqrt(len(self.spread) * self.limit))))

    def __call__(self, features: Float) -> float:
        """The distance of features, float32 (1, W) or (W,), over the limit; above 1 the frame is unlike it."""
        scaled = (features.reshape(-1) - self.mean) * self._weight  # type: ignore[attr-defined]
        return float(scaled @ scaled)

    def arrays(self) -> dict[str, Float]:
        """As they stand in a bundle: ``mean``, ``spread`` (W,), ``limit`` (1,)."""
        return {"mean": self.mean, "spread": self.spread, "limit": np.array([self.limit], np.float32)}

    @classmethod
    def read(cls, arrays: Mapping[str, Float]) -> Novelty:
        """What `arrays` gave, its shapes checked before.

        Raises
        ------
        ValueError
            A spread or the limit is not above 0.
        """
        if not (arrays["spread"] > 0).all() or not arrays["limit"][0] > 0:
            raise ValueError("every spread and the limit must be above 0")
        return cls(arrays["mean"], arrays["spread"], float(arrays["limit"][0]))


def doubt(novelty: Sequence[float]) -> float:
    """What the probabilities of a taught model's labels are divided by, at least 1; the rest is "unknown".

    That is the squared distance over the limit, which the mean squared distance of what was taught does not exceed. By
    Markov's inequality, at most one in n of the frames of a taught scene is n times as far, whatever the distribution
    is. So a model believes its labels that much less there, however sure its scores are: they are linear in the
    features, and grow with the distance. Within the limit, what was left out has shown how sure the scores may be.

    Parameters
    ----------
    novelty : sequence of float
        Squared distances over the limit, as `Novelty` gives them, of the streams whose logits are averaged.
    """
    return max(1.0, sum(novelty) / len(novelty)) if novelty else 1.0


def doubted(probabilities: Float, divisor: float) -> Float:
    """Probabilities, the last of which is that of none of the labels, divided by a `doubt`: float32 (K,)."""
    if divisor <= 1:
        return probabilities
    less: Float = probabilities / np.float32(divisor)
    less[-1] += 1 - less.sum()
    return less


def measure(clips: Iterable[npt.NDArray[Any]], group_of: Sequence[int] | None = None) -> Novelty | None:
    """The novelty of a training's clips; None where they are fewer than two frames.

    Parameters
    ----------
    clips : iterable of float (N, W)
        Features of the frames of each clip, N of at least 1.
    group_of : sequence of int, optional
        The group of each clip, which is left out where its clips' distances are measured, as the next person or room
        will not be there either; each clip is a group of its own if None, or if there is one group alone.
    """
    every = list(clips)
    if group_of is None or len(set(group_of)) < 2:
        group_of = range(len(every))
    _, owner = np.unique(group_of, return_inverse=True)
    counts = np.array([len(clip) for clip in every])
    sizes = np.bincount(owner, counts).astype(int)
    if counts.sum() < 2:
        return None
    sums, squares = np.zeros((2, len(sizes), every[0].shape[1]))
    for n, clip in zip(owner, every, strict=True):
        for rows in _parts(clip):
            sums[n] += rows.sum(axis=0)
            squares[n] += np.square(rows).sum(axis=0)
    mean, spread = _moments(sums.sum(axis=0), squares.sum(axis=0), int(counts.sum()))
    distances = []
    for n, clip in zip(owner, every, strict=True):
        left = int(counts.sum() - sizes[n])
        others = (mean, spread)
        if left > 1:
            others = _moments(sums.sum(axis=0) - sums[n], squares.sum(axis=0) - squares[n], left)
        distances += [np.square((rows - others[0]) / others[1]).mean(axis=1) for rows in _parts(clip)]
    limit = max(float(np.quantile(np.concatenate(distances), QUANTILE)), 1e-6)
    return Novelty(mean.astype(np.float32), spread.astype(np.float32), limit)


def _parts(clip: npt.NDArray[Any]) -> Iterator[npt.NDArray[np.float64]]:
    """The rows of a clip, some at a time: hours of a clip would take gigabytes as float64."""
    for begin in range(0, len(clip), CHUNK):
        yield clip[begin : begin + CHUNK].astype(np.float64)


def _moments(
    sums: npt.NDArray[np.float64], squares: npt.NDArray[np.float64], count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    mean = sums / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return mean, np.maximum(spread, max(LEAST_SPREAD * spread.mean(), 1e-6))
