"""What every source is: something that yields (seconds, frame) and can be closed. Imports none of its siblings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

from edgevtn.arrays import Frame
from edgevtn.closing import Closing
from edgevtn.frame import as_pair

#: Seconds after which a source that waits for a frame says so, where it can.
PULSE = 0.5


class Source(Closing, ABC):
    """A stream of (seconds, uint8 (H, W, 3) BGR); use it in a ``with`` statement, or call `close`.

    A source of your own is a subclass with `__iter__`, or any iterator of such pairs.

    Attributes
    ----------
    frame_rate : float, optional
        Hz, as the source states it; None where nobody knows it, as of most cameras.
    size : (int, int), optional
        Width and height of its frames, pixels; None until it is known.
    duration : float, optional
        Seconds, as a file states them; None of what does not end, and where nobody knows it.
    """

    # Not properties: a source of one's own sets what it knows.
    frame_rate: float | None = None
    size: tuple[int, int] | None = None
    duration: float | None = None

    @property
    def live(self) -> bool:
        """Whether frames come whether or not they are asked for, so that the newest is wanted; else each is."""
        return False

    @abstractmethod
    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        """Yield (timestamp, frame): seconds, rising, from any origin, and a frame."""

    def beats(self) -> Iterator[tuple[float, Frame] | None]:
        """Yield the same, and None at least each half second while no frame comes, where the source can tell."""
        for pair in self:
            yield as_pair(pair)

    def wall_clock(self, timestamp: float) -> float | None:
        """Unix time, seconds, of a moment of this source; None where nobody knows it, as in a file."""
        return None

    def __repr__(self) -> str:
        """What it is, and what is known of it."""
        return f"<{type(self).__name__}{self._facts()}>"

    def _facts(self) -> str:
        """Size, rate and duration, as far as they are known, with a colon before them."""
        known = [] if self.size is None else [f"{self.size[0]}x{self.size[1]}"]
        known += [] if self.frame_rate is None else [f"{self.frame_rate:g} Hz"]
        known += [] if self.duration is None else [f"{self.duration:.3f} s"]
        known += ["live"] if self.live else []
        return f": {', '.join(known)}" if known else ""


class Given(Source):
    """Pairs that someone else yields; whatever yields them is theirs to close."""

    def __init__(self, pairs: Iterable[tuple[float, Frame]]) -> None:
        self._pairs = pairs

    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        """Yield what is given."""
        return iter(self._pairs)
