"""What can be closed can stand in a ``with`` statement."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class Closing:
    """Closed at the end of a ``with`` block, also by an error; what it is to close is in `close`."""

    def close(self) -> None:
        """Give back what it holds; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
