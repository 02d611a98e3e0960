"""The time of a live source: the monotonic clock drives, the camera's own stamps refine, the wall clock lies beside."""

from __future__ import annotations

import math
import time

#: Share by which the clocks of a camera and of this machine may drift apart; quartzes differ by less than 100 ppm.
DRIFT = 200e-6
#: Seconds between capture and arrival beyond which a stamp is not believed: the camera's clock was set anew.
LONGEST_DELAY = 2.0


class CaptureClock:
    """When pictures were taken, in seconds since the clock was made, strictly rising.

    A camera's stamps are even but have an origin of their own. The smallest difference of arrival and stamp seen so
    far is the picture that came with the least delay: it ties the two clocks together.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._last = -math.inf
        self.restart()

    def restart(self) -> None:
        """A new connection: its stamps have another origin."""
        self._captured = self._arrived = self._offset = 0.0
        self._tied = False

    def __call__(self, arrived: float, captured: float | None) -> float:
        """Seconds at which a picture was taken.

        Parameters
        ----------
        arrived : float
            `time.monotonic` when it was here; rising.
        captured : float or None
            The camera's stamp, seconds; None where there is none.
        """
        moment = arrived - self._began
        if captured is None:
            return self._rising(moment, moment)
        offset = arrived - captured
        if self._tied and captured > self._captured:
            tied = min(self._offset + DRIFT * (arrived - self._arrived), offset)
            if offset - tied <= LONGEST_DELAY:
                offset = tied
        self._tied, self._captured, self._arrived, self._offset = True, captured, arrived, offset
        return self._rising(captured + offset - self._began, moment)

    def _rising(self, capture: float, arrival: float) -> float:
        """The moment of capture, or of arrival, or just behind the last one: some may have no stamp."""
        least = math.nextafter(self._last, math.inf)
        self._last = capture if capture >= least else max(arrival, least)
        return self._last

    def wall(self, timestamp: float) -> float:
        """Unix time of a moment by the system's clock as it is set now: what it is corrected by counts afterwards."""
        return time.time() - time.monotonic() + self._began + timestamp
