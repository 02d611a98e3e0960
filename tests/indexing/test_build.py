"""Recordings into an index: each once, whichever moment the run is killed at."""

import multiprocessing.connection
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from children import edgevtn as command
from recordings import contents, one_after_another, write_clip

import edgevtn
from edgevtn.errors import IndexFileError, SourceError
from edgevtn.indexing import index, workers
from edgevtn.indexing.build import State
from edgevtn.indexing.store import Index
from edgevtn.indexing.workers import Finished, recognise

#: Seconds; a busy core is waited for.
PATIENCE = 60


@pytest.fixture
def videos(tmp_path):
    for n, name in enumerate(("a.avi", "b.avi", "inner/c.avi", "inner/deep/d.avi")):
        write_clip(tmp_path / "videos" / name, seed=n)
    return tmp_path / "videos"


def test_events_are_those_of_recognize(demo_clip, tmp_path):
    folder = tmp_path / "index"
    assert index([demo_clip], folder, engine=one_after_another).indexed == [str(demo_clip)]
    expected = [(event.label, event.start, event.end, event.score) for event in edgevtn.recognize(demo_clip, threads=1)]
    assert len(expected) >= 4
    found = sorted(contents(folder)[str(demo_clip)][1], key=lambda event: event[2])
    assert [event[0] for event in found] == [str(demo_clip)] * len(expected)
    assert [event[1] for event in found] == [event[0] for event in expected]
    np.testing.assert_allclose([event[2:] for event in found], [event[1:] for event in expected], rtol=0, atol=1e-6)


def test_by_processes_is_the_same_as_by_one(videos, tiny, tmp_path):
    alone = index([videos], tmp_path / "alone", tiny, engine=one_after_another)
    together = index([videos], tmp_path / "together", tiny, jobs=2)
    assert sorted(alone.indexed) == sorted(together.indexed)
    assert len(together.indexed) == 4
    assert contents(tmp_path / "alone") == contents(tmp_path / "together")


def test_what_is_known_is_kept_and_what_changed_is_done_again(videos, tiny, tmp_path):
    folder = tmp_path / "index"
    index([videos], folder, tiny, engine=one_after_another)
    before = contents(folder)
    assert index([videos], folder, tiny, engine=one_after_another).kept == 4
    changed = write_clip(videos / "b.avi", count=45, seed=9)
    shutil.move(videos / "a.avi", tmp_path / "a.avi")
    again = index([videos], folder, tiny, engine=one_after_another)
    assert (again.indexed, again.kept, again.gone) == ([str(changed)], 2, [str(videos / "a.avi")])
    now = contents(folder)
    assert now[str(changed)][0][1] == pytest.approx(4.4)
    assert now[str(videos / "a.avi")][0] == ("gone", *before[str(videos / "a.avi")][0][1:])
    shutil.move(tmp_path / "a.avi", videos / "a.avi")
    back = index([videos], folder, tiny, engine=one_after_another)
    assert (back.indexed, back.kept, back.gone) == ([], 4, [])
    assert contents(folder)[str(videos / "a.avi")] == before[str(videos / "a.avi")]


def test_what_cannot_be_read_is_noted_and_the_run_goes_on(videos, tiny, tmp_path):
    (videos / "broken.mp4").write_bytes(b"no video at all" * 100)
    (videos / "empty.mp4").touch()
    done = command("index", videos, "-o", tmp_path / "index", "--model", tiny, "--jobs", "2")
    assert done.returncode == 1
    assert "4 indexed" in done.stdout
    assert "2 unreadable" in done.stdout
    reasons = [line for line in done.stderr.splitlines() if "not indexed" in line]
    assert sorted(line.split(": ")[1] for line in reasons) == [str(videos / "broken.mp4"), str(videos / "empty.mp4")]
    with Index(tmp_path / "index") as opened:
        entries = opened.entries()
    assert entries[str(videos / "empty.mp4")].remark == "is empty"
    assert entries[str(videos / "broken.mp4")].state == "unreadable"
    shutil.copy(videos / "a.avi", videos / "empty.mp4")
    (videos / "broken.mp4").unlink()
    mended = command("index", videos, "-o", tmp_path / "index", "--model", tiny, "--jobs", "1")
    assert mended.returncode == 0, mended.stderr
    assert "1 indexed" in mended.stdout


def test_another_model_is_refused(videos, make_bundle, tmp_path):
    first, other = make_bundle("first"), make_bundle("other", name="other", labels=["d", "e", "f", "g"])
    index([videos], tmp_path / "index", first, engine=one_after_another)
    with pytest.raises(IndexFileError, match="was made by the model tiny, got other"):
        index([videos], tmp_path / "index", other, engine=one_after_another)
    assert index([videos], tmp_path / "index", first, engine=one_after_another).kept == 4


