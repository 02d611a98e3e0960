"""A share of the processor that recognition may use: where it uses more, fewer frames are looked at."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable

from edgevtn.cpu import available_cores

#: Seconds over which the processor's time is measured: shorter spans waver.
SPAN = 5.0
#: Frames of a window that are looked at, at least: fewer tell little of what moves.
FEWEST = 4
#: The next smaller factor is tried where it would use less than this share of the budget, so that it does not flutter.
EASE = 0.8


class Budget:
    """By which whole factor the rate of every view is lowered, so that all of the process keeps to a share.

    What is measured is the processor time of the whole process, its decoding and sinks included; what it would be by
    another factor is reckoned as if all of it were recognition. So it settles in a few spans.

    Parameters
    ----------
    share : float
        The share of all cores that the process may use, above 0 and up to 1: 0.5 is two cores of four.
    window_len : int
        Frames of the shortest window, by which the factor is bounded.
    now, used : callable
        Seconds by the monotonic clock, and of processor time that the process has used.

    Attributes
    ----------
    factor : int
        1 is the model's own rate.

    Raises
    ------
    ValueError
        The share is not in its range.
    """

    def __init__(
        self,
        share: float,
        window_len: int = FEWEST,
        now: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.process_time,
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"a budget must be a share of all cores, above 0 and up to 1, got {share}")
        self.factor, self._most = 1, max(1, window_len // FEWEST)
        self._cores = available_cores()
        self._seconds = share * self._cores  # of processor time, a second
        self._share, self._now, self._used = share, now, used
        self._since, self._before = now(), used()
        self._warned = False

    def beat(self) -> None:
        """Measure, if it is time for that; as often as one likes."""
        now = self._now()
        if now - self._since < SPAN:
            return
        rate = (self._used() - self._before) / (now - self._since)
        self._since, self._before = now, self._used()
        if rate > self._seconds:
            self.factor = min(self._most, math.ceil(self.factor * rate / self._seconds))
            self._warn(rate)
        elif self.factor > 1 and rate * self.factor / (self.factor - 1) < EASE * self._seconds:
            self.factor -= 1

    def _warn(self, rate: float) -> None:
        if self._warned:
            return
        self._warned = True
        what = f"one of {self.factor} frames that the model wants is looked at, of every camera alike, or what it takes"
        if self._most == 1:
            what = "the model's window is too short to look at fewer frames"
        warnings.warn(
            f"{rate / self._cores:.0%} of {self._cores} cores are used, and the budget is {self._share:.0%}: {what}",
            RuntimeWarning,
            stacklevel=2,
        )
