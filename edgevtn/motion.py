"""When what is seen begins to move and when it comes to rest: there an action may have begun or ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

#: Seconds that it must have stood still before a movement is a beginning: people who move slowly look still for a frame
#: or two.
PAUSE = 0.3
#: Beginnings, and rests, that are remembered: one for each two frames of a second and a half, at 12.5 Hz and more.
REMEMBERED = 16


class Motion:
    """Remembers when a stream began to move and came to rest."""

    def __init__(self) -> None:
        self._began: deque[float] = deque(maxlen=REMEMBERED)
        self._rested: deque[float] = deque(maxlen=REMEMBERED)
        self._last: tuple[float, bool] | None = None
        self._since = 0.0  # the beginning of the last rest, seconds

    def update(self, timestamp: float, still: bool) -> None:
        """Take the next frame's time, seconds, and whether nothing had moved since the frame before."""
        before, was_still = self._last or (timestamp, not still)
        if still and not was_still:
            self._since = before
            self._rested.append(before)
        elif was_still and not still and self._last and before - self._since >= PAUSE:
            self._began.append(before)
        self._last = timestamp, still

    def began(self, near: float, earliest: float) -> float | None:
        """The end of a rest that is nearest to a moment, and none before the earliest; seconds.

        None where there is none.
        """
        return _nearest(self._began, near, earliest)

    @property
    def resting(self) -> float | None:
        """Since when it stands still, seconds; None while something moves."""
        return self._since if self._last is not None and self._last[1] else None

    def rested(self, near: float, earliest: float) -> float | None:
        """The end of a movement, likewise."""
        return _nearest(self._rested, near, earliest)


def _nearest(times: Iterable[float], near: float, earliest: float) -> float | None:
    return min((time for time in times if time >= earliest), key=lambda time: abs(time - near), default=None)
