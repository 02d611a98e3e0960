"""What every source is: something that yields (seconds, frame) and can be closed. Imports none of its siblings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from edgevtn.arrays import Frame
from edgevtn.frame import as_pair

#: Seconds after which a source that waits for a frame says so, where it can.
PULSE = 0.5


class Source(ABC):
    """A stream of (seconds, uint8 (H, W, 3) BGR); use it in a ``with`` statement, or call `close`.

    A source of your own is a subclass with `__iter__`, or any iterator of such pairs.
    """

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

    def close(self) -> None:
        """Give back the file or device; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Given(Source):
    """Pairs that someone else yields; whatever yields them is theirs to close."""

    def __init__(self, pairs: Iterable[tuple[float, Frame]]) -> None:
        self._pairs = pairs

    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        """Yield what is given."""
        return iter(self._pairs)
