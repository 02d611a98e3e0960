"""What a source gives to whoever watches, and a single source that is read by the thread that watches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from edgevtn.arrays import Frame
from edgevtn.sources.base import Source


class Arrival(NamedTuple):
    """A frame of a source; its end, with `frame` None, by `error` if it failed; or nothing for a while."""

    source: str
    timestamp: float
    frame: Frame | None
    error: Exception | None = None
    idle: bool = False


#: No source had anything for half a second.
IDLE = Arrival("", 0.0, None, idle=True)


class Alone:
    """A single source as `edgevtn.sources.Cameras` would give it, without a thread more."""

    names = ("",)

    def __init__(self, source: Source) -> None:
        self._source = source
        self._left = False

    def is_live(self, name: str) -> bool:
        """Whether its frames come whether or not they are asked for."""
        return self._source.live

    def arrivals(self) -> Iterator[Arrival]:
        """Yield its frames, and `IDLE` while a live one gives none."""
        for pair in self._source.beats():
            yield IDLE if pair is None else Arrival("", *pair)
            if self._left:
                return

    def leave(self, source: str, error: Exception | None = None) -> None:
        """Take no more frames; raises the error, if there is one."""
        self._left = True
        if error is not None:
            raise error
