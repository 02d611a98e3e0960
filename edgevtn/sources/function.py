"""A camera of one's own: a function that opens it and yields its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError
from edgevtn.frame import as_pair, check_frame
from edgevtn.sources.connection import Connection, ended

Pairs = Iterable[tuple[float | None, Frame]]


class Called(Connection):
    """What a function yields: (seconds by the camera's clock or None, frame). What it raises as an OSError is a loss.

    Parameters
    ----------
    function : callable
        Without arguments; called anew for every connection.
    name : str
        For messages.

    Raises
    ------
    SourceError
        The function failed with an OSError.
    """

    def __init__(self, function: Callable[[], Pairs], name: str) -> None:
        self._name = name
        try:
            self._opened = function()
        except OSError as error:
            raise SourceError(f"{name}: cannot be opened ({error})") from error
        self._pairs = iter(self._opened)

    def read(self) -> tuple[float | None, Frame]:
        """The next pair."""
        try:
            pair = next(self._pairs)
        except StopIteration:
            raise ended(self._name) from None
        if isinstance(pair, tuple | list) and len(pair) == 2 and pair[0] is None:
            captured, frame = None, pair[1]
        else:
            captured, frame = as_pair(pair)
        check_frame(frame)
        return captured, frame.copy()  # the function may write the next picture to the same memory

    def close(self) -> None:
        """Close what the function gave, if it can be closed."""
        close = getattr(self._opened, "close", None)
        if callable(close):
            close()
