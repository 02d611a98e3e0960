"""Clips where the disk is full, an encoder cannot be had, a clock goes back, and people tidy up."""

import resource
from types import SimpleNamespace

import numpy as np
import pytest

from edgevtn import Event
from edgevtn.region import Scene
from edgevtn.sinks import Origin
from edgevtn.sinks.clips import Clips
from edgevtn.sinks.ring import Rings

av = pytest.importorskip("av")

RATE = 15
NOISE = np.random.default_rng(0).integers(0, 256, (20, 240, 320, 3), np.uint8)


def show(sink, seconds, begin=0.0, source=""):
    for n in range(round(seconds * RATE)):
        sink.frame(NOISE[n % len(NOISE)], begin + n / RATE, Scene(source))


def tell(sink, id, start, end=None, source="", label="sit"):
    sink.event(Event(id, "m", label, start, None, 0.5, source=source))
    if end is not None:
        sink.event(Event(id, "m", label, start, end, 0.5, source=source))


@pytest.fixture
def full():
    """Files cannot grow beyond 30 kB while it is asked for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda is_full: resource.setrlimit(resource.RLIMIT_FSIZE, (30_000 if is_full else soft, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_from_the_first_packets_on(tmp_path, full, caplog):
    sink = Clips(tmp_path, before=2, after=0)
    show(sink, 3)
    full(True)
    for id in (1, 2):
        tell(sink, id, 2.0, 2.5)
    show(sink, 1, begin=3)
    assert list(tmp_path.iterdir()) == []
    assert [record.message.partition("; ")[2] for record in caplog.records] == ["recognition goes on"]
    full(False)
    tell(sink, 3, 3.5, 3.6)
    show(sink, 1, begin=4)
    (clip,) = tmp_path.iterdir()
    assert clip.name.endswith("-3.mp4")
    assert [record.message.partition(": ")[2] for record in caplog.records][1:] == ["are written again"]
    sink.close()


def test_an_encoder_that_cannot_be_opened_at_first(tmp_path, monkeypatch, caplog):
    sink = Clips(tmp_path, before=1, after=0)
    real = av.container.OutputContainer.start_encoding
    left = [None, OSError("too many open files"), av.BugError(1, "odd")]

    def start(container):
        if left:
            error = left.pop()
            if error is not None:
                raise error
        real(container)

    fake = SimpleNamespace(**vars(av))
    fake.open = lambda *place, **more: Container(av.open(*place, **more), start)
    monkeypatch.setattr("edgevtn.sinks.ring.require", lambda *_: fake)
    show(sink, 2)
    tell(sink, 1, 1.0, 1.5)
    sink.close()
    assert len(list(tmp_path.glob("*.mp4"))) == 1
    assert all("a picture cannot be encoded" in record.message for record in caplog.records)


class Container:
    """PyAV's, whose `start_encoding` is another."""

    def __init__(self, container, start):
        self._container, self.start_encoding = container, lambda: start(container)

    def __getattr__(self, name):
        return getattr(self._container, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._container.close()


def test_what_a_source_that_has_ended_needed_is_given_back(tmp_path):
    rings = Rings()
    sink = Clips(tmp_path, before=1, after=5, rings=rings)
    for n in range(3):
        source = f"clip {n}"
        show(sink, 2, source=source)
        tell(sink, n, 1.0, 1.5, source=source)
        ring = rings[source, ""]
        sink.ended(source)
        assert len(list((tmp_path / f"clip_{n}").glob("*.mp4"))) == 1
        assert (len(rings), ring._encoder) == (0, None)
    sink.close()


@pytest.mark.parametrize(("late", "whole"), [(0.0, False), (20.0, True)])
def test_an_event_that_is_told_late_has_its_beginning(tmp_path, late, whole):
    sink = Clips(tmp_path, before=2, after=0, late=late)
    show(sink, 24)
    tell(sink, 1, 3.0, 23.5)
    sink.close()
    (clip,) = tmp_path.glob("*.mp4")
    with av.open(str(clip)) as container:
        assert (float(container.duration / av.time_base) > 22) == whole


def test_clips_that_somebody_has_sorted_stay(tmp_path):
    for run in range(2):
        sink = Clips(tmp_path, before=0, after=0, most_bytes=1)
        for n in range(3):
            show(sink, 1, source="hall")
            tell(sink, n, 0.5, 0.7, source="hall")
            sink.ended("hall")
        sink.close()
        (kept,) = (tmp_path / "hall").glob("*.mp4")
        if run == 0:
            (tmp_path / "sit").mkdir()
            kept = kept.rename(tmp_path / "sit" / kept.name)
            (tmp_path / "link").symlink_to(tmp_path / "sit")
            clip = kept
    assert clip.exists()
    sink = Clips(tmp_path, before=0, after=0, most_bytes=1)  # another camera; the one before is bounded, too
    show(sink, 1, source="yard")
    tell(sink, 1, 0.5, 0.7, source="yard")
    sink.close()
    assert (len(list((tmp_path / "yard").glob("*.mp4"))), len(list((tmp_path / "hall").glob("*.mp4")))) == (1, 0)
    assert clip.exists()


def test_the_newest_stays_though_the_clock_went_back(tmp_path):
    (tmp_path / "20990101-000000-sit-0a-1.mp4").write_bytes(bytes(10**5))
    sink = Clips(tmp_path, before=0, after=0, most_bytes=10**5)
    names = []
    for n in range(3):
        show(sink, 1, begin=n)
        tell(sink, n, n + 0.5, n + 0.6)
        show(sink, 0.2, begin=n + 1)
        names.append(sorted(file.name for file in tmp_path.iterdir())[0])
    sink.close()
    assert [name.rpartition("-")[2] for name in names] == ["0.mp4", "1.mp4", "2.mp4"]


def test_a_label_may_be_longer_than_a_file_name(tmp_path):
    sink = Clips(tmp_path, Origin(""), before=0, after=0)
    show(sink, 1)
    tell(sink, 1, 0.5, 0.6, label="lie " * 100)
    sink.close()
    (clip,) = tmp_path.glob("*.mp4")
    assert len(clip.name) < 200


def test_somebody_else_removes_what_is_to_be_removed(tmp_path, monkeypatch, caplog):
    sink = Clips(tmp_path, before=0, after=0, most_bytes=1)
    for n in range(4):
        (tmp_path / f"20200101-00000{n}-x-0a-1.mp4").write_bytes(b"x")
    unlink = type(tmp_path).unlink
    monkeypatch.setattr(type(tmp_path), "unlink", lambda file, **how: (unlink(file), unlink(file, **how)))
    show(sink, 1)
    tell(sink, 1, 0.5, 0.6)
    sink.close()
    assert len(list(tmp_path.iterdir())) == 1
    assert caplog.records == []
