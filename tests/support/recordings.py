"""Small recordings, an engine without processes, and what an index says."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
from tiny import moving_frames

from edgevtn.indexing.recording import Reader
from edgevtn.indexing.workers import Finished, finished


def write_clip(file: Path, count: int = 30, seed: int = 0) -> Path:
    """A file of `count` frames at 10 Hz."""
    file.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for frame in moving_frames(count, seed=seed):
        writer.write(frame)
    writer.release()
    return file


def one_after_another(files: list[str], model: str | None, jobs: int) -> Iterator[Finished]:
    """An engine without processes, for tests that are not about them."""
    reader = Reader(model)
    for file in files:
        yield finished(reader, file)


def contents(folder: Path) -> dict[str, tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
    """All that was found, by file."""
    with closing(sqlite3.connect(f"file:{folder}/index.sqlite?mode=ro", uri=True)) as connection:
        recordings = connection.execute("SELECT file, state, duration, times, vectors FROM recordings").fetchall()
        events = connection.execute('SELECT file, label, start, "end", score FROM events').fetchall()
    return {row[0]: (row[1:], sorted(event for event in events if event[0] == row[0])) for row in recordings}
