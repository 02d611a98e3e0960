"""The last line of a terminal, drawn again and again, below all that is printed meanwhile.

A line is cut to the terminal's width as it is at that moment, as a longer one would be broken and could not be cleared.
What the process writes to stderr goes above it while it is there: warnings are not torn into it.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TextIO

#: Moves to the beginning of the line and clears it.
CLEAR = "\r\033[K"
BOLD, DIM, GREEN, YELLOW = "1", "2", "32", "33"
#: Columns of a terminal that does not tell.
FALLBACK_COLUMNS = 80
GAP = "  "


class Part(NamedTuple):
    """A piece of the line.

    Attributes
    ----------
    text : str
    rank : int
        Where the terminal is too narrow, the parts of the highest rank are left out first; that of rank 0 stays.
    style : str
        Numbers of ECMA-48's "select graphic rendition"; "" for none.
    """

    text: str
    rank: int = 0
    style: str = ""


def is_live(file: TextIO) -> bool:
    """Whether a line can be drawn again there: it is a terminal, and obeys more than line ends."""
    return file.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def width(text: str) -> int:
    """Columns that a text takes: two of an East Asian wide character, none of a combining one."""
    wide = sum(unicodedata.east_asian_width(character) in ("W", "F") for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def cut(text: str, columns: int) -> str:
    """The beginning of a text that is no wider."""
    while width(text) > columns:
        text = text[:-1]
    return text


def fitted(parts: Sequence[Part], columns: int) -> list[Part]:
    """The parts that fit, in their order; the last that is left is cut if it must be."""
    kept = list(parts)
    while len(kept) > 1 and sum(width(part.text) + len(GAP) for part in kept) - len(GAP) > columns:
        kept.remove(max(kept, key=lambda part: part.rank))
    return [part._replace(text=cut(part.text, columns)) for part in kept]


class LiveLine:
    """A line at the end of a terminal.

    Parameters
    ----------
    file : text file
        A terminal, see `is_live`. If stderr is one, too, it is taken until `close`.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.RLock()  # a signal's handler may print while a line is drawn
        self._drawn = ""
        self._colour = not os.environ.get("NO_COLOR")
        self._stderr = sys.stderr
        if is_live(sys.stderr):
            sys.stderr = _Above(self, sys.stderr)
        self._above = sys.stderr

    @property
    def columns(self) -> int:
        """The terminal's width now."""
        try:
            return os.get_terminal_size(self._file.fileno()).columns or FALLBACK_COLUMNS
        except (OSError, ValueError):
            return FALLBACK_COLUMNS

    @property
    def unicode(self) -> bool:
        """Whether the terminal shows more than ASCII."""
        try:
            "█░".encode(self._file.encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def show(self, parts: Sequence[Part]) -> None:
        """Draw it anew. Nothing is said of a terminal that is gone: events are told elsewhere, too."""
        kept = fitted(parts, self.columns - 1)  # in the last column some terminals begin a new line
        with self._lock, contextlib.suppress(OSError):
            self._drawn = GAP.join(self._styled(part) for part in kept)
            self._write(CLEAR + self._drawn)

    def print(self, text: str) -> None:
        """Lines above it, which stay; none on a terminal that is gone."""
        with contextlib.suppress(OSError), self._aside():
            self._write(f"{text}\n")

    def close(self) -> None:
        """Clear it, and leave the cursor at the beginning of an empty line; may be called twice."""
        with self._lock:
            if isinstance(self._above, _Above):
                self._above.release()
            if sys.stderr is self._above:
                sys.stderr = self._stderr
            if self._drawn:
                self._drawn = ""
                with contextlib.suppress(OSError):
                    self._write(CLEAR)

    def write_above(self, text: str, file: TextIO) -> None:
        """Write whole lines to another file that is the same terminal, if it is not gone."""
        with contextlib.suppress(OSError), self._aside():
            file.write(text)
            file.flush()

    @contextlib.contextmanager
    def _aside(self) -> Iterator[None]:
        """The line is away meanwhile."""
        with self._lock:
            if self._drawn:
                self._write(CLEAR)
            yield
            if self._drawn:
                self._write(self._drawn)

    def _styled(self, part: Part) -> str:
        return f"\033[{part.style}m{part.text}\033[0m" if part.style and self._colour else part.text

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()


class _Above(io.TextIOBase):
    """What is called stderr meanwhile: whole lines go above the live one."""

    def __init__(self, line: LiveLine, file: TextIO) -> None:
        self._line, self._below = line, file
        self._begun = ""  # a line without its end

    def write(self, text: str) -> int:
        whole, end, self._begun = (self._begun + text).rpartition("\n")
        if end:
            self._line.write_above(whole + end, self._below)
        return len(text)

    def release(self) -> None:
        """Write what has no end yet."""
        if self._begun:
            self._line.write_above(f"{self._begun}\n", self._below)
            self._begun = ""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._below.fileno()
