"""Which statistics, window, rate and strength: compared by clips of groups that were left out, and by their cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgevtn.arrays import Float
from edgevtn.bundle import RGB
from edgevtn.heads.shares import STATISTICS
from edgevtn.teaching.features import STREAMS
from edgevtn.teaching.ridge import Float64, Int, Ridge, balanced, targets_of
from edgevtn.teaching.scale import products, sum_of
from edgevtn.teaching.windows import Measure

#: Sets of statistics, cheapest first.
SETS = (
    ("mean", "spread"),
    ("spread", "change"),
    ("mean", "spread", "change"),
    ("spread", "change", "segments", "segment_changes"),
)
#: Hz: what may be asked for, and what is tried where nothing is. 3.125 Hz costs a point on average (docs/ladder.md),
#: which takes left out do not always show.
EVERY_RATE = (3.125, 6.25, 12.5)
RATES = (6.25, 12.5)
#: Seconds of a window: 16 slots at 12.5 Hz and multiples. Shorter ones hardly see a movement, longer ones answer late.
SECONDS = (1.28, 2.56, 3.84, 5.12)
#: A window may be as long as this share of the clips at least: others are filled with their first frame.
LONG_ENOUGH = 0.5
#: Strengths of the ridge, on statistics of variance 1 divided by their number in a frame, W: from clips that are all
#: different to many that are alike.
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
#: Milliseconds of encoding a picture of that side, pixels, of a Raspberry Pi 5's order: what makes a rate dear. It
#: grows with the picture's area.
ENCODING, ENCODED = 20.0, 224
#: Milliseconds of a head for each number in its window and each statistic: three orders less.
LOOKING = 1e-6
#: Standard errors of the difference that a cheaper candidate may be behind the best.
TOLERANCE = 1.0
#: A cheaper candidate's left-out error may be so many times the best's.
LOSS_TOLERANCE = 1.05
#: Draws behind an accuracy that is corrected for the choice.
DRAWS = 400
#: Single windows of a clip that are asked, evenly spread.
LIVE_WINDOWS = 6


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
    size : int
        Side of the pictures, pixels.
    modality : {"rgb", "two-stream", "movement"}
        Whether it sees frames alone, or the differences of two beside them, and which of these count more.
    """

    statistics: tuple[str, ...]
    rate: float
    window_len: int
    size: int
    modality: str = RGB

    @property
    def seconds(self) -> float:
        """A window's duration."""
        return self.window_len / self.rate

    @property
    def cost(self) -> float:
        """Milliseconds of a small board's processor for each second of video, roughly; a longer window costs delay."""
        numbers = self.window_len + sum(STATISTICS[name] for name in self.statistics)
        once = ENCODING * (self.size / ENCODED) ** 2 + LOOKING * 1280 * numbers
        return self.rate * len(STREAMS[self.modality]) * once + self.seconds


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
    recognised : bool (n,)
        Whether each clip was.
    right : float64 (n,)
        For every clip the mean of whether it was recognised, and of the share of its windows that were.
    """

    candidate: Candidate
    strength: float
    accuracy: float
    live: float
    loss: float
    recognised: npt.NDArray[np.bool_]
    right: Float64

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self.candidate) | {
            "statistics": list(self.candidate.statistics), "seconds": self.candidate.seconds,
            "cost": round(self.candidate.cost, 2), "strength": self.strength, "accuracy": self.accuracy,
            "live": self.live, "loss": self.loss,
        }  # fmt: skip


def candidates(
    seconds: Sequence[float], size: int, rates: Sequence[float] = RATES, modality: str = RGB
) -> list[Candidate]:
    """All that are worth trying for clips of these lengths, in pictures of a size, at rates in Hz."""
    long = float(np.quantile(seconds, 1 - LONG_ENOUGH))
    lengths = [length for length in SECONDS if length <= long] or [SECONDS[0]]
    return [
        Candidate(names, rate, round(length * rate), size, modality)
        for rate in rates for length in lengths for names in SETS
    ]  # fmt: skip


def choose(
    clips: Sequence[Float], classes: Int, groups: Sequence[Int], rate: float, among: Sequence[Candidate],
    counted: npt.NDArray[np.bool_] | None = None,
) -> list[Tried]:  # fmt: skip
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
    counted : bool (n,), optional
        The clips by which they are compared, and of which `Tried` tells; all if None. All are learned from.
    """
    tried = []
    counted = np.ones(len(classes), bool) if counted is None else counted
    K, W = int(classes.max()) + 1, clips[0].shape[1]
    weights, targets = balanced(classes, np.ones(len(classes))), targets_of(classes, K)
    for place in sorted({(candidate.rate, candidate.window_len, candidate.modality) for candidate in among}):
        measure, step = Measure(place[1], W), round(rate / place[0])
        rows = np.stack([measure.clip(clip, step) for clip in clips])
        some = [measure.some(clip[::step], LIVE_WINDOWS) for clip in clips]
        owner = np.repeat(np.arange(len(clips)), [len(part) for part in some])
        blocks = products(rows, np.concatenate(some), weights, W, place[2])
        for candidate in among:
            if (candidate.rate, candidate.window_len, candidate.modality) == place:
                own, others = (sum_of(block, candidate.statistics) for block in blocks)
                ridge = Ridge.of(own, weights, targets)
                tried.append(_try(ridge, others, owner, candidate, classes, groups, counted))
    return tried


