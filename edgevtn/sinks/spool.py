"""What is to be delivered lies on the disk until it has been.

Messages survive a kill of the process and a loss of power. They leave in the order in which they came. What was
delivered is removed; a kill between the two leaves it there, so it is delivered again, the same in every byte.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgevtn.errors import OutputError
from edgevtn.reading import kind_of

#: Messages, and bytes of them, that wait at most: some weeks of a busy camera, and no burden for an SD card.
MOST_MESSAGES, MOST_BYTES = 10_000, 16_000_000

TABLES = """
CREATE TABLE IF NOT EXISTS messages (number INTEGER PRIMARY KEY AUTOINCREMENT, route TEXT, payload BLOB);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT);
"""


@dataclass(frozen=True)
class Message:
    """Something to be delivered.

    Attributes
    ----------
    number : int
        Its place in the spool, rising; 0 until it is there.
    route : str
        Where to, in the words of who delivers it.
    payload : bytes
    """

    number: int
    route: str
    payload: bytes


class Spool:
    """A queue of messages in a file; several threads may use it.

    Parameters
    ----------
    file : path, optional
        It and its folder are made. None: in memory.
    most_messages, most_bytes : int
        Beyond that the oldest are dropped.

    Attributes
    ----------
    dropped : int
        Messages that this object dropped.

    Raises
    ------
    OutputError
        The file cannot be written, or another process uses it.
    """

    def __init__(
        self, file: str | Path | None, *, most_messages: int = MOST_MESSAGES, most_bytes: int = MOST_BYTES
    ) -> None:
        self._most_messages, self._most_bytes = most_messages, most_bytes
        self.dropped = 0
        #: Where a spool that could not be read was moved to; None if there was none.
        self.damaged: Path | None = None
        self._lock = threading.Lock()
        self._guard = -1
        if file is None:
            self._connection = _connect(":memory:")
        else:
            self._connection = self._open(Path(file))
        count, size = self._connection.execute("SELECT COUNT(*), TOTAL(LENGTH(payload)) FROM messages").fetchone()
        self._count, self._size = int(count), int(size)

    def __len__(self) -> int:
        """Messages that wait."""
        return self._count

    def put(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Append (route, payload) pairs, all or none; when it returns they are on the disk.

        Raises
        ------
        sqlite3.Error
            The disk is full, or gone.
        """
        rows = list(messages)
        with self._lock, self._connection:
            self._connection.executemany("INSERT INTO messages (route, payload) VALUES (?, ?)", rows)
            count, size = self._count + len(rows), self._size + sum(len(payload) for _, payload in rows)
            dropped = 0
            while count > self._most_messages or (size > self._most_bytes and count > 1):
                query = "SELECT number, LENGTH(payload) FROM messages ORDER BY number LIMIT 1"
                number, length = self._connection.execute(query).fetchone()
                self._connection.execute("DELETE FROM messages WHERE number = ?", (number,))
                count, size, dropped = count - 1, size - length, dropped + 1
            self._connection.commit()
            self._count, self._size, self.dropped = count, size, self.dropped + dropped

    def first(self) -> Message | None:
        """The oldest message; it stays."""
        with self._lock:
            query = "SELECT number, route, payload FROM messages ORDER BY number LIMIT 1"
            row = self._connection.execute(query).fetchone()
        return None if row is None else Message(*row)

    def routes(self) -> set[str]:
        """Where the messages that wait go to."""
        with self._lock:
            return {route for (route,) in self._connection.execute("SELECT route FROM messages")}

    def remove(self, message: Message) -> None:
        """Forget a message that was delivered."""
        with self._lock, self._connection:
            found = self._connection.execute("DELETE FROM messages WHERE number = ?", (message.number,)).rowcount
            self._connection.commit()
            if found:  # it may have been dropped meanwhile
                self._count, self._size = self._count - 1, self._size - len(message.payload)

    def note(self, name: str, value: str | None) -> None:
        """Remember a text by a name; None forgets it."""
        with self._lock, self._connection:
            if value is None:
                self._connection.execute("DELETE FROM notes WHERE name = ?", (name,))
            else:
                self._connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))

    def notes(self) -> dict[str, str]:
        """What is remembered."""
        with self._lock:
            return dict(self._connection.execute("SELECT name, value FROM notes ORDER BY rowid").fetchall())

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self._lock:
            self._connection.close()
            if self._guard >= 0:
                os.close(self._guard)  # and gives back the lock
                self._guard = -1

    def _open(self, file: Path) -> sqlite3.Connection:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            if kind_of(file) not in ("file", ""):
                raise OutputError(f"{file}: cannot be written, as it is no regular file; choose another folder")
            self._guard = os.open(file.with_name(f"{file.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.touch(0o600)  # what happens at home is nobody else's business
        except BlockingIOError as error:
            raise OutputError(f"{file}: another process delivers from it; give this one another name") from error
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            reason = f"{file}: cannot be written ({error.strerror or error}); choose another folder"
            raise OutputError(reason) from error
        try:
            return _connect(str(file))
        except sqlite3.OperationalError as error:
            raise OutputError(f"{file}: cannot be written ({error}); choose another folder") from error
        except sqlite3.DatabaseError:  # damaged: what can be read of it is not to be trusted, but to be kept
            self.damaged = file.with_name(f"{file.name}.damaged-{time.time_ns()}")
            file.replace(self.damaged)
            for beside in ("-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    file.with_name(f"{file.name}{beside}").unlink()
            return _connect(str(file))


def _connect(file: str) -> sqlite3.Connection:
    connection = sqlite3.connect(file, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a commit waits for the disk
        connection.executescript(TABLES)
        connection.execute("SELECT * FROM messages ORDER BY number LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
