"""A search over a hundred hours against the plain way to write it; what they find is the same."""

import sqlite3

import numpy as np
import pytest

from edgevtn.indexing.moment import LENGTH, STRIDE
from edgevtn.indexing.store import DATABASE, DONE, Index
from edgevtn.indexing.table import Table

HOURS, FILES, APART, COUNT = 100, 200, 5.0, 10
EACH = round(HOURS * 3600 / STRIDE / FILES)
TIMES = np.arange(EACH, dtype=np.float32) * np.float32(STRIDE)


@pytest.fixture(scope="module")
def vectors():
    """As many as a hundred hours have, in two hundred recordings, float16 (FILES, EACH, LENGTH)."""
    rng = np.random.default_rng(0)
    common = rng.standard_normal(LENGTH, np.float32)
    return (common + rng.standard_normal((FILES, EACH, LENGTH), np.float32)).astype(np.float16)


@pytest.fixture(scope="module")
def table(vectors, tmp_path_factory):
    """The table of an index on the disk, mapped."""
    folder = tmp_path_factory.mktemp("archive")
    with Index(folder, write=True):
        pass
    with sqlite3.connect(folder / DATABASE) as connection:
        rows = (
            (f"/{n:03}.mp4", 1, 1, DONE, "", EACH * STRIDE, TIMES.tobytes(), vectors[n].tobytes()) for n in range(FILES)
        )
        connection.executemany("INSERT INTO recordings VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    with Index(folder) as index:
        Table.of(index)  # writes the file
        return Table.of(index)


def plainly(values, mean, vector):
    """Every cosine, sorted, and each moment moments that is not near one that was."""
    wanted = vector - mean
    cosines = values @ (wanted / np.linalg.norm(wanted))
    moments = []
    for n in np.argsort(-cosines):
        file, time = int(n) // EACH, float(TIMES[n % EACH])
        if all(file != other or abs(time - when) >= APART for other, when in moments):
            moments.append((file, time))
        if len(moments) == COUNT:
            return moments
    raise AssertionError("a hundred hours have more moments than that")


@pytest.mark.parametrize("way", ["edgevtn", "numpy"])
def test_find_in_a_hundred_hours(benchmark, way, table, vectors):
    benchmark.group = "find --like in 100 hours"
    values = vectors.reshape(-1, LENGTH).astype(np.float32)
    mean = values.mean(axis=0)
    values -= mean
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    wanted = vectors[77, 500].astype(np.float32) + np.random.default_rng(1).normal(0, 0.5, LENGTH).astype(np.float32)
    hits = table.like(wanted, COUNT, APART)
    assert len(table) == FILES * EACH == HOURS * 3600 / STRIDE
    assert (table.files[hits[0].file], hits[0].time) == ("/077.mp4", 500 * STRIDE)
    assert [(hit.file, hit.time) for hit in hits] == plainly(values, mean, wanted)
    if way == "edgevtn":
        benchmark(table.like, wanted, COUNT, APART)
    else:
        benchmark(plainly, values, mean, wanted)