def test_two_writers_do_not_meet(videos, tiny, tmp_path):
    with (
        Index(tmp_path / "index", write=True),
        pytest.raises(IndexFileError, match="another process writes this index"),
    ):
        index([videos], tmp_path / "index", tiny, engine=one_after_another)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"not a database" * 100, "file is not a database"), (b"", "cannot be used as an index")]
)
def test_a_damaged_database_is_one_line(content, reason, tmp_path):
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "index.sqlite").write_bytes(content)
    for arguments in (["--where", "score > 0"], ["--like", "clip.mp4"]):
        done = command("find", folder, *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        assert reason in done.stderr


def test_a_damaged_page_is_one_line(videos, tiny, tmp_path):
    folder = tmp_path / "index"
    index([videos], folder, tiny, engine=one_after_another)
    file = folder / "index.sqlite"
    content = bytearray(file.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    file.write_bytes(content)
    done = command("find", folder, "--where", "score > 0")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "index.sqlite" in done.stderr


def test_time_left_is_counted_from_when_reading_began():
    state = State(files=2, elapsed=5.0)
    assert state.left is None
    state.started = 5.0, 0.0
    assert state.left is None
    state.elapsed, state.share = 7.0, 0.25  # a quarter in two seconds
    assert state.left == pytest.approx(6.0)


def test_a_folder_without_videos_and_one_that_is_not_there(tmp_path, tiny):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(SourceError, match="has no video files"):
        index([tmp_path / "nothing"], tmp_path / "index", tiny)
    with pytest.raises(SourceError, match="does not exist"):
        index([tmp_path / "unmounted"], tmp_path / "index", tiny)
    assert not (tmp_path / "index").exists()


def test_killed_in_the_middle_it_goes_on(videos, tiny, tmp_path):
    """Killed when some recordings are done and others are not: what is done stays, the rest is done once."""
    for n in range(8):
        write_clip(videos / f"more{n}.avi", count=60, seed=20 + n)
    folder, file = tmp_path / "index", tmp_path / "index" / "index.sqlite"
    arguments = [sys.executable, "-m", "edgevtn", "index", videos, "-o", folder, "--model", tiny, "--jobs", "1"]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit and running.poll() is None:
            if file.exists() and _done(file) >= 2:
                break
        os.kill(running.pid, signal.SIGKILL)
    before = contents(folder)
    assert 2 <= len(before) < 12
    assert {row[0][0] for row in before.values()} == {"done"}
    later = index([videos], folder, tiny, jobs=2)
    assert (later.kept, len(later.indexed)) == (len(before), 12 - len(before))
    assert not set(later.indexed) & set(before)
    after = contents(folder)
    assert {file: after[file] for file in before} == before
    index([videos], tmp_path / "at once", tiny, engine=one_after_another)
    assert after == contents(tmp_path / "at once")


def _done(file):
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=PATIENCE)
    try:
        return connection.execute("SELECT count(*) FROM recordings").fetchone()[0]
    except sqlite3.OperationalError:  # the tables are not there yet
        return 0
    finally:
        connection.close()


def test_a_worker_that_is_killed_costs_one_more_try(videos, tiny):
    """The process dies while it has a recording: another one does it, and each is yielded once."""
    files = [str(file) for file in sorted(videos.rglob("*.avi"))]
    running = recognise(files, str(tiny), 1)
    first = next(word for word in running if isinstance(word, Finished))
    (process,) = multiprocessing.active_children()
    os.kill(process.pid, signal.SIGKILL)
    words = [first, *(word for word in running if isinstance(word, Finished))]
    assert sorted(word.file for word in words) == files
    assert all(word.found is not None for word in words)
    assert [word.reason for word in words] == [""] * len(files)


def test_a_worker_that_hangs_is_replaced(videos, tiny, monkeypatch):
    """One that is stopped in the middle says nothing more; another does its recording."""
    files = [str(file) for file in sorted(videos.rglob("*.avi"))]
    running = recognise(files, str(tiny), 1)
    first = next(word for word in running if isinstance(word, Finished))
    (process,) = multiprocessing.active_children()
    os.kill(process.pid, signal.SIGSTOP)
    patience = workers.SILENCE

    def patient_again():  # the next one may take its time on a busy core
        multiprocessing.connection.wait([process.sentinel], PATIENCE)
        monkeypatch.setattr(workers, "SILENCE", patience)

    monkeypatch.setattr(workers, "SILENCE", 0.5)
    watching = threading.Thread(target=patient_again)
    watching.start()
    words = [first, *(word for word in running if isinstance(word, Finished))]
    watching.join()
    assert sorted(word.file for word in words) == files
    assert all(word.found is not None for word in words)
