"""Real servers that are killed, frozen, slowed, late and changed: the source is found again, and says what it was.

Bounds are generous, as machines are busy; ``pytest -s`` prints the times.
"""

import contextlib
import itertools
import socket
import sys
import time

import psutil
import pytest
from cameras import MjpegCamera, RtspCamera, eventually, reader_threads

import edgevtn.sources.live
from edgevtn import Recognizer, SourceError, frames
from edgevtn.sources import Camera

#: Seconds that are promised, and how much longer a busy machine may take in a test.
RESUMES, NOTICES, BUSY = 5.0, 4.0, 4.0


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert eventually(lambda: not reader_threads(), 30)


@pytest.fixture(params=["pyav", "opencv"])
def decoder(request, monkeypatch):
    """Both ways to read RTSP."""
    if request.param == "pyav":
        pytest.importorskip("av")
    else:
        monkeypatch.setitem(sys.modules, "av", None)
    return request.param


class Watched:
    """A camera whose pictures go to a recogniser; knows when what came."""

    def __init__(self, address, tiny, **options):
        self.told, self.camera = [], Camera(address, notify=self._hear, **options)
        self.recognizer, self.stream = Recognizer(tiny, threads=1), iter(self.camera)
        self.last = self.prediction = None

    def _hear(self, sentence):
        self.told.append((time.monotonic(), sentence))

    def step(self):
        """The next picture."""
        timestamp, frame = next(self.stream)
        assert self.last is None or timestamp > self.last
        self.last = timestamp
        prediction = self.recognizer(frame, timestamp)
        if prediction is not None:
            self.prediction = prediction
        return frame

    def predict(self, count=3):
        """Go on until there were so many predictions; the seconds that the first took."""
        began, first = time.monotonic(), None
        for _ in range(count):
            self.prediction = None
            while self.prediction is None:
                frame = self.step()
            first = first or time.monotonic() - began
        return first, frame

    def until_lost(self):
        """Go on until it is lost and found again; when it was told to be lost, and the seconds until it was back."""
        count = len(self.told)
        while len(self.told) < count + 2:
            self.step()
        (lost, why), (back, what) = self.told[count:]
        assert "waiting for it" in why
        assert "is back after" in what
        return lost, back, why

    def __enter__(self):
        self.camera.__enter__()
        return self

    def __exit__(self, *error):
        self.camera.__exit__(*error)


def later(delay, *actions):
    """Do it in some seconds, while this thread reads."""
    import threading

    done = []

    def act():
        for action in actions:
            action()
        done.append(time.monotonic())

    timer = threading.Timer(delay, act)
    timer.start()
    return timer, done


def report(what, seconds):
    print(f"{what}: {seconds:.2f} s")


def test_mjpeg_killed_and_restarted_with_another_size(tiny):
    with MjpegCamera() as server, Watched(server.address, tiny) as watched:
        watched.predict()
        server.stop()
        server.size, server.rate = (96, 64), 50.0
        timer, done = later(2.0, server.start)
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


@pytest.mark.parametrize("how", ["frozen", "still"])
def test_mjpeg_that_hangs_is_noticed(tiny, how):
    with MjpegCamera() as server, Watched(server.address, tiny) as watched:
        watched.predict()
        setattr(server, how, True)
        began = time.monotonic()
        timer, done = later(4.5, lambda: setattr(server, how, False))
        lost, back, why = watched.until_lost()
        timer.join()
        report(f"mjpeg {how}: noticed in", lost - began)
        report(f"mjpeg {how}: back after the stream's return in", back - done[0])
        assert lost - began < NOTICES + BUSY
        assert back - done[0] < RESUMES + BUSY
        assert ("same picture" if how == "still" else "no picture for 3 s") in why
        watched.predict()


@pytest.mark.filterwarnings("ignore:the source gives")
def test_mjpeg_slowed_to_a_picture_a_second_is_not_lost(tiny):
    with MjpegCamera() as server, Watched(server.address, tiny) as watched:
        watched.predict()
        server.rate = 1.0
        for _ in range(5):
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
    with MjpegCamera(rate=200) as server:
        with Camera(server.address) as camera:
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


def sentence(address, **options):
    began = time.monotonic()
    with pytest.raises(SourceError) as caught, Camera(address, **options) as camera:
        next(iter(camera))
    assert "hunter2" not in str(caught.value)
    report(f"{caught.value} -- told in", time.monotonic() - began)
    return str(caught.value)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextlib.contextmanager
def silence():
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


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


def test_reasons_over_rtsp(decoder, monkeypatch, capfd):
    monkeypatch.setattr("edgevtn.sources.link.OPENING", 1.0)
    with RtspCamera(login=("admin", "hunter2")) as server:
        place = f"127.0.0.1:{server.port}"
        assert "refuses the user or password (401)" in sentence(server.address)
        assert "refuses the user or password (401)" in sentence(f"rtsp://admin:hunter@{place}/live")
    monkeypatch.undo()
    if decoder == "opencv":
        monkeypatch.setitem(sys.modules, "av", None)
    with RtspCamera(login=("admin", "hunter2")) as server:
        with Camera(f"rtsp://admin:hunter2@127.0.0.1:{server.port}/live") as camera:
            next(iter(camera))
    with RtspCamera() as server:
        assert "nothing under this path (404)" in sentence(f"{server.address}/hunter2")
    assert "refuses the connection" in sentence(f"rtsp://admin:hunter2@127.0.0.1:{free_port()}/live")
    with silence() as port:
        assert "does not answer within 5 s" in sentence(f"rtsp://admin:hunter2@127.0.0.1:{port}/live")
    assert "no host of this name" in sentence("rtsp://admin:hunter2@nothing.invalid/live")
    assert "hunter2" not in "".join(capfd.readouterr())


def test_rtsp_killed_and_restarted_with_another_size(tiny, decoder):
    with RtspCamera() as server, Watched(server.address, tiny) as watched:
        _, frame = watched.predict()
        assert frame.shape == (120, 160, 3)
        server.stop()
        server.size, server.rate = (320, 240), 15
        timer, done = later(2.0, server.start)
        _, back, why = watched.until_lost()
        timer.join()
        report(f"rtsp killed, {decoder}: back after the stream's return in", back - done[0])
        assert back - done[0] < RESUMES + BUSY
        assert "stopped delivering frames" in why
        before = watched.last
        _, frame = watched.predict()
        assert frame.shape == (240, 320, 3)
        assert watched.prediction.window_start >= before
        assert watched.camera.statistics.reconnects == 1


def test_rtsp_frozen_is_noticed(tiny, decoder):
    with RtspCamera() as server, Watched(server.address, tiny) as watched:
        watched.predict()
        server.freeze()
        began = time.monotonic()
        timer, done = later(4.5, server.thaw)
        lost, back, why = watched.until_lost()
        timer.join()
        report(f"rtsp frozen, {decoder}: noticed in", lost - began)
        report(f"rtsp frozen, {decoder}: back after the stream's return in", back - done[0])
        assert lost - began < NOTICES + BUSY
        assert back - done[0] < RESUMES + BUSY
        assert "gave no picture for 3 s" in why
        watched.predict()


def test_rtsp_stamps_are_the_senders(decoder):
    with RtspCamera(rate=20) as server, Camera(server.address) as camera:
        times = [timestamp for timestamp, _ in itertools.islice(camera, 40)]
        assert camera.wall_clock(times[-1]) == pytest.approx(time.time(), abs=2)
    steps = [b - a for a, b in itertools.pairwise(times[20:])]
    assert sorted(steps)[len(steps) // 2] == pytest.approx(0.05, rel=0.02)
    assert min(steps) > 0
