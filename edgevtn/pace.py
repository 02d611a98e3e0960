"""How many of a model's slots are encoded on a processor that cannot keep up, or is hot."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgevtn.budget import Budget
from edgevtn.cpu import temperature

#: Seconds over which the load is measured: longer than a garbage collection or another program's start.
SPAN = 5.0
#: Share of the time that recognition may take. Where a frame takes longer than a slot of 12.5 Hz, a camera of 25 Hz is
#: waited for until its next frame: so a processor that cannot keep up is busy for two thirds of the time at least.
BUSY = 0.65
#: Share below which the next higher rate, which takes twice as long, is within that.
EASY = 0.3
#: Degrees Celsius: a Raspberry Pi slows itself down from 80 on, and other boards between 80 and 100.
HOT, COOL = 80.0, 70.0
#: Factors of the rate: half as often each.
FACTORS = (1, 2, 4)
#: Spans of ease before the rate rises; twice as many after each rise that had to be taken back, at most so many.
PATIENCE, MOST_PATIENCE = 3, 96


class Pace:
    """Lowers the rate by whole factors and raises it again, with hysteresis.

    Parameters
    ----------
    notify : callable
        Told in a sentence, once, that and why the rate was lowered.
    clock : callable
        Seconds, rising.
    thermometer : callable
        Degrees Celsius, or None where nobody knows.

    budget : Budget, optional
        A share of the processor that is to be kept to as well.
    """

    def __init__(
        self,
        notify: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
        thermometer: Callable[[], float | None] = temperature,
        budget: Budget | None = None,
    ) -> None:
        self._notify, self._clock, self._thermometer = notify, clock, thermometer
        self._budget, self._own = budget, FACTORS[0]
        self._told = False
        self._span_began = self._began = clock()
        self._busy = 0.0
        self._easy = 0  # spans in a row
        self._patience = PATIENCE
        self._raised = False  # the last change was a rise, and nothing has proved it right yet

    @property
    def factor(self) -> int:
        """One of so many slots is to be encoded: the larger of `FACTORS`' and the budget's."""
        return self._own if self._budget is None else max(self._own, self._budget.factor)

    def begin(self) -> None:
        """Recognition of a frame begins."""
        self._began = self._clock()

    def end(self) -> bool:
        """It has ended. True if `factor` is another now."""
        now, before = self._clock(), self.factor
        self._busy += now - self._began
        if self._budget is not None:
            self._budget.beat()
        if now - self._span_began >= SPAN:
            self._measure(now)
        return self.factor != before

    def _measure(self, now: float) -> None:
        load = self._busy / (now - self._span_began)
        self._span_began, self._busy = now, 0.0
        degrees = self._thermometer()
        if load > BUSY or (degrees is not None and degrees > HOT):
            self._lower(load, degrees)
        elif load < EASY and (degrees is None or degrees < COOL):
            self._rest()
        else:
            self._easy = 0

    def _lower(self, load: float, degrees: float | None) -> None:
        self._easy = 0
        if self._raised:
            self._patience = min(2 * self._patience, MOST_PATIENCE)
            self._raised = False
        if self._own == FACTORS[-1]:
            return
        self._own = FACTORS[FACTORS.index(self._own) + 1]
        if not self._told:
            self._told = True
            why = f"recognition takes {load:.0%} of the time" if load > BUSY else f"the processor has {degrees:.0f} C"
            self._notify(
                f"{why}: encoding one of {self._own} frames for now; a smaller --size or a lower --rate of the model "
                "costs less"
            )

    def _rest(self) -> None:
        self._easy += 1
        if self._easy < self._patience:
            return
        self._easy = 0
        if self._raised:  # it has held
            self._patience, self._raised = PATIENCE, False
        if self._own != FACTORS[0]:
            self._own = FACTORS[FACTORS.index(self._own) - 1]
            self._raised = True
