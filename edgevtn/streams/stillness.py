"""Whether anything has moved since the frame that was encoded last: if not, its features still hold."""

from __future__ import annotations

import numpy as np

from edgevtn.arrays import Float, Frame
from edgevtn.kernels.changes import Changes

#: A pixel's change counts from here on: grey levels, and as many times the noise. Compression of a still scene changes
#: pixels by a few levels, a movement changes its edges by tens.
LEAST, NOISES = 4.0, 2.0
#: Grey levels by which a cell's pixels may change on the mean, beyond that.
STILL = 0.3
#: Grey levels of noise, and of a change of light, above which nothing counts as still.
LOUDEST = 6.0
#: Seconds after which a frame is encoded though nothing has moved: the bound of what a wrong threshold can hide, and
#: rare enough to cost nothing.
LONGEST = 30.0


class Stillness:
    """Compares frames with the one that was encoded last, not with the one before: so slow movements add up.

    The camera's noise is measured in the same comparison: three of four cells change at least as much as the lower
    quartile of the cells, whatever moves in the rest of the picture. Movement is what single cells change beyond that,
    so a hand counts as much as a person does.
    """

    def __init__(self) -> None:
        self._changes = Changes()
        self.clear()

    def clear(self) -> None:
        """Forget all frames."""
        self._encoded: float | None = None  # when the frame was taken that was encoded last, seconds
        self._noise = 0.0  # of the last comparison, grey levels

    def keep(self, frame: Frame, timestamp: float) -> None:
        """This frame, uint8 (H, W, 3), is encoded now; its time is in seconds."""
        self._changes.keep(frame)
        self._encoded = timestamp

    def __call__(self, frame: Frame, timestamp: float) -> bool:
        """Whether a frame shows what the last one to be encoded shows, as far as noise lets that be told.

        False, too, when there was none or that is long ago.
        """
        if self._encoded is None or timestamp - self._encoded > LONGEST:
            return False
        before = self._noise
        if self._still(frame):
            return True
        # A key frame of a compressed stream, or a change of light: noisier than the frame that the limit came from.
        return self._noise > before and self._still(frame)

    def _still(self, frame: Frame) -> bool:
        found = self._changes(frame, round(LEAST + NOISES * min(self._noise, LOUDEST)))
        if found is None:
            return False
        differences, excesses = found
        self._noise = _lower_quartile(differences)
        return self._noise <= LOUDEST and float(excesses.max()) <= STILL


def _lower_quartile(values: Float) -> float:
    n = len(values) // 4
    return float(np.partition(values, n)[n])
