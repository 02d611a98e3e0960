"""Events by a condition in SQL, which can read the events' columns and do nothing else."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from edgevtn.errors import IndexFileError
from edgevtn.indexing.store import DATABASE, connect_to_read

COLUMNS = ("file", "label", "start", "end", "score")
#: Functions that a condition may call; others read files, or make values without bound.
FUNCTIONS = {"abs", "coalesce", "glob", "ifnull", "instr", "length", "like", "lower", "max", "min", "round", "substr",
             "trim", "upper"}  # fmt: skip
#: Characters of a condition: no one types more, and patterns and nesting take time by their length.
LONGEST = 2000
#: Steps of SQLite's machine after which a condition is given up: a hundred for each of ten million events.
STEPS = 1_000_000_000

#: What SQLite says that is no fault of a condition.
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
           sqlite3.SQLITE_BUSY)  # fmt: skip


def events_where(
    folder: Path, condition: str, label: str | None, count: int
) -> list[tuple[str, str, float, float, float]]:
    """Events for which a condition holds, those with the highest score first.

    Parameters
    ----------
    folder : Path
        The index's.
    condition : str
        As behind SQL's WHERE; "" for every event.
    label : str, optional
        Only these.
    count : int
        How many at most.

    Returns
    -------
    list of tuple
        (file, label, start, end, score).

    Raises
    ------
    ValueError
        The condition is none, or wants more than the events' columns.
    IndexFileError
        The index cannot be read.
    """
    if len(condition) > LONGEST or "\0" in condition:
        raise ValueError(f"--where: expected a condition of at most {LONGEST} characters, got {len(condition)}")
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    # The line end closes a comment, so that nobody comments our own part away.
    query = f"SELECT {names} FROM events WHERE (? IS NULL OR label = ?) AND (\n{condition or '1'}\n)"
    query += " ORDER BY score DESC, file, start LIMIT ?"
    try:
        connection = connect_to_read(folder / DATABASE)
    except sqlite3.Error as error:
        raise IndexFileError(f"{folder}: cannot be read ({error})") from error
    try:
        connection.execute("SELECT 1 FROM events LIMIT 1").fetchone()  # a damaged file is not the condition's fault
        connection.set_authorizer(_Only())
        connection.set_progress_handler(lambda: 1, STEPS)
        return connection.execute(query, (label, label, count)).fetchall()
    except sqlite3.DatabaseError as error:
        if _code(error) in DAMAGED:
            raise IndexFileError(f"{folder / DATABASE}: cannot be read as an index ({error}); index again") from error
        known = ", ".join(COLUMNS)
        raise ValueError(
            f'--where {condition!r}: {_reason(error)}; expected a condition on {known}, as in "score > 0.8"'
        ) from error
    finally:
        connection.close()


class _Only:
    """What SQLite asks for everything that a statement would do: one SELECT, of the events' columns."""

    def __init__(self) -> None:
        self._selects = 0

    def __call__(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_SELECT:
            self._selects += 1
            allowed = self._selects == 1  # a second one could join all events with all others, and take for ever
        elif action == sqlite3.SQLITE_READ:
            allowed = first == "events" and second in COLUMNS
        else:
            allowed = action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in FUNCTIONS
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _code(error: sqlite3.DatabaseError) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # Python's own errors have none


def _reason(error: sqlite3.DatabaseError) -> str:
    if isinstance(error, sqlite3.ProgrammingError):
        return "it has a place for a value, as ? or :name"
    if _code(error) == sqlite3.SQLITE_AUTH or "not authorized" in str(error):
        return "it asks for more than it may"
    if _code(error) == sqlite3.SQLITE_INTERRUPT:
        return "it takes too long"
    return re.sub(r"\s+", " ", str(error))
