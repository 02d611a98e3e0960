"""The file of a spool: SQLite, with a lock beside it, so that no two processes deliver the same."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgevtn.errors import OutputError
from edgevtn.reading import kind_of

TABLES = """
CREATE TABLE IF NOT EXISTS messages (number INTEGER PRIMARY KEY AUTOINCREMENT, route TEXT, payload BLOB);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT);
"""
#: Number, route and payload of a message.
Row = tuple[int, str, bytes]


class SpoolFile:
    """Rows of messages and notes in a file; it and its folder are made.

    It has no lock of threads: whoever uses it calls one method at a time, but for `release`.

    Parameters
    ----------
    file : path

    Attributes
    ----------
    damaged : path or None
        Where a file that could not be read was moved to.

    Raises
    ------
    OutputError
        The file cannot be written, or another process uses it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.damaged: Path | None = None
        self._guard = -1
        self._identity: tuple[int, int] | None = None
        self._connection = self._open()

    def read(self) -> tuple[list[Row], dict[str, str], int]:
        """The messages that wait, the notes, and the highest number that a message ever had.

        Raises
        ------
        sqlite3.Error
        """
        rows = self._connection.execute("SELECT number, route, payload FROM messages ORDER BY number").fetchall()
        notes = self._connection.execute("SELECT name, value FROM notes ORDER BY rowid").fetchall()
        query = "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'messages'"
        return rows, dict(notes), int(self._connection.execute(query).fetchone()[0])

    def write(self, removed: int, rows: Sequence[Row], notes: Mapping[str, str | None]) -> None:
        """Forget all messages up to a number, add others, and change notes, all or nothing of it.

        When it returns this is on the disk.

        Raises
        ------
        sqlite3.Error
            The disk is full, or gone.
        """
        try:
            self._change(removed, rows, notes)
        except sqlite3.Error:
            # On a full disk the log of changes cannot grow. When they are in the file itself, it is written again from
            # its beginning, and takes what is new.
            self._connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
            self._change(removed, rows, notes)

    def renew(self) -> bool:
        """Begin the file anew if it was removed: what is written to a removed file nobody finds.

        Returns
        -------
        bool
            Whether it was, so that the file is another one now.

        Raises
        ------
        OSError, sqlite3.Error
            It cannot be begun.
        """
        if self._identity is not None and self._identity == _identity(self._file):
            return False
        self.close()
        self._connection = self._open()
        return True

    def remove(self) -> None:
        """Remove the file, as nothing in it is wanted; `renew` begins it anew.

        Raises
        ------
        OSError
        """
        self.close()
        for beside in ("", "-wal", "-shm"):
            self._file.with_name(f"{self._file.name}{beside}").unlink(missing_ok=True)

    def close(self) -> None:
        """Close it, and give back its lock; may be called twice."""
        self._identity = None
        self._connection.close()
        self.release()

    def release(self) -> None:
        """Give back the lock alone; another thread may be writing."""
        guard, self._guard = self._guard, -1
        if guard >= 0:
            os.close(guard)

    def _change(self, removed: int, rows: Sequence[Row], notes: Mapping[str, str | None]) -> None:
        with self._connection:
            self._connection.execute("DELETE FROM messages WHERE number <= ?", (removed,))
            # "OR REPLACE", as a disk may have taken what it then said it had not.
            self._connection.executemany("INSERT OR REPLACE INTO messages VALUES (?, ?, ?)", rows)
            for name, value in notes.items():
                if value is None:
                    self._connection.execute("DELETE FROM notes WHERE name = ?", (name,))
                else:
                    self._connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))

    def _open(self) -> sqlite3.Connection:
        with contextlib.ExitStack() as undo:
            undo.callback(self.release)
            self._lock()
            connection = self._connected()
            self._identity = _identity(self._file)
            undo.pop_all()
        return connection

    def _lock(self) -> None:
        file = self._file
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

    def _connected(self) -> sqlite3.Connection:
        file = self._file
        try:
            return _connect(str(file))
        except sqlite3.OperationalError as error:
            raise OutputError(f"{file}: cannot be written ({error}); choose another folder") from error
        except sqlite3.DatabaseError:  # damaged: what can be read of it is not to be trusted, but to be kept
            self.damaged = file.with_name(f"{file.name}.damaged-{time.time_ns()}")
            file.replace(self.damaged)
            for beside in ("-wal", "-shm"):
                file.with_name(f"{file.name}{beside}").unlink(missing_ok=True)
            return _connect(str(file))


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file has this name; None if there is none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _connect(file: str) -> sqlite3.Connection:
    connection = sqlite3.connect(file, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a commit waits for the disk
        connection.executescript(TABLES)
        for _ in connection.execute("SELECT * FROM messages"):  # shows whether it is damaged
            pass
    except BaseException:
        connection.close()
        raise
    return connection
