"""Live sources over connections made for the test: the newest wins, and what is lost is found."""

import itertools
import threading
import time

import numpy as np
import psutil
import pytest
from cameras import eventually, reader_threads

import edgevtn.sources.live
from edgevtn import FrameError, SourceError
from edgevtn.sources import Camera, Statistics


def picture(number, size=(4, 4)):
    return np.full((*size, 3), number % 251, np.uint8)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(edgevtn.sources.live, "FIRST_WAIT", 0.01)
    yield
    assert eventually(lambda: not reader_threads())


class Steps:
    """A camera whose pictures are released one by one."""

    def __init__(self):
        self.allowed, self.read_began = threading.Semaphore(0), threading.Semaphore(0)
        self.gone = False
        self.closed = 0

    def __call__(self):
        try:
            for number in itertools.count(1):
                self.read_began.release()
                assert self.allowed.acquire(timeout=30)
                if self.gone:
                    raise OSError("unplugged")
                yield None, picture(number)
        finally:
            self.closed += 1


def test_the_newest_picture_wins():
    steps = Steps()
    with Camera(steps, give_up=0) as camera:
        for _ in range(5):
            assert steps.read_began.acquire(timeout=30)
            steps.allowed.release()
        assert steps.read_began.acquire(timeout=30)  # the fifth picture is in the mailbox by now
        stream = iter(camera)
        _, frame = next(stream)
        assert frame[0, 0, 0] == 5
        assert camera.statistics == Statistics(frames=1, dropped=4)
        steps.gone = True
        steps.allowed.release()
        with pytest.raises(OSError, match="unplugged"):
            next(stream)
    assert steps.closed == 1


def test_closing_ends_an_iteration():
    steps, got = Steps(), []
    camera = Camera(steps)
    consumer = threading.Thread(target=lambda: got.extend(camera))
    consumer.start()
    assert steps.read_began.acquire(timeout=30)
    camera.close()
    consumer.join(timeout=30)
    assert not consumer.is_alive()
    assert got == []
    camera.close()
    steps.gone = True
    steps.allowed.release()


def test_a_reader_that_never_returns_blocks_nobody(monkeypatch):
    monkeypatch.setattr(edgevtn.sources.live, "LONGEST_JOIN", 0.05)
    steps = Steps()
    camera = Camera(steps)
    assert steps.read_began.acquire(timeout=30)
    camera.close()
    (thread,) = reader_threads()
    assert thread.daemon
    steps.gone = True
    steps.allowed.release()


def test_readers_that_hang_do_not_pile_up():
    hanging = threading.Event()
    opened = itertools.count(1)

    def camera():
        next(opened)
        yield None, picture(next(opened))
        hanging.wait(30)

    told = []
    with Camera(camera, patience=0.05, give_up=1.0, notify=told.append) as source:
        with pytest.raises(SourceError, match="given up after 1 s: .*3 attempts to read it hang"):
            for _ in source:
                assert len(reader_threads()) <= 4
        assert len(reader_threads()) == 3
        assert "gave no picture for 0.05 s" in told[0]
        hanging.set()


def test_a_slow_consumer_sees_the_present():
    """Ten times slower than the camera, it is never more than two frame periods behind what came last."""
    period = 0.02
    made = {}

    def camera():
        for number in range(1, 10_000):
            time.sleep(period)
            made[number] = time.monotonic()
            yield None, picture(number)

    latencies = []
    with Camera(camera) as source:
        for n, (_, frame) in enumerate(source):
            latencies.append(time.monotonic() - made[max(k for k in list(made) if k % 251 == frame[0, 0, 0])])
            if n == 20:
                break
            time.sleep(10 * period)
        statistics = source.statistics
    assert np.median(latencies) < 2 * period + 10 * period
    assert statistics.dropped > 3 * statistics.frames  # on a busy core the camera, too, is late
    print(f"latency: median {1e3 * np.median(latencies):.1f} ms, most {1e3 * max(latencies):.1f} ms")


