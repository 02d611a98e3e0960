"""SIGHUP: what the file of `--config` says is read again."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from edgevtn.errors import EdgeVTNError

#: Not every system has it.
SIGHUP = getattr(signal, "SIGHUP", None)


class Reload:
    """Remembers that SIGHUP came, and reads the arguments again where that is safe; without a file it does nothing.

    Parameters
    ----------
    read : callable, optional
        Gives the arguments as they are now, or raises; None where there is no file.
    check : callable
        Raises for arguments that are wrong whatever the sources are.
    say : callable
        Told in a line why the old ones stay.
    """

    def __init__(
        self,
        read: Callable[[], argparse.Namespace] | None,
        check: Callable[[argparse.Namespace], object],
        say: Callable[[str], object],
    ) -> None:
        self._read, self._check, self._say = read, check, say
        self._asked = False
        self._next: argparse.Namespace | None = None

    def due(self) -> bool:
        """Whether there are new arguments, which are right as far as that can be seen; as often as one likes."""
        if self._asked and self._read is not None:
            self._asked = False
            try:
                found = self._read()
                self._check(found)
            except (EdgeVTNError, ValueError, OSError) as error:
                self._say(f"{error}; the old configuration stays")
            else:
                self._next = found
        return self._next is not None

    def take(self) -> argparse.Namespace | None:
        """The new arguments, once."""
        found, self._next = self._next, None
        return found

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._asked = True  # no more than that: a handler may come in the midst of a write

    def __enter__(self) -> Self:
        if self._read is not None and SIGHUP is not None:
            self._before = signal.signal(SIGHUP, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._read is not None and SIGHUP is not None:
            signal.signal(SIGHUP, self._before)
