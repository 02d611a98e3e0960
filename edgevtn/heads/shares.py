"""Which rows of a window spoke for what, where a head is linear in statistics of them.

A logit is then a sum over statistics, and each statistic of a window is shared out among its rows so that the shares
add up to it:

- a mean, of the window, of a part of it, or of two parts' difference, is a sum over rows;
- a standard deviation s of the values x_t around their mean m is the sum of ``(x_t - m)^2 / (T s)``. That is its
  linearised share: the derivative of s by x_t, times the distance of x_t from the mean;
- the mean size of the change from row to row is a sum over pairs, of which either row has half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

#: Parts of the window whose means are statistics.
SEGMENTS = 3
#: How many times W numbers each statistic has, in the order in which they lie side by side.
STATISTICS = {"mean": 1, "spread": 1, "change": 1, "segments": SEGMENTS, "segment_changes": SEGMENTS - 1}

Float64 = npt.NDArray[np.float64]


def by_statistic(w: npt.NDArray[Any], statistics: Sequence[str], width: int) -> dict[str, Float64]:
    """The weights of a logit, (M,), by the statistic that they are of: float64 (n, W) for each of `statistics`."""
    weight, begin = {}, 0
    for name in (name for name in STATISTICS if name in statistics):
        count = STATISTICS[name] * width
        weight[name] = w[begin : begin + count].reshape(STATISTICS[name], width).astype(np.float64)
        begin += count
    return weight


def window_shares(x: Float64, weight: Mapping[str, Float64]) -> Float64:
    """What each row of a window, float64 (T, W), adds to its logit without the intercept: float64 (T,)."""
    T, found = len(x), np.zeros(len(x))
    if "mean" in weight:
        found += x @ weight["mean"][0] / T
    if "spread" in weight:
        apart = x - x.mean(axis=0)
        deviation = np.sqrt(np.square(apart).mean(axis=0))
        # What never varies has a deviation of 0, and nothing to share out.
        found += np.square(apart) @ np.divide(weight["spread"][0], T * deviation, where=deviation > 0,
                                              out=np.zeros_like(deviation))  # fmt: skip
    if "change" in weight and T > 1:
        pairs = np.abs(np.diff(x, axis=0)) @ weight["change"][0] / (T - 1)
        found[1:] += pairs / 2
        found[:-1] += pairs / 2
    parts = np.zeros((SEGMENTS, x.shape[1]))
    if "segments" in weight:
        parts += weight["segments"]
    if "segment_changes" in weight:
        parts[1:] += weight["segment_changes"]
        parts[:-1] -= weight["segment_changes"]
    for part, rows in zip(parts, np.array_split(np.arange(T), SEGMENTS), strict=True):
        if len(rows):
            found[rows] += x[rows] @ part / len(rows)
        else:  # an empty part has the mean of all
            found += x @ part / T
    return found
