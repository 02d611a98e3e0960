"""What was indexed is found again: by likeness, by label, by condition."""

import json
import sqlite3

import cv2
import numpy as np
import pytest
from children import edgevtn as command
from tiny import moving_frames

from edgevtn.errors import IndexFileError, SourceError
from edgevtn.indexing import find_events, find_like
from edgevtn.indexing.moment import LENGTH, describe, projection
from edgevtn.indexing.recording import Reader
from edgevtn.indexing.store import Index, Stamp
from edgevtn.indexing.table import ROW, Table

RATE = 10


def scene(seed, seconds):
    """Seconds of a picture of its own, in which something moves."""
    (picture,) = moving_frames(1, seed=seed)
    picture = cv2.GaussianBlur(picture, (0, 0), 6)
    picture = cv2.normalize(picture, None, 0, 255, cv2.NORM_MINMAX)
    for n in range(round(seconds * RATE)):
        yield np.roll(picture, (3 * n) % 64, axis=1)


def write(file, frames):
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (64, 48))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return file


@pytest.fixture
def archive(tmp_path, tiny):
    """Three recordings of 20 s; scene 100 is seen in the second one from 8 to 12 s, and in no other."""
    with Index(tmp_path / "index", write=True) as index:
        index.claim(tiny)
        reader = Reader(tiny)
        for n in range(3):
            parts = [(n, 8), (100 if n == 1 else n, 4), (n + 10, 8)]
            file = write(tmp_path / f"{n}.avi", [frame for seed, seconds in parts for frame in scene(seed, seconds)])
            index.put(str(file), Stamp.of(file), reader(file))
    return tmp_path / "index"


def test_the_planted_moment_is_the_first(archive, tmp_path):
    clip = write(tmp_path / "clip.avi", [*scene(55, 2), *scene(100, 2)])
    found = find_like(archive, clip, 2.0, apart=5.0, count=5)
    assert found[0].file == str(tmp_path / "1.avi")
    assert 8 <= (found[0].start + found[0].end) / 2 <= 12
    assert found[0].score > 0.7
    assert found[0].score > found[1].score + 0.1
    assert [moment.score for moment in found] == sorted((moment.score for moment in found), reverse=True)


def test_ten_hits_are_ten_moments(archive, tmp_path):
    found = find_like(archive, tmp_path / "1.avi", 8.5, 11.5, apart=3.0, count=10)
    assert len(found) == 10
    for n, moment in enumerate(found):
        for other in found[n + 1 :]:
            assert moment.file != other.file or abs(moment.start - other.start) >= 3.0


def test_likeness_is_that_of_every_pair(archive, tmp_path):
    """The hits are those of a plain search over the vectors in the database."""
    vector = Reader(tmp_path / "tiny").vector(tmp_path / "0.avi", 1.0, 3.0)
    with Index(archive) as index:
        rows = [
            (file, when, value)
            for file, times, vectors in index.vectors()
            for when, value in zip(
                np.frombuffer(times, np.float32), np.frombuffer(vectors, np.float16).reshape(-1, LENGTH), strict=True
            )
        ]
        table = Table.of(index)
    assert len(table) == len(rows) >= 45
    values = np.array([value for *_, value in rows], np.float64)
    centred = values - values.mean(axis=0)
    wanted = vector - values.mean(axis=0)
    cosines = centred @ wanted / np.linalg.norm(centred, axis=1) / np.linalg.norm(wanted)
    order = np.argsort(-cosines)[:20]
    hits = table.like(vector, 20, 0.0)
    assert [(table.files[hit.file], hit.time) for hit in hits] == [(rows[n][0], rows[n][1]) for n in order]
    np.testing.assert_allclose([hit.score for hit in hits], cosines[order], atol=1e-4)


def test_the_table_follows_the_index(archive, tmp_path, tiny):
    with Index(archive) as index:
        Table.of(index)
    (old,) = archive.glob("moments-*.npy")
    extra = write(tmp_path / "extra.avi", scene(200, 3))
    with Index(archive, write=True) as index:
        index.put(str(extra), Stamp.of(extra), Reader(tiny)(extra))
    assert find_like(archive, extra, count=1)[0].file == str(extra)
    (new,) = archive.glob("moments-*.npy")
    assert new != old
    new.write_bytes(new.read_bytes()[:200])  # damaged: made anew
    assert find_like(archive, extra, count=1)[0].file == str(extra)
    assert np.load(new, allow_pickle=False).dtype == ROW


