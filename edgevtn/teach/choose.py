"""Which statistics, window, rate and strength: compared by clips of groups that were left out, and by what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgevtn.arrays import Float
from edgevtn.heads.linear import STATISTICS
from edgevtn.teach.ridge import Float64, Int, Ridge, balanced, targets_of
from edgevtn.teach.windows import EVERY, Measure

#: Sets of statistics, cheapest first.
SETS = (
    ("mean", "spread"),
    ("spread", "change"),
    ("mean", "spread", "change"),
    ("spread", "change", "segments", "segment_changes"),
)
#: Hz.
RATES = (6.25, 12.5)
#: Seconds of a window: 16 slots at 12.5 Hz and multiples. Shorter ones hardly see a movement, longer ones answer late.
SECONDS = (1.28, 2.56, 3.84, 5.12)
#: A window may be as long as this share of the clips are.
LONG_ENOUGH = 0.25
#: Of the ridge, on statistics of variance 1 divided by their number in a frame, W: from clips that are all different to
#: many that are alike.
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
#: Deviations are shrunk to their median, half and half: of few clips a deviation is hardly known.
SHRINKAGE = 1.0
#: Milliseconds of one frame's encoding, of a Raspberry Pi 5's order: what makes a rate dear.
ENCODING = 20.0
#: Milliseconds of a head for each number in its window and each statistic: three orders less.
LOOKING = 1e-6
#: Single windows of a clip that are asked, evenly spread.
LIVE_WINDOWS = 6
#: Draws behind an accuracy that is corrected for the choice.
DRAWS = 400


@dataclass(frozen=True)
class Candidate:
    """What a head may look at.

    Attributes
    ----------
    statistics : tuple of str
    rate : float
        Hz.
    window_len : int
        T.
    """

    statistics: tuple[str, ...]
    rate: float
    window_len: int

    @property
    def seconds(self) -> float:
        """Of a window."""
        return self.window_len / self.rate

    @property
    def cost(self) -> float:
        """Milliseconds of a small board's processor for each second of video, roughly; a longer window costs delay."""
        numbers = self.window_len + sum(STATISTICS[name] for name in self.statistics)
        return self.rate * (ENCODING + LOOKING * 1280 * numbers) + self.seconds


@dataclass(frozen=True)
class Tried:
    """A candidate at the strength that was best for it.

    Attributes
    ----------
    candidate : Candidate
    strength : float
    accuracy : float
        Share of clips recognised with their group left out, 0 to 1; of classes alike.
    loss : float
        Mean squared error of the left-out scores of classes alike, which tells candidates of one accuracy apart.
    live : float
        Share of single windows recognised, with classes and clips alike, 0 to 1: what a camera's answers are worth.
    right : float64 (n,)
        Of every clip: the mean of whether it was recognised, and of the share of its windows that were.
    """

    candidate: Candidate
    strength: float
    accuracy: float
    live: float
    loss: float
    right: Float64

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self.candidate) | {
            "statistics": list(self.candidate.statistics), "seconds": self.candidate.seconds,
            "cost": round(self.candidate.cost, 2), "strength": self.strength, "accuracy": self.accuracy, "live": self.live,
            "loss": self.loss,
        }  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """What was chosen, and among what.

    Attributes
    ----------
    best : Tried
    tried : tuple of Tried
    corrected : float
        Accuracy to be expected of the best, 0 to 1, with what choosing it gained by chance taken off.
    """

    best: Tried
    tried: tuple[Tried, ...]
    corrected: float


@dataclass(frozen=True)
class Scale:
    """Statistics are centred, and divided by deviations that are shrunk to their median.

    Attributes
    ----------
    mean, factor : float64 (M,)
    """

    mean: Float64
    factor: Float64

    @classmethod
    def of(cls, rows: Float, weights: Float64, names: tuple[str, ...], width: int) -> Scale:
        """From rows float32 (n, M) of the statistics `names`, and weights (n,)."""
        shares = (weights / weights.sum()).astype(np.float32)
        mean = shares @ rows
        deviation = np.sqrt(np.maximum(0.0, shares @ (rows - mean) ** 2)).astype(np.float64)
        factor, begin = np.empty(len(deviation)), 0
        for name in (name for name in EVERY if name in names):
            part = slice(begin, begin + STATISTICS[name] * width)
            own = deviation[part]
            middle = float(np.median(own)) or float(own.mean()) or 1.0
            factor[part] = 1 / (own + SHRINKAGE * middle)
            # The statistics of a set count alike, whatever their deviations are.
            factor[part] /= np.sqrt(max(np.mean((own * factor[part]) ** 2), 1e-12) * width)
            begin = part.stop
        return cls(mean.astype(np.float64), factor)

    def __call__(self, rows: Float) -> Float:
        """Rows float32 (n, M) scaled."""
        scaled: Float = (rows - self.mean.astype(np.float32)) * self.factor.astype(np.float32)
        return scaled


