"""Several cameras at once: each as if it were alone, none at the expense of another."""

import threading
import time
from collections import Counter

import numpy as np
import pytest
from cameras import MjpegCamera, eventually, reader_threads
from tiny import moving_frames

import edgevtn
from edgevtn import EventDetector, Recognizer, SourceError, watch
from edgevtn.encoder import Encoder
from edgevtn.sinks import StopWatching
from edgevtn.sources import Camera, Cameras

#: A busy machine makes every source a slow one.
pytestmark = pytest.mark.filterwarnings("ignore:the source gives:RuntimeWarning")

#: Seconds that are promised for the end, and how much longer a busy machine may take in a test.
STOPS, BUSY = 1.0, 4.0


class Told:
    """What a sink was told; stops after so many predictions, and may be slow."""

    def __init__(self, stop_after=None, seconds=0.0):
        self.predictions, self.events, self.closed = [], [], False
        self._stop_after, self._seconds = stop_after, seconds

    def prediction(self, prediction):
        self.predictions.append(prediction)
        time.sleep(self._seconds)
        if len(self.predictions) == self._stop_after:
            raise StopWatching

    def event(self, event):
        self.events.append(event)

    def close(self):
        self.closed = True

    def count(self):
        return Counter(prediction.source for prediction in self.predictions)


def eager():
    return EventDetector(enter=0.35, leave=0.34, min_duration=0)


@pytest.fixture(autouse=True)
def no_reader_is_left():
    yield
    assert eventually(lambda: not reader_threads())


def folder(tmp_path, name, seed, count=20):
    import cv2

    (tmp_path / name).mkdir()
    for n, frame in enumerate(moving_frames(count, seed=seed)):
        cv2.imwrite(str(tmp_path / name / f"{n}.png"), frame)
    return tmp_path / name


def endless(rate):
    """A live camera of so many frames a second."""

    def camera():
        frames, never = moving_frames(60), threading.Event()
        while True:
            for frame in frames:
                never.wait(1 / rate)
                yield None, frame

    return camera


def test_files_are_seen_as_each_alone(tmp_path, tiny, monkeypatch):
    sessions, init = [], Encoder.__init__
    monkeypatch.setattr(Encoder, "__init__", lambda self, *a, **o: (sessions.append(1), init(self, *a, **o))[1])
    sources = [folder(tmp_path, "yard", 1), folder(tmp_path, "hall", 2, 35), folder(tmp_path, "door", 3)]
    told = Told()
    events = list(watch(sources, recognizer=Recognizer(tiny, threads=1), sinks=[told], detector=eager(), frame_rate=10))
    assert len(sessions) == 1
    assert told.closed
    assert told.events == events
    assert {event.source for event in events} == {"yard", "hall", "door"}
    ids = [event.id for event in events if event.end is None]
    assert sorted(ids) == list(range(1, len(ids) + 1))
    for source in sources:
        recognizer = Recognizer(tiny, threads=1)
        with edgevtn.frames(source, frame_rate=10) as pairs:
            raw = list(recognizer.stream(pairs))
        mine = [prediction for prediction in told.predictions if prediction.source == source.name]
        assert [p.timestamp for p in mine] == [p.timestamp for p in raw]
        for a, b in zip(mine, raw, strict=True):
            np.testing.assert_array_equal(a.probabilities, b.probabilities)
        expected = list(watch(source, recognizer=recognizer, detector=eager(), frame_rate=10))
        found = [event for event in events if event.source == source.name]
        assert [(e.label, e.start, e.end) for e in found] == [(e.label, e.start, e.end) for e in expected]


def test_each_stops_after_its_seconds(tmp_path, tiny):
    told = Told()
    list(watch([folder(tmp_path, "a", 1), folder(tmp_path, "b", 2)], tiny, sinks=[told], frame_rate=10, seconds=1.0))
    assert told.count() == {"a": 7, "b": 7}


def test_too_many_for_the_processor_share_it(tiny):
    # 5 cameras want 50 predictions a second, and there are some 25; two send far more pictures than the others.
    rates = {"a": 200, "b": 15, "c": 15, "d": 200, "e": 15}
    told = Told(stop_after=100, seconds=0.04)
    with Cameras({name: endless(rate) for name, rate in rates.items()}) as cameras:
        list(watch(cameras, tiny, sinks=[told]))
    counts = told.count()
    print(counts, cameras.dropped)
    assert min(counts[name] for name in rates) >= max(counts.values()) / 2


def test_the_newest_frame_wins(tiny):
    more, all_sent = threading.Event(), threading.Event()

    def numbered():
        for n in range(1, 11):
            yield None, np.full((48, 64, 3), n, np.uint8)
            if n == 1:
                more.wait(60)
        all_sent.set()
        threading.Event().wait(0.2)

    camera = Camera(numbered, give_up=0)
    with Cameras({"it": camera}) as cameras:
        arrivals = cameras.arrivals()
        assert next(arrivals).frame[0, 0, 0] == 1
        more.set()
        assert all_sent.wait(60)
        assert eventually(lambda: cameras.dropped["it"] + camera.statistics.dropped == 8)
        assert next(arrivals).frame[0, 0, 0] == 10
        assert (cameras.statistics.dropped, cameras.statistics.lost) == (8, False)