def test_events_by_label_and_condition(archive):
    with sqlite3.connect(archive / "index.sqlite") as connection:
        rows = connection.execute('SELECT file, label, start, "end", score FROM events').fetchall()
    connection.close()
    assert rows
    label, score = rows[0][1], sorted(row[4] for row in rows)[len(rows) // 2]
    found = find_events(archive, label, count=1000)
    assert sorted((event.file, event.label, event.start, event.end, event.score) for event in found) == sorted(
        row for row in rows if row[1] == label
    )
    found = find_events(archive, where=f"score >= {score} and end - start > 0.2 -- and so on", count=1000)
    assert sorted(event.start for event in found) == sorted(
        row[2] for row in rows if row[4] >= score and row[3] - row[2] > 0.2
    )
    with pytest.raises(ValueError, match="the index knows a, b, c"):
        find_events(archive, "dance")


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("score >", "syntax error"),
        ("colour = 'red'", "no such column"),
        ("score > (SELECT max(score) FROM events)", "more than it may"),
        ("1) UNION SELECT name, value, 1, 1, 1 FROM notes WHERE (1", "more than it may"),
        ("file IN (SELECT name FROM notes)", "more than it may"),
        ("randomblob(1000000000) > 1", "more than it may"),
        ("load_extension('x')", "more than it may"),
        ("1; DELETE FROM events", "syntax error"),
        ("rowid > 0", "more than it may"),
        ("score > 'a' || ?", "a place for a value"),
        ("\0", "expected a condition"),
        (" ", "expected a condition"),
    ],
)
def test_a_wrong_condition_is_one_line(condition, reason, archive, tmp_path):
    before = (archive / "index.sqlite").read_bytes()
    with pytest.raises(ValueError, match=reason) as raised:
        find_events(archive, where=condition)
    assert "\n" not in str(raised.value)
    assert (archive / "index.sqlite").read_bytes() == before


def test_the_command(archive, tmp_path):
    done = command("find", archive, "--like", tmp_path / "1.avi", "--from", "9", "--to", "11", "--json", "-n", "2")
    assert (done.returncode, done.stderr) == (0, "")
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["file"], first["gone"], first["label"]) == (str(tmp_path / "1.avi"), False, "")
    assert first["score"] > second["score"]
    refused = command("find", archive, "--where", "score >")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)


def test_what_is_wrong_is_said(archive, tmp_path, make_bundle):
    with pytest.raises(IndexFileError, match="is no index"):
        find_like(tmp_path / "none", tmp_path / "0.avi")
    with pytest.raises(SourceError, match="has no frame between 90 s and its end"):
        find_like(archive, tmp_path / "0.avi", 90.0)
    with pytest.raises(ValueError, match="later than --from"):
        find_like(archive, tmp_path / "0.avi", 3.0, 2.0)
    with pytest.raises(IndexFileError, match="other checksums"):
        find_like(archive, tmp_path / "0.avi", model=make_bundle("other", labels=["x", "y"]))


def test_a_projection_keeps_angles():
    """Cosines of projected vectors are those of the vectors, as the lemma of Johnson and Lindenstrauss says."""
    rng = np.random.default_rng(0)
    matrix = projection(640)
    assert matrix.shape == (1280, LENGTH)
    assert np.unique(np.abs(matrix)).tolist() == [np.float32(LENGTH**-0.5)]
    a = rng.standard_normal((200, 1280))
    b = a + 0.8 * rng.standard_normal((200, 1280))
    true = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    p, q = a @ matrix, b @ matrix
    kept = (p * q).sum(1) / np.linalg.norm(p, axis=1) / np.linalg.norm(q, axis=1)
    assert np.abs(kept - true).mean() < 0.06
    rows = rng.standard_normal((4, 640)).astype(np.float32)
    expected = np.concatenate([rows.mean(0), 4 * np.abs(rows[1:] - rows[:-1]).mean(0)]) @ matrix
    np.testing.assert_allclose(describe(rows, matrix), expected / np.linalg.norm(expected), atol=1e-5)
