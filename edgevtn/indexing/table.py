"""All vectors of an index in one array, mapped from the disk, and the moments that are most like a vector."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from edgevtn.arrays import Array, Float, Int64
from edgevtn.errors import IndexFileError, OutputError
from edgevtn.files import replacing
from edgevtn.indexing.moment import LENGTH
from edgevtn.indexing.store import Index

#: A moment: the number of its recording among the names in order, seconds, and its vector, less the archive's mean, of
#: length 1. float32, as products of float16 are many times slower. Row 0 is the mean, of no recording.
ROW = np.dtype([("file", "<i4"), ("time", "<f4"), ("vector", "<f4", (LENGTH,))])
NO_FILE = -1


@dataclass(frozen=True)
class Hit:
    """A moment: its recording's number, seconds, and the cosine of the angle to what was asked for, -1 to 1."""

    file: int
    time: float
    score: float


class Table:
    """The vectors of an index, from which the archive's mean is taken.

    What all recordings share, as one place has one light, would make everything alike; without it a cosine tells what
    is special about a moment.

    Attributes
    ----------
    files : list of str
        Names, by number.
    """

    def __init__(self, files: list[str], rows: Array) -> None:
        self.files = files
        self._rows = rows[1:]
        self._mean: Float = rows["vector"][0]

    def __len__(self) -> int:
        """Moments."""
        return len(self._rows)

    @classmethod
    def of(cls, index: Index) -> Table:
        """The table of an index: mapped from the file beside it, which is made anew where it is of another state."""
        files = index.with_vectors()
        file = index.folder / f"moments-{index.state}.npy"
        with suppress(OSError, ValueError, EOFError):  # none, or a damaged one
            mapped = np.load(file, mmap_mode="r", allow_pickle=False)
            if mapped.dtype == ROW and mapped.ndim == 1 and len(mapped):
                return cls(files, mapped)
        rows = _rows(index)
        with suppress(OutputError):  # a folder that is only to be read: it is made each time
            with replacing(file) as part, part.open("wb") as opened:
                np.save(opened, rows, allow_pickle=False)
            for old in index.folder.glob("moments-*.npy"):
                if old != file:
                    old.unlink(missing_ok=True)
        return cls(files, rows)

    def like(self, vector: Float, count: int, apart: float) -> list[Hit]:
        """The moments most like a vector, the best first, of one recording at least `apart` seconds from each other.

        Parameters
        ----------
        vector : float32 (LENGTH,)
            As `edgevtn.indexing.moment.describe` gives.
        count : int
            How many at most.
        apart : float
            Seconds, at least 0.
        """
        wanted = vector - self._mean
        wanted = wanted / max(np.float32(1e-12), np.linalg.norm(wanted))
        scores = self._rows["vector"] @ wanted
        files, times = np.ascontiguousarray(self._rows["file"]), self._rows["time"]
        hits: list[Hit] = []
        while len(hits) < min(count, len(scores)):
            best = int(scores.argmax())
            if scores[best] == -np.inf:
                break
            hits.append(Hit(int(files[best]), float(times[best]), float(min(1.0, scores[best]))))
            # Rows of a recording lie together, by time.
            first, last = np.searchsorted(files, [files[best], files[best] + 1])
            near = np.abs(times[first:last] - times[best]) < apart
            near[best - first] = True
            scores[first:last][near] = -np.inf
        return hits


def _rows(index: Index) -> Array:
    """The table of an index as it is now."""
    numbers, times, vectors = list[Int64](), list[Float](), list[Float]()
    for number, (file, when, what) in enumerate(index.vectors()):
        if 2 * LENGTH * len(when) != 4 * len(what):
            raise IndexFileError(f"{index.folder}: the vectors of {file} are damaged; index into another folder")
        times.append(np.frombuffer(when, "<f4"))
        vectors.append(np.frombuffer(what, "<f2").reshape(-1, LENGTH).astype(np.float32))
        numbers.append(np.full(len(times[-1]), number))
    rows = np.zeros(1 + sum(map(len, times)), ROW)
    rows["file"][0] = NO_FILE
    if not times:
        return rows
    rows["file"][1:], rows["time"][1:] = np.concatenate(numbers), np.concatenate(times)
    everything = np.concatenate(vectors)
    # Nothing would be left of a single vector.
    mean = everything.mean(axis=0) if len(everything) > 1 else np.zeros(LENGTH, np.float32)
    everything -= mean
    everything /= np.maximum(np.linalg.norm(everything, axis=1, keepdims=True), 1e-12)
    rows["vector"][0], rows["vector"][1:] = mean, everything
    return rows
