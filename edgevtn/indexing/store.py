"""The index on the disk: SQLite, in which a recording is there whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgevtn.bundle import load_streams
from edgevtn.bundle.load import DEFAULT, bundle_folder
from edgevtn.errors import IndexFileError
from edgevtn.indexing.moment import LENGTH, STRIDE
from edgevtn.indexing.recording import Recording

DATABASE, LOCK = "index.sqlite", "index.lock"
#: What a recording's row may say of it.
DONE, UNREADABLE, GONE = "done", "unreadable", "gone"
#: Seconds that a reader waits for a writer, and the other way round: making the table of all vectors takes a few.
WAIT = 60.0
#: The version of the tables, and of what a vector is.
FORMAT = 1
TABLES = """
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE recordings (
    file TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime INTEGER NOT NULL, state TEXT NOT NULL, remark TEXT NOT NULL,
    duration REAL NOT NULL, times BLOB NOT NULL, vectors BLOB NOT NULL
);
CREATE TABLE events (file TEXT NOT NULL, label TEXT NOT NULL, start REAL NOT NULL, "end" REAL NOT NULL,
    score REAL NOT NULL);
CREATE INDEX events_of_a_file ON events (file);
CREATE INDEX events_of_a_label ON events (label);
"""


@dataclass(frozen=True)
class Stamp:
    """By what a changed file is told: its size, bytes, and the time of its last change, nanoseconds."""

    size: int
    mtime: int

    @classmethod
    def of(cls, file: Path) -> Stamp:
        """The stamp of a file; OSError where it is not there."""
        found = file.stat()
        return cls(found.st_size, found.st_mtime_ns)


@dataclass(frozen=True)
class Entry:
    """What the index says of a recording, but for what was found in it."""

    stamp: Stamp
    state: str
    remark: str
    duration: float


def _made(model: str | Path | None) -> dict[str, Any]:
    """What must agree for vectors to be compared: the model's name, the checksums of its files, the way of a vector."""
    streams = [bundle.model for bundle in load_streams(model)]
    sums = [dict(sorted(stream.sha256.items())) for stream in streams]
    return {"name": streams[0].name, "sha256": sums, "stride": STRIDE, "length": LENGTH}


