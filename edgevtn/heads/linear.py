"""A linear head: statistics of the window's features, and one linear classifier on them.

Its logits are sums over statistics, so it can be fitted in closed form from a few clips, and explained.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from edgevtn.arrays import Float
from edgevtn.errors import BundleError
from edgevtn.facts import Fact, choice, is_number, texts
from edgevtn.heads.base import Head, HeadFacts
from edgevtn.heads.shares import STATISTICS, by_statistic, window_shares
from edgevtn.kernels.native import bind
from edgevtn.window import Window

RAW, ROOT = "raw", "root"


@dataclass(frozen=True)
class LinearFacts(HeadFacts):
    """The facts of a linear head.

    Attributes
    ----------
    statistics : tuple of str
        Names from `STATISTICS`, in that order.
    features : {"raw", "root"}
        Whether it looks at the features or at their square roots, with the features' sign: so a few large ones do not
        drown the rest. A bundle that does not say has "raw".
    temperature : float
        Above 0: logits are scores, about 1 for the label that fits and -1 for the others, divided by it; and the last
        label is whatever fits none of the others, see `rejection`. 0 where every label is like any other, as in a
        bundle that does not say.
    moves : tuple of float
        For each label how much what it looks at changes from one frame to the next at least, somewhere in the window,
        where that label begins: the mean over the W numbers. Empty where none begins with a movement, as in a bundle
        that does not say.
    """

    kind: ClassVar[str] = "linear"
    table: ClassVar[Mapping[str, Fact]] = {
        "statistics": texts(*STATISTICS),
        "features": choice(RAW, ROOT),
        "temperature": Fact("0, or a number up to 1000", lambda value: is_number(value) and 0 <= value <= 1000),
        "moves": Fact(
            "a list of numbers from 0 on, one for each label, or none",
            lambda value: isinstance(value, list) and all(is_number(entry) and entry >= 0 for entry in value),
        ),
    }

    statistics: tuple[str, ...]
    features: str = RAW
    temperature: float = 0.0
    moves: tuple[float, ...] = ()

    @classmethod
    def read(cls, facts: dict[str, Any], width: int, classes: int, where: str) -> Self:
        """As every kind does; statistics in another order than they are computed in are refused."""
        read = super().read({"features": RAW, "temperature": 0.0, "moves": []} | facts, width, classes, where)
        ordered = [name for name in STATISTICS if name in read.statistics]
        if list(read.statistics) != ordered:
            raise BundleError(f"{where}: statistics must be in the order {ordered}, got {list(read.statistics)}")
        if len(read.moves) not in (0, classes):
            raise BundleError(f"{where}: moves must be {classes} numbers, one for each label, got {len(read.moves)}")
        return read

    @property
    def rejects(self) -> bool:
        """Whether there is a temperature."""
        return self.temperature > 0

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """``w_classes`` (M, K) and ``b_classes`` (K,): of raw statistics, any standardisation folded in."""
        M = self.width * sum(STATISTICS[name] for name in self.statistics)
        return {"w_classes": (M, self.classes), "b_classes": (self.classes,)}

    def describe(self) -> str:
        """The statistics by name."""
        of = "square roots of " if self.features == ROOT else ""
        return f"linear, on {', '.join(self.statistics)} of {of}{self.width} features"

    def build(self, weights: dict[str, Float] | bytes, file: Path, precision: str) -> Linear:
        """The head that runs; it is too small to gain by int8."""
        assert isinstance(weights, dict)
        return Linear(self, weights)


class Linear(Head):
    """The window of features or of their roots, float32 (T, W), and a matrix."""

    def __init__(self, facts: LinearFacts, arrays: dict[str, Float]) -> None:
        self._statistics, self._names = Statistics(facts.statistics, facts.width), facts.statistics
        self._w: Float = np.ascontiguousarray(arrays["w_classes"].T)  # (K, M): a class's numbers lie side by side
        self._b: Float = np.ascontiguousarray(arrays["b_classes"])
        self._logits: Float = np.zeros(facts.classes, np.float32)
        self._classify = bind("classify", self._statistics.values, self._w, self._b, self._logits)
        self._root, self._temperature = facts.features == ROOT, facts.temperature
        self.window = Window(facts.window_len, facts.width)
        self._moves = facts.moves
        #: Mean changes from row to row within the window; what is older falls out.
        self._changes = deque[float](maxlen=facts.window_len - 1)

    def push(self, features: Float) -> None:
        """Append a frame's features, float32 (1, W)."""
        row = rooted(features) if self._root else features
        if self._moves and len(self.window):
            self._changes.append(float(np.abs(row - self.window.newest).mean()))
        self.window.push(row)

    def repeat(self) -> None:
        """Append the last frame's features once more."""
        super().repeat()
        self._changes.append(0.0)

    def clear(self) -> None:
        """Forget all frames."""
        super().clear()
        self._changes.clear()

    def calm(self) -> Sequence[int]:
        """Labels whose `moves` nothing in the window reaches; a window of one frame cannot tell."""
        if not self._changes.maxlen:
            return ()
        largest = max(self._changes, default=0.0)
        return [k for k, least in enumerate(self._moves) if largest < least]

    def __call__(self) -> Float:
        """Logits of the window, float32 (K,)."""
        return self.finish(self.plain())

    def plain(self) -> Float:
        """Scores of the window over the temperature, float32 (K,), without `rejection`."""
        self._statistics(self.window.rows)
        self._classify()
        return self._logits

    def finish(self, plain: Float) -> Float:
        """The last label gains by how little the others fit; see `rejection`."""
        if self._temperature:
            plain[-1] += rejection(plain[:-1] * self._temperature) / self._temperature
        return plain

    def moments(self, answer: int, other: int) -> Float:
        """What each row of the window adds to the difference of two labels' logits."""
        rows = self.window.rows.astype(np.float64)
        weight = by_statistic(self._w[answer] - self._w[other], self._names, rows.shape[1])
        return window_shares(rows, weight).astype(np.float32)


