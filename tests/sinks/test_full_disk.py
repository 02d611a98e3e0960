"""Events while the disk is full, hangs or has lost the spool: they are delivered from memory, and written later."""

import contextlib
import sqlite3
import threading

import pytest
from broker import PATIENCE
from delivering import Taking, tell

from edgevtn import Event
from edgevtn.sinks.delivery import Refused
from edgevtn.sinks.spool import Spool
from edgevtn.sinks.spool_file import SpoolFile

NEITHER = "test: {} messages could be neither delivered nor written to a spool; they are lost"
FULL = "test: the spool cannot be written (database or disk is full); events are delivered from memory"
AWAY = "test: away; events are kept, and delivered later"


class Disk:
    """Full while it is to be; counts what was tried on it then."""

    def __init__(self):
        self.full, self.code, self.tried = False, sqlite3.SQLITE_READONLY, threading.Semaphore(0)

    def check(self):
        if self.full:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = self.code
            self.tried.release()
            raise error


@pytest.fixture
def disk(monkeypatch):
    disk, write = Disk(), SpoolFile.write

    def checked(file, *arguments):
        disk.check()
        write(file, *arguments)

    monkeypatch.setattr(SpoolFile, "write", checked)
    monkeypatch.setattr("edgevtn.sinks.delivery.FIRST_WAIT", 0.01)
    monkeypatch.setattr("edgevtn.sinks.delivery.LAST_WAIT", 0.01)
    return disk


def away(n):
    raise ConnectionError("away")


def waiting(file):
    with contextlib.closing(Spool(file)) as spool:
        payloads = []
        while (message := spool.first()) is not None:
            payloads.append(message.payload)
            spool.remove(message)
        return payloads, spool.notes()


def told(caplog):
    return [record.message for record in caplog.records]


def test_a_spool_writes_later_what_a_full_disk_did_not_take(tmp_path, disk):
    with contextlib.closing(Spool(tmp_path / "spool")) as spool:
        assert spool.put([("", b"1"), ("", b"2"), ("", b"3")])
        disk.full = True
        assert not spool.put([("", b"4"), ("", b"5")])
        assert (spool.error, spool.unwritten, len(spool)) == ("database or disk is full", 2, 5)
        for payload in (b"1", b"2"):  # though nothing can be removed from the file
            assert spool.first().payload == payload
            spool.remove(spool.first())
        spool.note("open", "x")
        assert (spool.first().payload, spool.notes()) == (b"3", {"open": "x"})
        disk.full = False
        assert spool.put([("", b"6")])
        assert (spool.error, spool.unwritten) == (None, 0)
    assert waiting(tmp_path / "spool") == ([b"3", b"4", b"5", b"6"], {"open": "x"})


def test_what_a_full_disk_does_not_take_is_bounded_as_the_file_is(tmp_path, disk):
    with contextlib.closing(Spool(tmp_path / "spool", most_messages=7)) as spool:
        spool.put([("", b"%d" % n) for n in range(5)])
        disk.full = True
        for n in range(5, 20):
            spool.put([("", b"%d" % n)])
        assert (len(spool), spool.dropped, spool.unwritten) == (7, 13, 7)
        disk.full = False
        assert spool.write()
    assert waiting(tmp_path / "spool")[0] == [b"%d" % n for n in range(13, 20)]


def test_a_full_disk_holds_up_no_delivery(tmp_path, disk, caplog):
    sink = Taking(tmp_path / "spool")
    sink.event(Event(0, "m", "walk", 0.0, None, 0.5))
    assert sink.kept(PATIENCE)
    disk.full = True
    tell(sink)
    assert sink.done.wait(PATIENCE)
    assert sink.kept(PATIENCE)  # they are delivered
    assert sink.numbers == list(range(11))
    assert told(caplog) == [FULL]
    disk.full = False
    sink.close()
    assert waiting(tmp_path / "spool")[0] == []
    assert told(caplog) == [FULL]


def test_what_waits_in_memory_is_written_though_nothing_new_comes(tmp_path, disk, caplog):
    disk.full = True
    sink = Taking(tmp_path / "spool", away)
    tell(sink)
    for _ in range(3):
        assert disk.tried.acquire(timeout=PATIENCE)
    assert not sink.kept(0.0)
    disk.full = False
    assert sink.kept(PATIENCE)
    with sqlite3.connect(tmp_path / "spool") as reader:  # as a kill would leave it
        assert reader.execute("SELECT COUNT(*) FROM messages").fetchone() == (10,)
    reader.close()
    sink.close()
    assert sorted(told(caplog)) == sorted([
        FULL, AWAY, "test: 10 messages could not be delivered; they are kept for the next time"
    ])  # fmt: skip


