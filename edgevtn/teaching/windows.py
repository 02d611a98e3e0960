"""The windows of a clip as a camera will see them, and their statistics as the head computes them."""

from __future__ import annotations

import numpy as np

from edgevtn.arrays import Array, Float
from edgevtn.heads.linear import Statistics
from edgevtn.heads.shares import STATISTICS

#: All that a linear head can look at, in its order.
EVERY = tuple(STATISTICS)


def columns(names: tuple[str, ...], width: int) -> Array:
    """Which of all statistics a set has: int64 indices into (8 W,), in the order of the head."""
    begin, parts = 0, []
    for name, count in STATISTICS.items():
        if name in names:
            parts.append(np.arange(begin, begin + count * width))
        begin += count * width
    return np.concatenate(parts)


def windows(rows: Float, window_len: int) -> Float:
    """Every window of a clip, one a slot: float32 (n, T, W), a view.

    A clip shorter than a window has one, the fullest: its first row fills what came before it, as a recogniser does
    with ``start="repeat"``.
    """
    missing = window_len - len(rows)
    if missing > 0:
        rows = np.concatenate([np.repeat(rows[:1], missing, axis=0), rows])
    # In one piece, and writeable though nobody writes: the kernel would be compiled once more for anything else.
    rows = np.require(rows, requirements=["C", "W"])
    view = np.lib.stride_tricks.sliding_window_view(rows, window_len, axis=0, writeable=True)
    every: Float = view.swapaxes(1, 2)
    return every


def evenly(count: int, most: int) -> Array:
    """At most so many of the numbers below `count`, evenly spread, the first and the last among them: int64 (n,)."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.int64))


class Measure:
    """Statistics of windows of one length, all that there are.

    Parameters
    ----------
    window_len : int
        T.
    width : int
        W.
    """

    def __init__(self, window_len: int, width: int) -> None:
        self._window_len = window_len
        self._statistics = Statistics(EVERY, width)
        self.count = width * sum(STATISTICS.values())

    def clip(self, rows: Float, step: int = 1) -> Float:
        """Mean over the windows of a clip, float32 (8 W,).

        A linear head's mean logits over a clip are its logits of this one row.

        Parameters
        ----------
        rows : float32 (N, W)
        step : int
            A window sees one of so many rows. A camera may have begun at any of them, so all of these beginnings count
            alike: they are more to learn from, and cost no encoding.
        """
        means = []
        for first in range(min(step, len(rows))):
            total = np.zeros(self.count)
            seen = windows(rows[first::step], self._window_len)
            for window in seen:
                total += self._statistics(window)
            means.append(total / len(seen))
        mean: Float = np.stack(means).mean(axis=0).astype(np.float32)
        return mean

    def some(self, rows: Float, most: int) -> Float:
        """Statistics of at most so many windows, evenly spread over the clip: float32 (n, 8 W)."""
        seen = windows(rows, self._window_len)
        return np.stack([self._statistics(seen[n]).copy() for n in evenly(len(seen), most)])