def _try(
    ridge: Ridge, others: Float64, owner: Int, candidate: Candidate, classes: Int, groups: Sequence[Int],
    counted: npt.NDArray[np.bool_],
) -> Tried:  # fmt: skip
    strength, scores, loss = best_strength(ridge, groups, counted)
    live = ridge.left_out_others(strength, groups, others, owner, scores).argmax(axis=1) == classes[owner]
    share = (np.bincount(owner, live) / np.bincount(owner))[counted]
    right = (scores.argmax(axis=1) == classes)[counted]
    shares = ridge.weights[counted] / ridge.weights[counted].sum()
    return Tried(candidate, strength, float(shares @ right), float(shares @ share), loss, right, (right + share) / 2)


def best_strength(
    ridge: Ridge, groups: Sequence[Int], counted: npt.NDArray[np.bool_] | None = None
) -> tuple[float, Float64, float]:
    """The strength of least left-out error, its left-out scores (n, K), and their mean squared error.

    The error is that of all rows, or of those that are counted, bool (n,).
    """
    found, weights = [], ridge.weights if counted is None else ridge.weights * counted
    for strength in STRENGTHS:
        scores = ridge.left_out(strength, groups)
        loss = float(np.average(((scores - ridge.targets) ** 2).mean(axis=1), weights=weights))
        found.append((strength, scores, loss))
    return min(found, key=lambda entry: entry[2])


def cheapest(tried: Sequence[Tried], weights: Float64, groups: Sequence[Int]) -> Tried:
    """The cheapest that is hardly worse than the best, by clips and single windows alike.

    Parameters
    ----------
    tried : sequence of Tried
    weights : float64 (n,)
        Weights of the clips.
    groups : sequence of int64 arrays
    """
    shares, G = weights / weights.sum(), len(groups)
    best = max(tried, key=lambda entry: (round(float(shares @ entry.right), 9), -entry.loss))
    near = []
    for entry in tried:
        lost = np.array([(shares[rows] * (best.right - entry.right)[rows]).sum() for rows in groups])
        error = np.sqrt(G / (G - 1) * ((lost - lost.mean()) ** 2).sum())
        # Takes left out tell sizes apart badly: a smaller one has to be the best itself, not only near it.
        if entry.candidate.size != best.candidate.size:
            continue
        if lost.sum() <= TOLERANCE * error + 1e-12 and entry.loss <= LOSS_TOLERANCE * best.loss:
            near.append(entry)
    return min(near, key=lambda entry: entry.candidate.cost)


def corrected(tried: Sequence[Tried], classes: Int, groups: Sequence[Int], seed: int = 0) -> float:
    """Accuracy on clips to be expected of the candidate that is chosen, 0 to 1, without what chance gave it.

    Groups are drawn with replacement; the choice is made on those drawn and judged on the others. Only left-out answers
    are needed, so nothing is fitted again [1]_.

    References
    ----------
    .. [1] Tsamardinos, Greasidou, Borboudakis, "Bootstrapping the out-of-sample predictions for efficient and accurate
           cross-validation", Machine Learning 107, 2018.
    """
    rng = np.random.default_rng(seed)
    right, recognised = np.stack([t.right for t in tried]), np.stack([t.recognised for t in tried])
    cost = np.array([t.candidate.cost for t in tried])
    found = []
    for _ in range(DRAWS):
        drawn = rng.integers(0, len(groups), len(groups))
        inside = np.concatenate([groups[g] for g in drawn])
        outside = [groups[g] for g in range(len(groups)) if g not in drawn]
        if not outside or len(np.unique(classes[inside])) < 2:
            continue
        rows = np.concatenate(outside)
        shares = balanced(classes[inside], np.ones(len(inside)))
        score = right[:, inside] @ shares
        chosen = min(np.flatnonzero(score >= score.max() - 1e-9), key=lambda n: cost[n])
        found.append(np.average(recognised[chosen, rows], weights=balanced(classes[rows], np.ones(len(rows)))))
    return float(np.mean(found)) if found else float("nan")
