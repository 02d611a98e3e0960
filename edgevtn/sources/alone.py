"""A single source in the place of several."""

from __future__ import annotations

from collections.abc import Iterator

from edgevtn.sources.base import Source
from edgevtn.sources.cameras import Arrival


class Alone:
    """A single source as `Cameras` would give it, but read by the thread that watches."""

    names = ("",)

    def __init__(self, source: Source) -> None:
        self._source = source
        self._left = False

    @property
    def live(self) -> bool:
        """Whether its frames come whether or not they are asked for."""
        return self._source.live

    def arrivals(self) -> Iterator[Arrival]:
        """Yield its frames."""
        for timestamp, frame in self._source:
            yield Arrival("", timestamp, frame)
            if self._left:
                return

    def leave(self, source: str, error: Exception | None = None) -> None:
        """Take no more frames; raises the error, if there is one."""
        self._left = True
        if error is not None:
            raise error
