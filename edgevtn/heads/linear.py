"""A linear head: statistics of the window's features, and one linear classifier on them.

Its logits are sums over statistics, so it can be fitted in closed form from a few clips, and explained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from edgevtn.arrays import Float
from edgevtn.facts import Fact, texts
from edgevtn.heads.base import Head, HeadFacts
from edgevtn.window import Window

#: Parts of the window whose means are statistics.
SEGMENTS = 3
#: How many times W numbers each statistic has, in the order in which they lie side by side.
STATISTICS = {"mean": 1, "spread": 1, "change": 1, "segments": SEGMENTS, "segment_changes": SEGMENTS - 1}


@dataclass(frozen=True)
class LinearFacts(HeadFacts):
    """The facts of a linear head.

    Attributes
    ----------
    statistics : tuple of str
        Names from `STATISTICS`, in that order.
    """

    kind: ClassVar[str] = "linear"
    table: ClassVar[Mapping[str, Fact]] = {"statistics": texts(*STATISTICS)}

    statistics: tuple[str, ...]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """``w_classes`` (M, K) and ``b_classes`` (K,): of raw statistics, any standardisation folded in."""
        M = self.width * sum(STATISTICS[name] for name in self.statistics)
        return {"w_classes": (M, self.classes), "b_classes": (self.classes,)}

    def describe(self) -> str:
        """The statistics by name."""
        return f"linear, on {', '.join(self.statistics)} of {self.width} features"

    def build(self, weights: dict[str, Float] | bytes, file: Path, precision: str) -> Linear:
        """The head that runs; it is too small to gain by int8."""
        assert isinstance(weights, dict)
        return Linear(self, weights)


class Linear(Head):
    """The window of raw features, float32 (T, W), and a matrix."""

    def __init__(self, facts: LinearFacts, arrays: dict[str, Float]) -> None:
        self._names = [name for name in STATISTICS if name in facts.statistics]
        self._w, self._b = arrays["w_classes"], arrays["b_classes"]
        self.window = Window(facts.window_len, facts.width)

    def push(self, features: Float) -> None:
        """Append a frame's features, float32 (1, W)."""
        self.window.push(features)

    def __call__(self) -> Float:
        """Logits of the window, float32 (K,)."""
        logits: Float = statistics(self.window.rows, self._names) @ self._w + self._b
        return logits


def statistics(rows: Float, names: list[str]) -> Float:
    """Statistics of a window, side by side.

    Parameters
    ----------
    rows : float32 (T, W)
        Oldest first.
    names : list of str
        Names from `STATISTICS`: the mean over time; the standard deviation (of the T rows, not unbiased); the mean
        size of the change from row to row (0 for T = 1); the means of `SEGMENTS` parts, as equal as
        `numpy.array_split` makes them (an empty part has the mean of all rows); the differences of neighbouring parts.

    Returns
    -------
    float32 (M,)
    """
    found: dict[str, Any] = {}
    mean = rows.mean(axis=0)
    if "mean" in names:
        found["mean"] = mean
    if "spread" in names:
        found["spread"] = rows.std(axis=0)
    if "change" in names:
        found["change"] = np.abs(np.diff(rows, axis=0)).mean(axis=0) if len(rows) > 1 else np.zeros_like(mean)
    if "segments" in names or "segment_changes" in names:
        means = np.stack([part.mean(axis=0) if len(part) else mean for part in np.array_split(rows, SEGMENTS)])
        found["segments"], found["segment_changes"] = means.ravel(), np.diff(means, axis=0).ravel()
    result: Float = np.concatenate([found[name] for name in names])
    return result