def rooted(features: Float) -> Float:
    """Square roots of the features' sizes with the features' signs, float32 of the same shape."""
    roots: Float = np.copysign(np.sqrt(np.abs(features)), features)
    return roots


def rejection(scores: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What is added to the score of the label that stands for none of the others: ``sum_j (s_j + 1)^2 / 4``.

    A label's ideal scores t are 1 for itself and -1 for the others. The squared distance of scores s from them is ``4
    (sum_j (s_j + 1)^2 / 4 - s_k) + a constant``: so a window is rejected by its distance from the nearest ideal, also
    where two labels compete, which the largest score alone does not tell.

    Parameters
    ----------
    scores : float array (..., K)

    Returns
    -------
    float array (...)
    """
    squares: npt.NDArray[Any] = np.square(np.maximum(scores + 1, 0)).sum(axis=-1) / 4
    return squares


class Statistics:
    """Statistics of windows, side by side in an array of their own.

    Parameters
    ----------
    names : sequence of str
        Names from `STATISTICS`: the mean over time; the standard deviation (of the T rows, not unbiased); the mean
        size of the change from row to row (0 for T = 1); the means of `SEGMENTS` parts, as equal as
        `numpy.array_split` makes them, of which an empty one has the mean of all; the differences of neighbours.
    width : int
        W.
    """

    def __init__(self, names: Sequence[str], width: int) -> None:
        every: Float = np.zeros((sum(STATISTICS.values()), width), np.float32)
        parts = np.split(every, np.cumsum(list(STATISTICS.values()))[:-1])
        self._found: dict[str, Float] = dict(zip(STATISTICS, parts, strict=True))
        self._wanted = [part for name, part in self._found.items() if name in names]
        self._table: Float = np.zeros((sum(map(len, self._wanted)), width), np.float32)
        #: float32 (M,), of the last window.
        self.values: Float = self._table.ravel()
        self._by_length: dict[int, Callable[[Float], None]] = {}
        single = (self._found[name][0] for name in ("mean", "spread", "change"))
        self._outputs = (*single, self._found["segments"])

    def __call__(self, rows: Float) -> Float:
        """Statistics of a window, rows float32 (T, W), oldest first: float32 (M,), valid until the next call."""
        if len(rows) not in self._by_length:
            like: Float = np.zeros(rows.shape, np.float32)
            self._by_length[len(rows)] = bind("window_statistics", like, *self._outputs)
        self._by_length[len(rows)](np.ascontiguousarray(rows, np.float32))
        segments = self._found["segments"]
        np.subtract(segments[1:], segments[:-1], out=self._found["segment_changes"])
        np.concatenate(self._wanted, out=self._table)
        return self.values
