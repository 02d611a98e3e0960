"""Sinks that raise or hang do not stop recognition."""

import threading

from broker import PATIENCE
from tiny import moving_frames

import edgevtn
from edgevtn.sinks import Apart


def shown(count=40):
    return [(n / 10, frame) for n, frame in enumerate(moving_frames(count))]


def eager():
    return edgevtn.EventDetector(enter=0.35, leave=0.34, min_duration=0)


def test_a_sink_is_told_everything_in_order(tiny):
    class Recorder(edgevtn.Sink):
        def __init__(self):
            self.told, self.threads = [], set()

        def frame(self, frame, timestamp):
            self.told.append(("frame", timestamp))
            self.threads.add(threading.get_ident())

        def event(self, event):
            self.told.append(("event", event))

        def close(self):
            self.told.append(("close", None))

    here, apart = Recorder(), Recorder()
    list(edgevtn.watch(shown(), tiny, sinks=[here, Apart(apart)], detector=eager()))
    assert here.told == apart.told
    assert apart.threads.isdisjoint(here.threads)


def test_a_sink_that_raises_is_said_once_and_told_on(tiny, caplog):
    told = []

    def fails(event):
        told.append(event)
        raise RuntimeError("no")

    events = list(edgevtn.watch(shown(), tiny, sinks=[Apart(fails, "mine")], detector=eager()))
    assert told == events
    assert len(events) >= 2
    assert [record.message for record in caplog.records] == ["mine: failed (RuntimeError: no); recognition goes on"]


def test_a_sink_that_hangs_is_said_once_and_left_behind(tiny, caplog, monkeypatch):
    monkeypatch.setattr("edgevtn.sinks.apart.CLOSING", 0.2)
    monkeypatch.setattr("edgevtn.sinks.apart.MOST_WAITING", 5)
    free, closed = threading.Event(), threading.Event()

    class Hangs(edgevtn.Sink):
        def frame(self, frame, timestamp):
            free.wait(PATIENCE)

        def close(self):
            closed.set()

    sink = Apart(Hangs(), "mine")
    plain = list(edgevtn.watch(shown(), tiny, detector=eager()))
    events = list(edgevtn.watch(shown(), tiny, sinks=[sink], detector=eager()))
    assert events == plain
    assert [record.message.partition(";")[0] for record in caplog.records] == [
        "mine: does not keep up", "mine: hangs",
    ]  # fmt: skip
    assert not closed.is_set()
    before = [thread for thread in threading.enumerate() if thread.name == "edgevtn mine"]
    free.set()
    assert closed.wait(PATIENCE)  # it goes on, and ends
    for thread in before:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_it_closes_without_having_been_told_anything():
    closed = []

    class Closes(edgevtn.Sink):
        def close(self):
            closed.append(1)

    sink = Apart(Closes())
    sink.close()
    sink.close()
    assert closed == [1]
