"""How much a frame differs from one that was kept: two means for each cell of the square that a model sees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgevtn.kernels._changes import sum_changes  # noqa: PLC2701  the compiled half of this module

#: Cells along each side, about as large as a hand at some metres.
CELLS = 16
#: Rows that are compared, at least, where there are so many: at 480 every fifth. What matters is larger than that, and
#: all of them would cost five times as much.
ROWS = 96
#: Pixels that are added up together: a cell is as wide as some of them.
PIECE = 8


class Changes:
    """Keeps rows of a frame's centre square, and compares later frames with them."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = ()

    def keep(self, frame: npt.NDArray[np.uint8]) -> None:
        """Compare with this frame from now on: uint8 (H, W, 3), whose rows may be padded and whose pixels may not."""
        square = _square(frame)
        if frame.shape != self._shape:
            self._lay_cells(square.shape[0])
            self._shape = frame.shape
        self._kept[...] = square[:: self._step].reshape(self._kept.shape)

    def __call__(self, frame: npt.NDArray[np.uint8], ignored: int) -> npt.NDArray[np.float32] | None:
        """Mean absolute differences of each cell, in grey levels, and means of what they are above `ignored`.

        Parameters
        ----------
        frame : uint8 (H, W, 3)
        ignored : int
            0 to 255.

        Returns
        -------
        float32 (2, cells) or None
            Valid until the next call. None where the frame has another size than the one that was kept, or none was.
        """
        if frame.shape != self._shape:
            return None
        sum_changes(_square(frame), self._kept, self._step, ignored, self._rows, self._columns, self._sums)
        return np.multiply(self._sums, self._factors, out=self._means).reshape(2, -1)

    def _lay_cells(self, side: int) -> None:
        self._step = max(1, side // ROWS)
        rows, pieces = len(range(0, side, self._step)), -(-side // PIECE)
        self._rows, self._columns = ((np.arange(n) * min(CELLS, n) // n).astype(np.int32) for n in (rows, pieces))
        cells = min(CELLS, rows), min(CELLS, pieces)
        self._kept = np.empty((rows, 3 * side), np.uint8)
        self._sums, self._means = np.empty((2, *cells), np.uint32), np.empty((2, *cells), np.float32)
        widths = np.full(pieces, PIECE)
        widths[-1] = side - PIECE * (pieces - 1)
        pixels = np.outer(np.bincount(self._rows), np.bincount(self._columns, widths))
        self._factors = (1 / (3 * pixels)).astype(np.float32)


def _square(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The centre, (h, h, 3): a view."""
    H, W = frame.shape[:2]
    side = min(H, W)
    top, left = (H - side) // 2, (W - side) // 2
    return frame[top : top + side, left : left + side]