def test_memory_is_flat_over_many_frames():
    def camera():
        for number in range(100_000):
            yield None, picture(number, (48, 64))

    process, resident, files = psutil.Process(), [], []
    with Camera(camera, give_up=0) as source, pytest.raises(SourceError, match="stopped delivering"):
        for n, _ in enumerate(source):
            if n % 100 == 0:
                resident.append(process.memory_info().rss)
                files.append(process.num_fds())
    statistics = source.statistics
    assert statistics.frames + statistics.dropped == 100_000
    quarter = len(resident) // 4
    grown = np.median(resident[-quarter:]) - np.median(resident[:quarter])
    print(f"{statistics}, memory grew by {grown / 1e6:.1f} MB, open files {files[0]} to {files[-1]}")
    assert grown < 2e6
    assert np.median(files[-quarter:]) <= np.median(files[:quarter])


def test_equal_pictures_are_given_once_and_are_a_loss_in_time():
    openings = itertools.count(1)
    told = []

    def camera():
        first = next(openings) == 1
        yield None, picture(1)
        while first:
            time.sleep(0.005)
            yield None, picture(1)
        yield None, picture(1)
        yield None, picture(2)
        time.sleep(0.2)

    with Camera(camera, patience=0.1, notify=told.append) as source:
        stream = iter(source)
        assert next(stream)[1][0, 0, 0] == 1
        _, frame = next(stream)
        assert frame[0, 0, 0] == 2
        statistics = source.statistics
    assert statistics.frames == 2
    assert statistics.reconnects == 1
    assert statistics.repeated > 3
    assert "has shown the same picture for 0.1 s" in told[0]
    assert "is back after" in told[1]
    assert len(told) == 2


def test_what_the_consumer_draws_does_not_make_a_picture_new():
    steps = Steps()

    def camera():
        for _ in steps():
            yield None, picture(7)

    with Camera(camera, patience=0.5, give_up=0) as source:
        steps.allowed.release(3)
        stream = iter(source)
        next(stream)[1][...] = 0
        with pytest.raises(SourceError, match="same picture"):
            next(stream)
        assert source.statistics.frames == 1
        steps.gone = True
        steps.allowed.release()


def test_a_programming_error_is_no_loss():
    def wrong():
        yield None, picture(1)
        yield 1 / 0

    with Camera(wrong) as source, pytest.raises(ZeroDivisionError):
        list(source)
    with Camera(lambda: [(None, np.zeros((4, 4)))]) as source, pytest.raises(FrameError):
        list(source)


def test_a_function_that_cannot_open_is_an_error_or_waited_for():
    attempts = itertools.count(1)

    def late():
        if next(attempts) < 4:
            raise OSError("no such camera")
        return iter([(None, picture(n)) for n in range(3)])

    with pytest.raises(SourceError, match="late: cannot be opened .no such camera"):
        Camera(late)
    told = []
    with Camera(late, wait=True, notify=told.append) as source:
        next(iter(source))
        assert source.statistics.reconnects == 0
    assert next(attempts) == 5
    assert "cannot be opened" in told[0]
    assert "is there after" in told[1]


def test_giving_up_tells_the_reason():
    def never():
        raise OSError("no such camera")

    began = time.monotonic()
    with Camera(never, wait=True, give_up=0.3) as source:
        with pytest.raises(SourceError, match=r"given up after 0\.3 s: .*no such camera"):
            next(iter(source))
        assert source.statistics.lost
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("options", [{"patience": 0}, {"patience": float("nan")}, {"give_up": -1}])
def test_waits_are_seconds(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} must be seconds"):
        Camera(Steps(), **options)


def test_pairs_from_elsewhere_are_all_given():
    with Camera(iter([(n / 10, picture(1)) for n in range(5)])) as source:
        assert [t for t, _ in source] == [n / 10 for n in range(5)]
        assert source.statistics.frames == 5
        assert source.wall_clock(0.0) is None