def products(
    rows: Float, others: Float, weights: Float64, width: int
) -> tuple[dict[str, Float64], dict[str, Float64]]:
    """Inner products of scaled rows, float32 (n, 8 W), with themselves and of other rows (m, 8 W) with them.

    For each statistic alone, float64 (n, n) and (m, n): those of a set of statistics are their sum.
    """
    scale = Scale.of(rows, weights, EVERY, width)
    scaled, parts = scale(rows), scale(others)
    own, foreign, begin = {}, {}, 0
    for name, count in STATISTICS.items():
        part = slice(begin, begin + count * width)
        own[name] = (scaled[:, part] @ scaled[:, part].T).astype(np.float64)
        foreign[name] = (parts[:, part] @ scaled[:, part].T).astype(np.float64)
        begin = part.stop
    return own, foreign


def candidates(seconds: Sequence[float]) -> list[Candidate]:
    """All that are worth trying for clips of these lengths."""
    long = float(np.quantile(seconds, 1 - LONG_ENOUGH))
    lengths = [length for length in SECONDS if length <= long] or [SECONDS[0]]
    return [Candidate(names, rate, round(length * rate)) for rate in RATES for length in lengths for names in SETS]


def choose(
    clips: Sequence[Float], classes: Int, groups: Sequence[Int], rate: float, among: Sequence[Candidate]
) -> list[Tried]:
    """Try candidates on clips whose group is left out.

    Parameters
    ----------
    clips : sequence of float32 (N, W)
        Features at `rate`.
    classes : int64 (n,)
        0 to K - 1, all of which occur.
    groups : sequence of int64 arrays
        Clips that are left out together; two or more.
    rate : float
        Hz.
    among : sequence of Candidate
    """
    tried = []
    K, W = int(classes.max()) + 1, clips[0].shape[1]
    weights, targets = balanced(classes, np.ones(len(classes))), targets_of(classes, K)
    for place in sorted({(candidate.rate, candidate.window_len) for candidate in among}):
        measure, step = Measure(place[1], W), round(rate / place[0])
        rows = np.stack([measure.clip(clip[::step]) for clip in clips])
        some = [measure.some(clip[::step], LIVE_WINDOWS) for clip in clips]
        owner = np.repeat(np.arange(len(clips)), [len(part) for part in some])
        blocks = products(rows, np.concatenate(some), weights, W)
        for candidate in among:
            if (candidate.rate, candidate.window_len) == place:
                own, others = (sum_of(block, candidate.statistics) for block in blocks)
                tried.append(_try(Ridge.of(own, weights, targets), others, owner, candidate, classes, groups))
    return tried


def _try(
    ridge: Ridge, others: Float64, owner: Int, candidate: Candidate, classes: Int, groups: Sequence[Int]
) -> Tried:
    strength, scores, loss = best_strength(ridge, groups)
    live = ridge.left_out_others(strength, groups, others, owner, scores).argmax(axis=1) == classes[owner]
    share = np.bincount(owner, live) / np.bincount(owner)
    right = scores.argmax(axis=1) == classes
    shares = ridge.weights / ridge.weights.sum()
    return Tried(candidate, strength, float(shares @ right), float(shares @ share), loss, (right + share) / 2)


def best_strength(ridge: Ridge, groups: Sequence[Int]) -> tuple[float, Float64, float]:
    """The strength of least left-out error, its left-out scores (n, K), and their mean squared error."""
    found = []
    for strength in STRENGTHS:
        scores = ridge.left_out(strength, groups)
        loss = float(np.average(((scores - ridge.targets) ** 2).mean(axis=1), weights=ridge.weights))
        found.append((strength, scores, loss))
    return min(found, key=lambda entry: entry[2])


def sum_of(blocks: dict[str, Float64], names: tuple[str, ...]) -> Float64:
    """Products of a set of statistics."""
    total: Float64 = np.sum([blocks[name] for name in names], axis=0)
    return total
