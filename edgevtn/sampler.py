"""Which frames of a source the model sees: by their time, not by counting."""

from __future__ import annotations

import math
import warnings

from edgevtn.errors import TimestampError

#: Frames to see before judging a source's rate: fewer, and one late frame decides.
JUDGED_AFTER = 16
#: A camera's "25 fps" may be 24.9; only more than this is slower.
RATE_TOLERANCE = 1.02


class Sampler:
    """Lays a grid of `frame_rate` slots a second over time and gives each slot the frame nearest to it.

    Slot n lies n / frame_rate seconds after the first frame. A frame is taken as soon as the one after it,
    expected one interval later, would be farther from the slot. So the choice does not depend on the
    source's own rate, and does not drift.

    Parameters
    ----------
    frame_rate : float
        The model's, Hz.
    difference_interval : float
        Seconds: how much older the frame is that each slot's frame is to be compared with. 0: nothing is compared.
        One slot: it is the last slot's frame, so no frame is taken for that alone.

    Attributes
    ----------
    factor : int
        Only every so many slots get a frame; the others are closed together with the next that does. 1 at first, and
        not changed by `reset`.
    older : bool
        Whether the last frame, which filled no slot, is the one to compare the next slot's with: the nearest to
        `difference_interval` before it; where frames lie farther apart, the last before it.
    """

    def __init__(self, frame_rate: float, difference_interval: float = 0.0) -> None:
        self._frame_rate = frame_rate
        self._difference_interval = difference_interval
        self.factor = 1
        self._warned = False
        self.reset()

    def reset(self) -> None:
        """Begin anew; the next frame is slot 0."""
        self._first = self._last = math.nan
        self._longest = 0.0  # interval until now
        self._slot = -1  # the last one filled
        self._compared = 0  # the last one whose older frame has come
        self.older = False
        self._frames = 0

    def slots(self, timestamp: float) -> int:
        """How many slots this frame closes.

        0: it is not due. 1: take it. n > 1: take it, after n - 1 slots for which no frame came.

        Raises
        ------
        TimestampError
            The timestamp is not finite, or not after the previous one.
        """
        if not math.isfinite(timestamp):
            raise TimestampError(f"timestamp must be finite seconds, got {timestamp}")
        if self._slot < 0:
            self._first = self._last = timestamp
            self._frames = 1
            self._slot = 0
            return 1
        self.older = False
        interval = timestamp - self._last
        if interval <= 0:
            raise TimestampError(
                f"timestamps must increase: got {timestamp} s after {self._last} s; call reset() before a new recording"
            )
        self._last = timestamp
        self._longest = max(self._longest, interval)
        self._frames += 1
        if self._frames == JUDGED_AFTER:
            self._judge_rate()
        count = max(0, self._nearest(timestamp, interval) - self._slot)
        self._slot += count
        ahead = self._difference_interval
        if 0 < ahead < self.factor / self._frame_rate and not count:
            slot = self._nearest(timestamp + max(ahead, interval), interval)
            self.older = slot > max(self._slot, self._compared)
            self._compared = max(self._compared, slot)
        return count

    def _nearest(self, moment: float, interval: float) -> int:
        """The last slot that gets a frame to which one of that moment is nearer than the next, `interval` later."""
        # A hundredth of a slot absorbs the rounding of timestamps that fall between two slots.
        elapsed = (moment + interval / 2 - self._first) * self._frame_rate + 0.01
        # After a gap the "next frame" is not half a gap away: never reach beyond the present slot and a half.
        slot = math.floor(min(elapsed, (moment - self._first) * self._frame_rate + 0.5))
        return slot // self.factor * self.factor

    def _judge_rate(self) -> None:
        # All but the longest interval: a source that was away for a while is not slow.
        seconds = self._last - self._first - self._longest
        rate = (self._frames - 2) / seconds if seconds > 0 else math.inf
        if rate * RATE_TOLERANCE < self._frame_rate and not self._warned:
            self._warned = True
            warnings.warn(
                f"the source gives {rate:.1f} frames a second and the model was trained on "
                f"{self._frame_rate:g}; missing ones are filled with the frame before",
                RuntimeWarning,
                stacklevel=4,
            )
