"""What is to be delivered lies on the disk until it has been, and in memory as well.

Messages survive a kill of the process and a loss of power. They leave in the order in which they came. What was
delivered is removed; a kill between the two leaves it there, so it is delivered again, the same in every byte.

They are delivered from memory, which holds what the file does and what a full or broken disk did not take. So an alarm
does not depend on the disk, and what waits is written as soon as the disk takes it.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgevtn.sinks.spool_file import SpoolFile

#: Messages, and bytes of them, that wait at most: some weeks of a busy camera, and no burden for an SD card or memory.
MOST_MESSAGES, MOST_BYTES = 10_000, 16_000_000
#: Seconds that `close` waits for a thread that is writing: longer than a slow card takes, and short for who waits.
CLOSING = 1.0


@dataclass(frozen=True)
class Message:
    """Something to be delivered.

    Attributes
    ----------
    number : int
        Its place in the spool, rising.
    route : str
        Where to, in the words of who delivers it.
    payload : bytes
    """

    number: int
    route: str
    payload: bytes


class Spool:
    """A queue of messages in memory and in a file; several threads may use it.

    Parameters
    ----------
    file : path, optional
        It and its folder are made. None: in memory alone.
    most_messages, most_bytes : int
        Beyond that the oldest are dropped.

    Attributes
    ----------
    durable : bool
        Whether there is a file.
    dropped : int
        Messages that this object dropped.
    error : str or None
        Why the file could not be written when that was tried last; None where it holds what memory does.
    unwritten : int
        Messages that wait and are not in the file, though there is a file.
    renewed : bool
        Whether the file was removed meanwhile, and begun anew with what waits.

    Raises
    ------
    OutputError
        The file cannot be written, or another process uses it.
    """

    def __init__(
        self, file: str | Path | None, *, most_messages: int = MOST_MESSAGES, most_bytes: int = MOST_BYTES
    ) -> None:
        self._most_messages, self._most_bytes = most_messages, most_bytes
        self._file = None if file is None else SpoolFile(Path(file))
        self.durable = file is not None
        self.dropped = self.unwritten = 0
        self.error: str | None = None
        self.renewed = False
        self._lock = threading.Lock()
        self._closed = False
        self._discarded = False  # we removed the file
        self._waiting: deque[Message] = deque()
        self._last = self._removed = 0  # the numbers that were given last, and removed last
        self._notes: dict[str, str] = {}
        self._unnoted: set[str] = set()  # names of notes that the file does not have as they are
        if self._file is not None:
            rows, self._notes, self._last = self._file.read()
            self._waiting.extend(itertools.starmap(Message, rows))
        self._size = sum(len(message.payload) for message in self._waiting)

    @property
    def damaged(self) -> Path | None:
        """Where a file that could not be read was moved to; None if there was none."""
        return None if self._file is None else self._file.damaged

    def __len__(self) -> int:
        """Messages that wait."""
        return len(self._waiting)

    def put(self, messages: Iterable[tuple[str, bytes]]) -> bool:
        """Append (route, payload) pairs.

        Returns
        -------
        bool
            True: they are on the disk. False: they are in memory, and `error` says why.
        """
        with self._lock:
            for route, payload in messages:
                self._last += 1
                self._waiting.append(Message(self._last, route, payload))
                self._size += len(payload)
                self.unwritten += self.durable
            while len(self) > self._most_messages or (self._size > self._most_bytes and len(self) > 1):
                self._forget()
                self.dropped += 1
            return self._write()

    def write(self) -> bool:
        """Write what is in memory alone; whether the file holds everything now."""
        with self._lock:
            return self._write()

    def first(self) -> Message | None:
        """The oldest message; it stays."""
        with self._lock:
            return self._waiting[0] if self._waiting else None

    def routes(self) -> set[str]:
        """Where the messages that wait go to."""
        with self._lock:
            return {message.route for message in self._waiting}

    def remove(self, message: Message) -> None:
        """Forget a message that was delivered, and all before it; on a full disk the file has it until `write`."""
        with self._lock:
            while self._waiting and self._waiting[0].number <= message.number:  # it may have been dropped meanwhile
                self._forget()
            self._write_unless_it_failed()

    def note(self, name: str, value: str | None) -> None:
        """Remember a text by a name; None forgets it. On a full disk the file has it after `write`."""
        with self._lock:
            if value is None:
                self._notes.pop(name, None)
            else:
                self._notes[name] = value
            self._unnoted.add(name)
            self._write_unless_it_failed()

    def notes(self) -> dict[str, str]:
        """What is remembered."""
        with self._lock:
            return dict(self._notes)

    def close(self) -> None:
        """Close the file; may be called twice. Where a thread hangs in writing, the lock alone is given back."""
        free = self._lock.acquire(timeout=CLOSING)
        self._closed = True
        if self._file is not None:
            if free:
                self._file.close()
            else:
                self._file.release()
        if free:
            self._lock.release()

    def _forget(self) -> None:
        """Take the oldest message away."""
        message = self._waiting.popleft()
        self._size -= len(message.payload)
        self._removed = message.number
        self.unwritten = min(self.unwritten, len(self._waiting))

    def _write_unless_it_failed(self) -> None:
        """Else every delivery would try a broken disk; who calls `write` says how often that is done."""
        if self.error is None:
            self._write()

    def _write(self) -> bool:
        """Make the file the same as what is in memory; False, and `error`, if that fails."""
        if self._closed:
            return False
        if self._file is not None:
            try:
                if self._file.renew():
                    self.unwritten, self._unnoted = len(self._waiting), set(self._notes)
                    self.renewed = self.renewed or not self._discarded
                newest = itertools.islice(reversed(self._waiting), self.unwritten)
                rows = [(message.number, message.route, message.payload) for message in newest]
                self._file.write(self._removed, rows, {name: self._notes.get(name) for name in self._unnoted})
            except (sqlite3.Error, OSError) as error:  # an OutputError is an OSError
                self.error = str(error)
                self._discard(error)
                return False
        self.error, self.unwritten, self._discarded = None, 0, False
        self._unnoted.clear()
        return True

    def _discard(self, error: Exception) -> None:
        """Remove a file on a full disk that has nothing but what was delivered, which would come again otherwise.

        To remove rows takes room, to remove a file takes none; and a new file needs less of it.
        """
        full = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
        if self._file is not None and full and self.unwritten == len(self._waiting) and not self._notes:
            with contextlib.suppress(OSError):
                self._file.remove()
                self._discarded = True
