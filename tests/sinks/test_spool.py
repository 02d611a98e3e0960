"""What waits on the disk: bounded, in order, there after a kill; and sinks that fail or hang."""

import contextlib
import signal
import subprocess
import sys
import threading

import pytest
from broker import PATIENCE
from delivering import Taking, tell

from edgevtn import Event
from edgevtn.errors import OutputError
from edgevtn.sinks.delivery import Refused
from edgevtn.sinks.spool import Spool


def drained(spool):
    payloads = []
    while (message := spool.first()) is not None:
        payloads.append(message.payload)
        spool.remove(message)
    return payloads


def test_first_in_first_out_over_a_restart(tmp_path):
    with contextlib.closing(Spool(tmp_path / "deep" / "spool")) as spool:
        spool.put([("a", b"1"), ("b", b"2")])
        spool.put([("a", b"3")])
        spool.remove(spool.first())
        spool.note("open", "x")
    with contextlib.closing(Spool(tmp_path / "deep" / "spool")) as spool:
        assert len(spool) == 2
        assert (spool.first().route, spool.notes()) == ("b", {"open": "x"})
        spool.note("open", None)
        assert drained(spool) == [b"2", b"3"]
        assert (len(spool), spool.notes()) == (0, {})
    with contextlib.closing(Spool(tmp_path / "deep" / "spool")) as spool:
        spool.put([("c", b"4")])
        assert spool.first().number == 4  # no number is given twice


@pytest.mark.parametrize(("bounds", "kept"), [({"most_messages": 7}, 7), ({"most_bytes": 40}, 4)])
def test_it_is_bounded_and_the_oldest_go(tmp_path, bounds, kept):
    with contextlib.closing(Spool(tmp_path / "spool", **bounds)) as spool:
        for n in range(20):
            spool.put([("", b"%010d" % n)])
        assert (len(spool), spool.dropped) == (kept, 20 - kept)
        assert drained(spool) == [b"%010d" % n for n in range(20 - kept, 20)]


def test_what_was_put_is_there_after_a_kill(tmp_path):
    script = """
import itertools, sys
from edgevtn.sinks.spool import Spool
spool = Spool(sys.argv[1])
for n in itertools.count(1):
    spool.put([("", b"%d" % n)])
    print(n, flush=True)
"""
    running = subprocess.Popen([sys.executable, "-c", script, tmp_path / "spool"], stdout=subprocess.PIPE, text=True)
    while int(running.stdout.readline()) < 50:
        pass
    running.send_signal(signal.SIGKILL)
    put = [int(line) for line in running.communicate()[0].split()] or [50]
    with contextlib.closing(Spool(tmp_path / "spool")) as spool:
        there = [int(payload) for payload in drained(spool)]
    assert there == list(range(1, len(there) + 1))
    assert len(there) >= put[-1]


def test_a_damaged_spool_is_put_aside(tmp_path):
    with contextlib.closing(Spool(tmp_path / "spool")) as spool:
        spool.put([("", bytes(5000))])
    content = bytearray((tmp_path / "spool").read_bytes())
    content[:100] = bytes(100)
    (tmp_path / "spool").write_bytes(content)
    with contextlib.closing(Spool(tmp_path / "spool")) as spool:
        assert spool.damaged.read_bytes() == content
        spool.put([("", b"new")])
        assert drained(spool) == [b"new"]


def test_a_place_that_is_none(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        Spool(tmp_path / "file" / "spool")
    with pytest.raises(OutputError, match="cannot be written"):
        Spool(tmp_path)


def test_a_delivery_that_fails_is_tried_again_in_order(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("edgevtn.sinks.delivery.FIRST_WAIT", 0.01)
    left = {3: 3, 7: 2}  # attempts that fail

    def before(n):
        if left.get(n):
            left[n] -= 1
            raise ConnectionError("away")

    sink = Taking(tmp_path / "spool", before)
    tell(sink)
    assert sink.done.wait(PATIENCE)
    sink.close()
    assert sink.numbers == list(range(1, 11))
    assert [record.message for record in caplog.records] == [
        "test: away; events are kept, and delivered later", "test: delivers again",
    ] * 2  # fmt: skip


def test_what_is_refused_does_not_hold_up_the_rest(caplog):
    def before(n):
        if n in (2, 5):
            raise Refused("no such label")

    sink = Taking(None, before)
    tell(sink)
    assert sink.done.wait(PATIENCE)
    sink.close()
    assert sink.numbers == [1, 3, 4, 6, 7, 8, 9, 10]
    assert [record.message for record in caplog.records] == ["test: refuses an event (no such label); it is dropped"]


def test_a_delivery_that_hangs_stops_nothing_and_is_said_once(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("edgevtn.sinks.delivery.CLOSING", 0.1)
    monkeypatch.setattr("edgevtn.sinks.delivery.ENDING", 0.2)
    hang = threading.Event()
    sink = Taking(tmp_path / "spool", lambda n: hang.wait(PATIENCE))
    tell(sink)
    assert sink.kept(PATIENCE)  # on the disk, though nobody takes them
    sink.close()
    told = [record.message for record in caplog.records]
    assert told == [
        "test: does not end; it was left behind",
        "test: 10 messages could not be delivered; they are kept for the next time",
    ]
    again = Taking(tmp_path / "spool")  # as a reload makes it, in the same process
    again.frame(None, 0.0)
    assert again.done.wait(PATIENCE)
    again.close()
    assert again.numbers == list(range(1, 11))
    hang.set()
    for thread in sink._threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert (sink.numbers, len(caplog.records)) == ([1], 2)


def test_a_full_memory_loses_what_is_told_and_says_so(monkeypatch, caplog):
    monkeypatch.setattr("edgevtn.sinks.delivery.MOST_IN_MEMORY", 3)
    stuck, free = threading.Event(), threading.Event()

    class Slow(Spool):
        def put(self, messages):
            stuck.set()
            assert free.wait(PATIENCE)
            super().put(messages)

    monkeypatch.setattr("edgevtn.sinks.delivery.Spool", Slow)
    sink = Taking()
    sink.event(Event(10, "m", "walk", 0.0, None, 0.5))
    assert stuck.wait(PATIENCE)
    tell(sink)  # three of them find room
    free.set()
    assert sink.kept(PATIENCE)
    sink.close()
    assert sink.numbers == [10, 1, 2, 3]
    assert [record.message for record in caplog.records] == ["test: the disk does not keep up; events are lost"]
