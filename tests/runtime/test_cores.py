"""Which cores recognition keeps to: folders that stand for boards, and this machine's own threads."""

import os
import threading
from pathlib import Path

import boards
import pytest

from edgevtn import Recognizer, cores
from edgevtn.cores import affinities, big_cores, keep_to_big_cores, use_every_core
from edgevtn.cpu import default_threads

#: An RK3588 has four Cortex-A55 and two pairs of Cortex-A76, of which one may go a little faster.
RK3588 = (
    boards.cores(range(4), 1_800_000, capacity=530)
    | boards.cores((4, 5), 2_256_000, capacity=1010)
    | boards.cores((6, 7), 2_304_000, capacity=1024)
)
#: Two cores with two threads each, which go to 4.7 GHz, and four that go to 4.3, nearly as fast by their frequency.
HYBRID = (
    boards.cores(range(4), 4_700_000, driver="intel_pstate")
    | boards.cores(range(4, 8), 4_300_000, driver="intel_pstate")
    | {"sys/devices/cpu_core/cpus": "0-3\n", "sys/devices/cpu_atom/cpus": "4,5-7\n"}
)
EQUAL = boards.cores(range(4), 2_400_000)


@pytest.mark.parametrize(
    ("files", "allowed", "expected"),
    [
        (RK3588, range(8), (4, 5, 6, 7)),
        (RK3588, (0, 1, 5), (5,)),  # as by taskset: what was not given is not taken
        (RK3588, (0, 1, 2), ()),  # all of one kind
        (RK3588, (4, 5, 6), ()),
        (RK3588 | {"sys/devices/system/cpu/cpu7/online": "0\n"}, range(8), (4, 5, 6)),
        (HYBRID, range(8), (0, 1, 2, 3)),
        (HYBRID, range(4, 8), ()),
        (EQUAL, range(4), ()),
        ({}, range(4), ()),  # nothing is told
    ],
)
def test_the_big_cores_that_may_be_used(tmp_path, files, allowed, expected):
    assert big_cores(boards.write_board(tmp_path, files), allowed) == expected


def test_as_many_threads_as_big_cores(monkeypatch):
    monkeypatch.setattr("edgevtn.cpu.big_cores", lambda: (4, 5))
    assert default_threads() == 2
    monkeypatch.setattr("edgevtn.cpu.big_cores", lambda: tuple(range(8)))
    assert default_threads() == 4


@pytest.mark.parametrize(
    ("threads", "numbers", "expected"),
    [
        (4, (4, 5, 6, 7), "5,6,7,8;5,6,7,8;5,6,7,8"),  # counted from 1; the first thread is the caller's
        (1, (4, 5), ""),
        (3, (4, 5), ""),
        (4, (), ""),
    ],
)
def test_what_onnxruntime_is_told(threads, numbers, expected):
    assert affinities(threads, numbers) == expected


def threads_and_their_cores():
    """The cores of each thread of this process, by its number."""
    status = {int(folder.name): (folder / "status").read_text() for folder in Path("/proc/self/task").iterdir()}
    return {number: text.partition("Cpus_allowed_list:")[2].split()[0] for number, text in status.items()}


@pytest.fixture
def two_cores():
    own = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(own) < 2:
        pytest.skip("needs two cores on Linux")
    return own


def test_onnxruntime_keeps_to_them(monkeypatch, two_cores):
    last = two_cores[-1]
    monkeypatch.setattr("edgevtn.session.big_cores", lambda: two_cores)
    monkeypatch.setattr("edgevtn.session.affinities", lambda threads, cores: affinities(threads, cores[-1:] * 2))
    before = set(threads_and_their_cores())
    recognizer = Recognizer(threads=2)
    new = {number: text for number, text in threads_and_their_cores().items() if number not in before}
    assert recognizer.threads == 2
    assert str(last) in new.values()


def test_the_thread_that_recognises_keeps_to_them_and_readers_do_not(monkeypatch, two_cores):
    found = {}

    def work():  # in a thread of its own, so that this one stays as it is
        found["told"] = keep_to_big_cores(1)
        found["kept"] = os.sched_getaffinity(0)
        found["known"] = cores.allowed_cores()
        reader = threading.Thread(target=read)
        reader.start()
        reader.join(60)

    def read():
        found["inherited"] = os.sched_getaffinity(0)
        use_every_core()
        found["reader"] = os.sched_getaffinity(0)

    monkeypatch.setattr(cores, "_before", set())
    monkeypatch.setattr(cores, "big_cores", lambda: (two_cores[-1],))
    worker = threading.Thread(target=work)
    worker.start()
    worker.join(60)
    assert found["told"] == (two_cores[-1],)
    assert found["kept"] == found["inherited"] == {two_cores[-1]}
    assert found["known"] == found["reader"] == set(two_cores)


def test_more_threads_than_big_cores_want_all(monkeypatch):
    monkeypatch.setattr(cores, "big_cores", lambda: (0,))
    before = cores.allowed_cores()
    assert keep_to_big_cores(2) == ()
    assert cores.allowed_cores() == before
