"""The same index by Ray: each recording once, also where a worker is killed."""

import contextlib
import os
import shutil
import time
from collections import Counter

import psutil
import pytest
from recordings import contents, one_after_another, write_clip

from edgevtn.errors import MissingExtraError
from edgevtn.indexing import index
from edgevtn.indexing.cluster import Engine
from edgevtn.indexing.store import Index
from edgevtn.indexing.workers import Finished

#: Seconds; a busy core is waited for.
PATIENCE = 60
#: Processes of Ray's that have a recording; others wait, or load the model.
WORKING = "ray::MapWorker(Map(_Recogniser)).submit"


@pytest.mark.timeout(600)  # Ray starts half a dozen processes, and those a worker each
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_each_recording_once_though_a_worker_is_killed(tiny, tmp_path, monkeypatch):
    pytest.importorskip("ray.data")
    first = write_clip(tmp_path / "videos" / "0.avi", count=800)
    for n in range(1, 12):
        shutil.copy(first, first.with_name(f"{n}.avi"))
    (tmp_path / "videos" / "broken.avi").write_bytes(b"no video" * 100)
    puts, killed, engine = Counter(), [], Engine("local")
    put = Index.put

    def counted(self, file, stamp, found):
        puts[file] += 1
        put(self, file, stamp, found)

    def killing(files, model, jobs):
        for word in engine(files, model, jobs):
            yield word
            if not killed and isinstance(word, Finished):
                killed.append(_kill_a_worker())

    monkeypatch.setattr(Index, "put", counted)
    summary = index([tmp_path / "videos"], tmp_path / "index", tiny, jobs=2, engine=killing)
    assert killed
    assert len(summary.indexed) == 12
    assert set(puts.values()) == {1}
    assert list(summary.unreadable) == [str(tmp_path / "videos" / "broken.avi")]
    index([tmp_path / "videos"], tmp_path / "alone", tiny, engine=one_after_another)
    assert contents(tmp_path / "index") == contents(tmp_path / "alone")


def _kill_a_worker():
    """Kill a process while it recognises: Ray names it after the class and what it does."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:  # one that is between two recordings begins the next
        for process in psutil.Process(os.getpid()).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if WORKING in process.cmdline()[:1]:
                    process.kill()
                    return process.pid
    raise AssertionError("no worker of Ray's was found at work")


def test_without_ray_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"edgevtn\[ray\]"):
        Engine("local")
