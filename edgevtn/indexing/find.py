"""Moments of an archive: like a clip, or with a label, or by a condition."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgevtn.arguments import number, whole
from edgevtn.indexing.moment import STRIDE
from edgevtn.indexing.recording import Reader
from edgevtn.indexing.store import GONE, Index
from edgevtn.indexing.table import Table
from edgevtn.indexing.where import events_where

#: Hits that are shown where nobody says how many, and the most that may be asked for.
COUNT, MOST = 10, 100_000
#: Seconds between two hits in a recording: what lies nearer is the same moment, seen again.
APART = 5.0


@dataclass(frozen=True)
class Found:
    """A moment of a recording.

    Attributes
    ----------
    file : str
    start, end : float
        Seconds of the recording.
    score : float
        An event's is the mean probability of its label, 0 to 1; that of a moment like a clip the cosine, -1 to 1.
    label : str
        An event's; "" where the moment is like a clip.
    gone : bool
        Whether the recording was no longer there when it was looked for last.
    """

    file: str
    start: float
    end: float
    score: float
    label: str = ""
    gone: bool = False


def find_like(
    folder: str | Path,
    clip: str | Path,
    start: float = 0.0,
    end: float | None = None,
    *,
    count: int = COUNT,
    apart: float = APART,
    model: str | Path | None = None,
) -> list[Found]:
    """Moments of an archive that look and move as a clip does, the most alike first.

    Parameters
    ----------
    folder : path
        The index's.
    clip : path
        A video file.
    start, end : float
        Seconds of it; to its end if None.
    count : int
        How many at most.
    apart : float
        Seconds between two in one recording, at least.
    model : path, optional
        The bundle that made the index, where its folder has moved.

    Raises
    ------
    IndexFileError
        There is no index, it is damaged, or another model made it.
    SourceError
        The clip cannot be read, or has no frame between the two times.
    ValueError
        A number is out of its range.
    """
    start = number(start, "--from", low=0, unit="seconds")
    if end is not None:
        end = number(end, "--to", low=start, above=True, unit="seconds, later than --from")
    apart, count = number(apart, "--apart", low=0, unit="seconds"), whole(count, "--count", low=1, high=MOST)
    with Index(folder) as index:
        made_by = index.model if model is None else model
        index.check(made_by)
        with index.snapshot():
            table, gone = Table.of(index), _gone(index)
    reader = Reader(made_by)
    hits = table.like(reader.vector(clip, start, end), count, apart)
    half = max(STRIDE, reader.window_duration) / 2
    return [
        Found(file, max(0.0, hit.time - half), hit.time + half, hit.score, gone=file in gone)
        for hit in hits
        for file in (table.files[hit.file],)
    ]


def find_events(
    folder: str | Path, label: str | None = None, where: str | None = None, *, count: int = COUNT
) -> list[Found]:
    """Events of an archive, those with the highest score first.

    Parameters
    ----------
    folder : path
        The index's.
    label : str, optional
        Only these.
    where : str, optional
        A condition in SQL on file, label, start, end and score.
    count : int
        How many at most.

    Raises
    ------
    IndexFileError
        There is no index, or it is damaged.
    ValueError
        The model that made the index has no such label, or the condition is none.
    """
    count = whole(count, "--count", low=1, high=MOST)
    with Index(folder) as index:
        known, gone = index.note("labels") or [], _gone(index)
    if label is not None and label not in known:
        raise ValueError(f"--label {label}: the index knows {', '.join(known) or 'no label'}")
    if where is not None and not where.strip():
        raise ValueError('--where: expected a condition, as in "score > 0.8", got nothing')
    rows = events_where(Path(folder), where or "", label, count)
    return [Found(file, start, end, score, label, file in gone) for file, label, start, end, score in rows]


def _gone(index: Index) -> set[str]:
    return {file for file, entry in index.entries().items() if entry.state == GONE}