def test_closing_tries_to_write_until_it_succeeds(tmp_path, disk, caplog):
    disk.full = True
    sink = Taking(tmp_path / "spool", away)
    tell(sink)
    closing = threading.Thread(target=sink.close)
    assert disk.tried.acquire(timeout=PATIENCE)
    closing.start()
    assert sink.closing.wait(PATIENCE)
    while disk.tried.acquire(blocking=False):
        pass
    for _ in range(20):
        assert disk.tried.acquire(timeout=PATIENCE)
    disk.full = False
    closing.join(PATIENCE)
    assert waiting(tmp_path / "spool")[0] == [b"%d" % n for n in range(1, 11)]
    assert "10 messages could not be delivered; they are kept" in told(caplog)[-1]


@pytest.mark.parametrize("spooled", [True, False])
def test_what_is_lost_at_the_end_is_said(tmp_path, disk, caplog, monkeypatch, spooled):
    monkeypatch.setattr("edgevtn.sinks.delivery.CLOSING", 0.2)
    disk.full = True
    sink = Taking(tmp_path / "spool" if spooled else None, away)
    tell(sink)
    sink.close()
    assert told(caplog)[-1] == NEITHER.format(10)
    disk.full = False
    assert waiting(tmp_path / "spool")[0] == []


def test_a_refusal_while_the_disk_is_full_does_not_end_deliveries(tmp_path, disk, caplog):
    ready = threading.Event()

    def before(n):
        assert ready.wait(PATIENCE)
        if n == 2 and not any("away" in text for text in told(caplog)):
            away(n)
        if n in (2, 3):
            raise Refused("no such label")

    sink = Taking(tmp_path / "spool", before)
    tell(sink)
    assert sink.kept(PATIENCE)
    disk.full = True
    ready.set()
    assert sink.done.wait(PATIENCE)
    sink.close()
    assert sink.numbers == [1, *range(4, 11)]
    texts = [text for text in told(caplog) if text != FULL]
    assert texts == [AWAY, "test: refuses an event (no such label); it is dropped", "test: delivers again"]


def test_a_file_of_delivered_messages_alone_is_removed_from_a_full_disk(tmp_path, disk, monkeypatch):
    monkeypatch.setattr("edgevtn.sinks.delivery.CLOSING", 0.2)
    ready = threading.Event()
    sink = Taking(tmp_path / "spool", lambda n: ready.wait(PATIENCE))
    tell(sink)
    assert sink.kept(PATIENCE)
    disk.full, disk.code = True, sqlite3.SQLITE_FULL
    ready.set()
    assert sink.done.wait(PATIENCE)
    sink.close()
    disk.full = False
    assert waiting(tmp_path / "spool")[0] == []  # they would come again


def test_a_spool_that_is_removed_is_begun_anew_with_what_waits(tmp_path, caplog):
    sink = Taking(tmp_path / "state" / "spool", away)
    tell(sink, 8)
    assert sink.kept(PATIENCE)
    for file in (tmp_path / "state").iterdir():
        file.unlink()
    (tmp_path / "state").rmdir()
    sink.event(Event(11, "m", "walk", 0.0, None, 0.5))
    assert sink.kept(PATIENCE)
    with sqlite3.connect(tmp_path / "state" / "spool") as reader:  # as a kill would leave it
        rows = reader.execute("SELECT payload FROM messages ORDER BY number").fetchall()
    reader.close()
    assert [payload for (payload,) in rows] == [b"8", b"9", b"10", b"11"]
    sink.close()
    assert told(caplog).count("test: the spool was removed; it was begun anew with what waits") == 1


def test_a_disk_that_hangs_does_not_keep_the_spool_from_others(tmp_path, monkeypatch):
    monkeypatch.setattr("edgevtn.sinks.delivery.CLOSING", 0.1)
    monkeypatch.setattr("edgevtn.sinks.delivery.ENDING", 0.2)
    monkeypatch.setattr("edgevtn.sinks.spool.CLOSING", 0.1)
    stuck, free = threading.Event(), threading.Event()

    class Hanging(Disk):
        def check(self):
            stuck.set()
            assert free.wait(PATIENCE)

    hanging, write = Hanging(), SpoolFile.write

    def checked(file, *arguments):
        hanging.check()
        write(file, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(SpoolFile, "write", checked)
        sink = Taking(tmp_path / "spool")
        tell(sink)
        assert stuck.wait(PATIENCE)
        sink.close()
    with contextlib.closing(Spool(tmp_path / "spool")) as spool:
        assert spool.put([("", b"1")])
    free.set()
    for thread in sink._threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
