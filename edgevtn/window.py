"""The window: the last T rows, always contiguous and oldest first, without copying them."""

from __future__ import annotations

import numpy as np

from edgevtn.arrays import Float


class Window:
    """A mirrored ring: every row is stored twice, T rows apart, so that any T in a row lie side by side.

    Parameters
    ----------
    window_len : int
        T, rows that are kept.
    width : int
        Floats in a row.
    """

    def __init__(self, window_len: int, width: int) -> None:
        self._storage: Float = np.zeros((2 * window_len, width), np.float32)  # (2 T, width)
        self._window_len = window_len
        self._oldest = 0  # row at which the next push lands; from there on the T rows are chronological
        self._count = 0

    def __len__(self) -> int:
        """Rows pushed since the last `clear`, at most T."""
        return self._count

    @property
    def full(self) -> bool:
        """Whether T rows have been pushed since the last `clear`."""
        return self._count == self._window_len

    @property
    def rows(self) -> Float:
        """The last T rows, float32 (T, width), oldest first: a view, valid until the next push."""
        return self._storage[self._oldest : self._oldest + self._window_len]

    @property
    def newest(self) -> Float:
        """The row pushed last, float32 (1, width): a view, valid for T - 1 more pushes."""
        last = self._oldest + self._window_len - 1
        return self._storage[last : last + 1]

    def push(self, row: Float) -> None:
        """Append one row, float32 (width,) or (1, width); the oldest falls out."""
        self._storage[self._oldest] = row
        self._storage[self._oldest + self._window_len] = row
        self._oldest = (self._oldest + 1) % self._window_len
        self._count = min(self._count + 1, self._window_len)

    def clear(self) -> None:
        """Forget every row."""
        self._count = 0