def test_one_that_hangs_or_was_never_there_holds_up_nobody(tiny):
    hang = threading.Event()

    def hanging():
        yield None, moving_frames(1)[0]
        hang.wait(60)

    def absent():
        raise OSError("not there")

    told = Told(stop_after=20)
    with Cameras({"hanging": hanging, "absent": absent, "good": endless(30)}, wait=True, patience=30) as cameras:
        list(watch(cameras, tiny, sinks=[told]))
        began = time.monotonic()
        cameras.close()
        seconds = time.monotonic() - began
    print(f"closed in {seconds:.2f} s")
    assert seconds < STOPS + BUSY
    assert told.count()["good"] >= 19
    hang.set()


def test_one_that_fails_ends_alone_and_is_told_at_the_end(tmp_path, tiny):
    def failing():
        for n, frame in enumerate(moving_frames(12)):
            yield n / 10, frame
        raise OSError("unplugged")

    def misshapen():
        yield 0.0, moving_frames(1)[0]
        yield 0.1, np.zeros((48, 64), np.uint8)

    told = Told()
    good = folder(tmp_path, "good", 1, 40)
    sources = {"failing": failing(), "good": good, "misshapen": misshapen()}
    with (
        pytest.warns(RuntimeWarning, match="has ended by an error") as warned,
        pytest.raises(SourceError, match=r"2 of 3 sources failed: unplugged; frame must be uint8"),
    ):
        list(watch(Cameras(sources, frame_rate=10), tiny, sinks=[told], detector=eager()))
    assert sorted(str(each.message).split()[0] for each in warned) == ["failing", "misshapen"]
    assert told.count() == {"good": 37, "failing": 9}
    begun = {(event.source, event.id) for event in told.events if event.end is None}
    assert begun == {(event.source, event.id) for event in told.events if event.end is not None}
    assert told.closed


def test_stop_ends_as_the_sources_would(tiny):
    told = Told()
    with Cameras({"a": endless(30), "b": endless(30)}) as cameras:
        events = watch(cameras, tiny, sinks=[told], detector=eager())
        next(events)
        cameras.stop()
        list(events)
        assert told.closed
        begun = {event.id for event in told.events if event.end is None}
        assert begun
        assert begun == {event.id for event in told.events if event.end is not None}


def test_all_must_be_there_at_first(tmp_path, tiny):
    with pytest.raises(SourceError, match="missing.mp4: does not exist"):
        list(watch([folder(tmp_path, "good", 1), tmp_path / "missing.mp4"], tiny))
    with pytest.raises(ValueError, match="patience must be seconds above 0"):
        Cameras([folder(tmp_path, "other", 1)], patience=0)
    with pytest.raises(ValueError, match="at least one source"):
        Cameras([])


def test_names_have_no_password_and_are_told_apart(tmp_path, tiny):
    with MjpegCamera() as first, MjpegCamera() as second:
        first.password = second.password = "hunter2"
        addresses = [camera.address.replace("//", "//admin:hunter2@") for camera in (first, second)]
        told = Told(stop_after=12)
        with Cameras([*addresses, folder(tmp_path, "clips", 1)]) as cameras:
            assert cameras.names == ["127.0.0.1", "127.0.0.1 (2)", "clips"]
            list(watch(cameras, tiny, sinks=[told]))
            now = cameras.wall_clock(told.predictions[-1].timestamp, "127.0.0.1")
            assert abs(now - time.time()) < 60
            assert cameras.wall_clock(0.0, "clips") is None
            assert cameras.wall_clock(0.0) is None  # there is none of that name
    assert set(told.count()) <= set(cameras.names)


def test_a_server_that_freezes_and_one_that_does_not(tiny):
    sentences, counts, during = [], Counter(), []

    def heard(what):
        return any(what in sentence for sentence in sentences)

    class Phases:
        """Freezes a camera once it was seen, thaws it when the other was seen ten times more."""

        def prediction(self, prediction):
            counts[prediction.source] += 1
            if not frozen.frozen and not during:
                frozen.frozen = counts["frozen"] > 0
            elif heard("gave no picture") and frozen.frozen:
                during.append(prediction.source)
                frozen.frozen = len(during) < 10
            elif heard("is back after"):
                raise StopWatching

    with MjpegCamera() as frozen, MjpegCamera() as good:
        addresses = {"frozen": frozen.address, "good": good.address}
        with Cameras(addresses, patience=0.5, notify=sentences.append) as cameras:
            list(watch(cameras, tiny, sinks=[Phases()]))
            assert cameras.statistics.reconnects == 1
    assert during == ["good"] * 10
    assert len(sentences) == 2
