"""A stream that arrives in pieces of several seconds (HLS), given once, at the pace at which it was taken."""

from __future__ import annotations

import threading
import time

from edgevtn.arrays import Frame
from edgevtn.sources.connection import Connection
from edgevtn.sources.replay import Shown, checksum_of

#: Seconds by which a stamp may lie behind the last; what lies further away, or before it, is of another recording.
LONGEST_GAP = 1.0


class Paced(Connection):
    """Another connection, whose pictures wait until it is their turn by their stamps.

    A piece is read in a moment. Without waiting, only its last picture would count as the newest, and after it the
    stream would seem to stand still until the next piece. After a loss, FFmpeg begins with pieces that were read before
    it: what they show would be told twice, so it is passed over.

    Parameters
    ----------
    connection : Connection
        What is read; it is closed with this one.
    shown : Shown
        What the connections before this one gave.
    """

    def __init__(self, connection: Connection, shown: Shown) -> None:
        self._connection, self.finite = connection, connection.finite
        self._shown, self._replay = shown, shown.replay()
        self._interrupted = threading.Event()
        self._offset = self._last = float("nan")  # seconds from stamps to our clock; the last stamp

    def read(self) -> tuple[float | None, Frame]:
        """The next picture, when it is due."""
        stamp, frame = self._connection.read()
        while self._replay(checksum := checksum_of(frame)):
            stamp, frame = self._connection.read()
        if stamp is not None:
            offset = time.monotonic() - stamp
            goes_on = 0 <= stamp - self._last <= LONGEST_GAP  # not of the first, which is compared to NaN
            # A picture that comes late delays all that follow: so pieces that come late once may be so again.
            self._offset = max(self._offset, offset) if goes_on else offset
            self._last = stamp
            self._interrupted.wait(self._offset - offset)
        if not self._interrupted.is_set():  # else nobody takes it
            self._shown.add(checksum)
        return stamp, frame

    def interrupt(self) -> None:
        """End what `read` waits for."""
        self._interrupted.set()
        self._connection.interrupt()

    def close(self) -> None:
        """Close what is read."""
        self._connection.close()