class Index:
    """An index in a folder; use it in a ``with`` statement.

    Parameters
    ----------
    folder : path
    write : bool
        Make it where there is none, and keep others from writing; else it is only read.

    Raises
    ------
    IndexFileError
        There is none, it is damaged or of another version, or another process writes it.
    """

    def __init__(self, folder: str | Path, write: bool = False) -> None:
        self.folder = Path(folder)
        self._file = self.folder / DATABASE
        self._guard = -1
        self._connection: sqlite3.Connection | None = None
        try:
            if write:
                self._lock()
            elif not self._file.is_file():
                raise IndexFileError(f"{folder}: is no index; make one with: edgevtn index VIDEOS -o {folder}")
            with self.errors():
                self._connection = self._open(write)
                version = self.note("format")
            if version != FORMAT:
                raise IndexFileError(f"{folder}: is of format {version}, expected {FORMAT}; index into another folder")
        except BaseException:
            self.close()
            raise

    def _lock(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._guard = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise IndexFileError(f"{self.folder}: another process writes this index; wait until it is done") from error
        except OSError as error:
            reason = f"{self.folder}: cannot be written ({error.strerror or error}); choose another folder"
            raise IndexFileError(reason) from error

    def _open(self, write: bool) -> sqlite3.Connection:
        if not write:
            return connect_to_read(self._file)
        connection = sqlite3.connect(self._file, timeout=WAIT, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                note = f"INSERT INTO notes VALUES ('format', '{FORMAT}');"
                connection.executescript(f"BEGIN IMMEDIATE; {TABLES} {note} COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """What SQLite says, as an error of ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise IndexFileError(
                f"{self._file}: cannot be used as an index ({error}); delete it, or index into another folder"
            ) from error

    def _run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        assert self._connection is not None
        with self.errors():
            return self._connection.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._run("BEGIN IMMEDIATE")
        try:
            yield
            # What is derived from this state is known by its name; see `edgevtn.indexing.table`.
            self._run("INSERT OR REPLACE INTO notes VALUES ('state', ?)", json.dumps(secrets.token_hex(8)))
            self._run("COMMIT")
        except BaseException:
            with contextlib.suppress(IndexFileError):
                self._run("ROLLBACK")
            raise

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read inside is of one moment; a writer waits."""
        self._run("BEGIN")
        try:
            yield
        finally:
            self._run("ROLLBACK")

    def note(self, name: str) -> Any:
        """A fact of the index; None where it has none of that name."""
        found = self._run("SELECT value FROM notes WHERE name = ?", name)
        try:
            return json.loads(found[0][0]) if found else None
        except ValueError as error:
            raise IndexFileError(
                f"{self._file}: its note {name!r} cannot be read; index into another folder"
            ) from error

    def claim(self, model: str | Path | None) -> None:
        """Remember which model makes the index; IndexFileError if it is another one than before."""
        if self.note("made") is not None:
            self.check(model)
            return
        place = None if model in (None, DEFAULT) else str(bundle_folder(model).absolute())
        notes = {"made": _made(model), "place": place, "labels": load_streams(model)[0].model.labels}
        with self._transaction():
            for name, value in notes.items():
                self._run("INSERT INTO notes VALUES (?, ?)", name, json.dumps(value))

    def check(self, model: str | Path | None) -> None:
        """Raise IndexFileError if another model made the index, or nothing did."""
        wanted, known = _made(model), self.note("made")
        if known is None:
            raise IndexFileError(f"{self.folder}: nothing was indexed yet; use edgevtn index")
        if known != wanted:
            raise IndexFileError(
                f"{self.folder}: was made by the model {known['name']}, got {wanted['name']} with other "
                "checksums; their vectors cannot be compared, so give that model or index into another folder"
            )

    @property
    def model(self) -> str | None:
        """The folder of the model that made it, as it was given; None for the one that comes with edgevtn."""
        place: str | None = self.note("place")
        return place

    @property
    def state(self) -> str:
        """What its contents are called; another after each change."""
        return str(self.note("state"))

    def entries(self) -> dict[str, Entry]:
        """Every recording that was seen, by its name."""
        rows = self._run("SELECT file, size, mtime, state, remark, duration FROM recordings ORDER BY file")
        return {file: Entry(Stamp(size, mtime), *rest) for file, size, mtime, *rest in rows}

    def put(self, file: str, stamp: Stamp, found: Recording) -> None:
        """Replace what is known of a recording, in one transaction."""
        with self._transaction():
            self._forget(file)
            row = stamp.size, stamp.mtime, DONE, found.notes, found.duration, found.times.tobytes()
            self._run("INSERT INTO recordings VALUES (?, ?, ?, ?, ?, ?, ?, ?)", file, *row, found.vectors.tobytes())
            for event in found.events:
                values = event.label, event.start, event.end, event.score
                self._run("INSERT INTO events VALUES (?, ?, ?, ?, ?)", file, *values)

    def put_unreadable(self, file: str, stamp: Stamp, reason: str) -> None:
        """Note why a recording could not be read; what was known of it before it changed is forgotten."""
        with self._transaction():
            self._forget(file)
            row = stamp.size, stamp.mtime, UNREADABLE, reason
            self._run("INSERT INTO recordings VALUES (?, ?, ?, ?, ?, 0, x'', x'')", file, *row)

    def put_state(self, file: str, state: str) -> None:
        """Note that a recording is gone, or is there again; what was found in it is kept."""
        with self._transaction():
            self._run("UPDATE recordings SET state = ? WHERE file = ?", state, file)

    def forget(self, file: str) -> None:
        """Know nothing of a recording any more."""
        with self._transaction():
            self._forget(file)

    def _forget(self, file: str) -> None:
        self._run("DELETE FROM events WHERE file = ?", file)
        self._run("DELETE FROM recordings WHERE file = ?", file)

    def with_vectors(self) -> list[str]:
        """Names of the recordings that have any, in order."""
        return [file for (file,) in self._run("SELECT file FROM recordings WHERE length(times) > 0 ORDER BY file")]

    def vectors(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Name, times (float32) and vectors (float16) of every recording that has any, by name."""
        assert self._connection is not None
        with self.errors():
            query = "SELECT file, times, vectors FROM recordings WHERE length(times) > 0 ORDER BY file"
            yield from self._connection.execute(query)

    def close(self) -> None:
        """Give the files back; may be called twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._guard >= 0:
            os.close(self._guard)
            self._guard = -1

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect_to_read(file: Path) -> sqlite3.Connection:
    """A connection that cannot write; it waits for a writer's transaction.

    Where the folder allows it, it takes back what a killed writer left half done; a file that is opened for reading
    alone would be refused then.
    """
    mode = "rw" if os.access(file, os.W_OK) and os.access(file.parent, os.W_OK) else "ro"
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=WAIT, isolation_level=None
    )
    connection.execute("PRAGMA query_only = ON")
    return connection
