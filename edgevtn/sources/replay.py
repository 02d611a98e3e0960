"""Pictures that a stream in pieces gives a second time: after a loss it begins with pieces that were read before."""

from __future__ import annotations

import time
import zlib
from collections import deque

from edgevtn.arrays import Frame
from edgevtn.sources.connection import OPENING

#: Pictures that are remembered: FFmpeg begins three pieces before the newest, which are seldom longer than ten seconds,
#: at 60 Hz.
REMEMBERED = 1800
#: Each so many-th row is looked at, which still has every object of the picture in it.
ROWS = 16
#: Seconds of a connection in which pictures may be passed over: what is replayed is there at once. After `OPENING` a
#: connection that gives nothing counts as lost, also where much is replayed to a slow board, or a film in a circle.
LONGEST = 0.8 * OPENING


class Shown:
    """Checksums of a stream's last pictures, which its connections share, one after another."""

    def __init__(self) -> None:
        self._checksums: deque[int] = deque(maxlen=REMEMBERED)

    def add(self, checksum: int) -> None:
        """A picture was given."""
        self._checksums.append(checksum)

    def replay(self) -> Replay:
        """What tells a new connection's first pictures from those given until now."""
        return Replay(list(self._checksums))


class Replay:
    """Whether the pictures of a new connection are those that were given before, in the same order.

    Stamps do not tell: OpenCV's begin at 0 with each connection, and those of a sender that began anew repeat as well.
    After such pictures, one that is new or out of order ends it: from there on everything is new.

    Parameters
    ----------
    before : list of int
        Checksums of the pictures given before, the oldest first.
    """

    def __init__(self, before: list[int]) -> None:
        self._before, self._end = before, time.monotonic() + LONGEST
        self._places: list[int] = []  # in `before`, where the last picture may have been

    def __call__(self, checksum: int) -> bool:
        """Whether the connection's next picture was given before."""
        before, last = self._before, self._places
        if not before or time.monotonic() > self._end:
            return False
        places = [n + 1 for n in last if n + 1 < len(before)] if last else range(len(before))
        self._places = [n for n in places if before[n] == checksum]
        if last and not self._places:
            self._before = []
        return bool(self._places)


def checksum_of(frame: Frame) -> int:
    """CRC-32 of some of a picture's rows, uint8 (H, W, 3)."""
    return zlib.crc32(frame[::ROWS].tobytes())
