"""Real servers that are killed, frozen, slowed, late and changed: the source is found again, and says what it was.

Bounds are generous, as machines are busy; ``pytest -s`` prints the times.
"""

import time

import psutil
import pytest
from cameras import MjpegCamera, eventually, reader_threads
from watched import BUSY, NOTICES, RESUMES, Watched, free_port, later, report, sentence, silence

import edgevtn.sources.live
from edgevtn import SourceError, frames
from edgevtn.sources import Camera
from edgevtn.sources.live import Persistence


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert eventually(lambda: not reader_threads(), 30)


def test_mjpeg_killed_and_restarted_with_another_size(tiny):
    with MjpegCamera() as server, Watched(server.address, tiny) as watched:
        watched.predict()
        server.stop()
        server.size, server.rate = (96, 64), 50.0
        timer, done = later(1.0, server.start)
        _, back, why = watched.until_lost()
        timer.join()
        report("mjpeg killed: back after the stream's return in", back - done[0])
        assert back - done[0] < RESUMES + BUSY
        assert "stopped delivering frames" in why
        before = watched.last
        _, frame = watched.predict()
        assert frame.shape == (64, 96, 3)
        # The gap was longer than a window (0.3 s): the new one has nothing of before.
        assert watched.prediction.window_start >= before
        assert watched.camera.statistics.reconnects == 1


@pytest.mark.parametrize(("how", "patience"), [("frozen", Persistence.patience), ("still", 1.5)])
def test_mjpeg_that_hangs_is_noticed(tiny, how, patience):
    with MjpegCamera() as server, Watched(server.address, tiny, patience=patience) as watched:
        watched.predict()
        setattr(server, how, True)
        began = time.monotonic()
        timer, done = later(1.5 * patience, lambda: setattr(server, how, False))
        lost, back, why = watched.until_lost()
        timer.join()
        report(f"mjpeg {how}: noticed in", lost - began)
        report(f"mjpeg {how}: back after the stream's return in", back - done[0])
        assert lost - began < patience + NOTICES - Persistence.patience + BUSY
        assert back - done[0] < RESUMES + BUSY
        assert ("same picture" if how == "still" else "no picture for 3 s") in why
        watched.predict()


@pytest.mark.filterwarnings("ignore:the source gives")
def test_mjpeg_slowed_to_a_picture_a_second_is_not_lost(tiny):
    with MjpegCamera() as server, Watched(server.address, tiny) as watched:
        watched.predict()
        server.rate = 1.0
        for _ in range(3):
            watched.step()
        server.rate = 25.0
        watched.predict()
        assert watched.told == []
        assert watched.camera.statistics.reconnects == 0


def test_mjpeg_started_late(tiny):
    server = MjpegCamera()
    with pytest.raises(SourceError, match="refuses the connection"):
        frames(server.address)
    timer, done = later(1.5, server.start)
    try:
        with Watched(server.address, tiny, wait=True) as watched:
            watched.predict(1)
            timer.join()
            (_, waiting), (back, there) = watched.told
            assert "refuses the connection" in waiting
            assert "is there after" in there
            report("mjpeg late: there after its start in", back - done[0])
            assert back - done[0] < RESUMES + BUSY
            assert watched.camera.statistics.reconnects == 0
    finally:
        timer.join()
        server.stop()


def test_mjpeg_many_cycles_leave_nothing(monkeypatch):
    """Fifty times killed and started again: files and threads are as many as before."""
    monkeypatch.setattr(edgevtn.sources.live, "LONGEST_WAIT", 0.05)
    process = psutil.Process()
    with MjpegCamera(rate=200) as server, Camera(server.address) as camera:
        stream = iter(camera)
        next(stream)
        threads, files = process.num_threads(), process.num_fds()
        for n in range(50):
            server.stop()
            server.start()
            while camera.statistics.reconnects == n:
                next(stream)
        assert camera.statistics.reconnects == 50
        assert eventually(lambda: process.num_threads() <= threads)
        assert eventually(lambda: process.num_fds() <= files)
        print(f"50 cycles: {threads} -> {process.num_threads()} threads, {files} -> {process.num_fds()} files")


@pytest.mark.parametrize("counts", [True, False])
def test_a_bad_picture_costs_itself(counts):
    with MjpegCamera(rate=100) as server:
        server.counts = counts
        with Camera(server.address) as camera:
            stream = iter(camera)
            next(stream)
            server.bad = 10
            while camera.statistics.bad < 10:
                next(stream)
            assert camera.statistics.bad == 10
            assert camera.statistics.reconnects == 0
            assert server.bad == 0


def test_a_hundred_bad_pictures_are_a_failure(tiny):
    with MjpegCamera(rate=200) as server, Watched(server.address, tiny) as watched:
        watched.predict(1)
        server.bad = 120
        _, _, why = watched.until_lost()
        assert "100 pictures in a row cannot be decoded" in why
        assert 100 <= watched.camera.statistics.bad <= 120


def test_reasons_over_http(monkeypatch, capfd):
    monkeypatch.setattr("edgevtn.sources.link.OPENING", 1.0)
    with MjpegCamera() as server:
        server.password = "hunter2"
        place = f"127.0.0.1:{server.port}"
        assert "refuses the user or password (401)" in sentence(server.address)
        assert "refuses the user or password (401)" in sentence(f"http://admin:hunter@{place}/live", wait=True)
        assert "nothing under this path (404)" in sentence(f"http://admin:hunter2@{place}/hunter2")
        with Camera(f"http://admin:hunter2@{place}/live") as camera:
            next(iter(camera))
    assert "refuses the connection" in sentence(f"http://admin:hunter2@127.0.0.1:{free_port()}/live")
    with silence() as port:
        assert "does not answer within 3 s" in sentence(f"http://admin:hunter2@127.0.0.1:{port}/live")
    assert "no host of this name" in sentence("http://admin:hunter2@nothing.invalid/live")
    assert "hunter2" not in "".join(capfd.readouterr())


def test_a_password_that_is_refused_later_is_not_tried_often(monkeypatch):
    monkeypatch.setattr(edgevtn.sources.live, "LOCKOUT", 2.0)
    with MjpegCamera() as server, Camera(server.address) as camera:
        stream = iter(camera)
        next(stream)
        server.stop()
        server.password, server.asked = "new", 0
        server.start()
        timer, _ = later(3.0, lambda: setattr(server, "password", None))
        while camera.statistics.reconnects == 0:
            next(stream)
        timer.join()
        assert 2 <= server.asked <= 4  # without a lockout: more than five in three seconds
