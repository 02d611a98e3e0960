"""A real RTSP server that is killed, frozen and changed, read both ways: the source is found again.

Bounds are generous, as machines are busy; ``pytest -s`` prints the times.
"""

import contextlib
import gc
import hashlib
import http.client
import itertools
import os
import re
import socketserver
import sys
import threading
import time

import psutil
import pytest
from cameras import RtspCamera, eventually, reader_threads
from watched import BUSY, NOTICES, RESUMES, Watched, free_port, later, report, sentence, silence

import edgevtn.sources.live
from edgevtn import SourceError, frames
from edgevtn.sources import Camera
from edgevtn.sources.live import Persistence
from edgevtn.sources.stream import VARIABLE

#: Patience of those that are frozen; the usual one is that of a camera over HTTP, in test_reconnect.py.
HASTY = 1.5


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


def test_reasons_over_rtsp(decoder, capfd, monkeypatch):
    with RtspCamera(login=("admin", "hunter2")) as server:
        place = f"127.0.0.1:{server.port}"
        assert "refuses the user or password (401)" in sentence(server.address)
        assert "refuses the user or password (401)" in sentence(f"rtsp://admin:hunter@{place}/live")
        with Camera(f"rtsp://admin:hunter2@{place}/live") as camera:
            next(iter(camera))
    with RtspCamera() as server:
        assert "nothing under this path (404)" in sentence(f"{server.address}/hunter2")
    assert "refuses the connection" in sentence(f"rtsp://admin:hunter2@127.0.0.1:{free_port()}/live")
    monkeypatch.setattr("edgevtn.sources.stream.OPENING", 1.0)
    with silence() as port:
        place = f"rtsp://admin:hunter2@127.0.0.1:{port}/live"
        assert "does not answer within 1 s" in sentence(place, patience=1.0)
    assert "no host of this name" in sentence("rtsp://admin:hunter2@nothing.invalid/live")
    assert "hunter2" not in "".join(capfd.readouterr())


def test_rtsp_killed_and_restarted_with_another_size(tiny, decoder):
    with RtspCamera() as server, Watched(server.address, tiny) as watched:
        _, frame = watched.predict()
        assert frame.shape == (120, 160, 3)
        server.stop()
        server.size, server.rate = (320, 240), 15
        timer, done = later(1.0, server.start)
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
    with RtspCamera() as server, Watched(server.address, tiny, patience=HASTY) as watched:
        watched.predict()
        server.freeze()
        began = time.monotonic()
        timer, done = later(1.5 * HASTY, server.thaw)
        lost, back, why = watched.until_lost()
        timer.join()
        report(f"rtsp frozen, {decoder}: noticed in", lost - began)
        report(f"rtsp frozen, {decoder}: back after the stream's return in", back - done[0])
        assert lost - began < HASTY + NOTICES - Persistence.patience + BUSY
        assert back - done[0] < RESUMES + BUSY
        assert f"gave no picture for {HASTY:g} s" in why
        watched.predict()


@pytest.mark.filterwarnings("ignore:the source gives")
def test_rtsp_slowed_to_a_picture_a_second_is_not_lost(tiny, decoder):
    with RtspCamera() as server, Watched(server.address, tiny) as watched:
        watched.predict()
        server.slow()
        began, slow = watched.last, 0
        while slow < 3:
            before = watched.last
            watched.step()
            slow += watched.last - before > 0.9
        server.hurry()
        watched.predict()
        report(f"rtsp slowed, {decoder}: seconds of it", watched.last - began)
        assert watched.told == []
        assert watched.camera.statistics.reconnects == 0


def test_rtsp_started_late(tiny, decoder):
    with RtspCamera() as server:
        server.stop()
        with pytest.raises(SourceError, match="refuses the connection"):
            frames(server.address)
        timer, done = later(1.5, server.start)
        with Watched(server.address, tiny, wait=True) as watched:
            watched.predict(1)
            timer.join()
            (_, waiting), (back, there) = watched.told
            report(f"rtsp late, {decoder}: there after its start in", back - done[0])
            assert "refuses the connection" in waiting
            assert "is there after" in there
            assert back - done[0] < RESUMES + BUSY
            assert watched.camera.statistics.reconnects == 0


def test_rtsp_of_few_pictures_opens(decoder):
    with RtspCamera(rate=5) as server, Camera(server.address.replace("rtsp:", "RTSP:")) as camera:
        assert len(list(itertools.islice(camera, 5))) == 5
        assert VARIABLE not in os.environ  # files would be read otherwise with it


def test_a_right_password_of_a_camera_that_is_not_ready(decoder):
    with RtspCamera(size=(0, 0), login=("admin", "hunter2")) as server:
        address = f"rtsp://admin:hunter2@127.0.0.1:{server.port}/live"
        assert "(401)" not in sentence(address, give_up=0)
        assert "refuses the user or password (401)" in sentence(address.replace("hunter2", "hunter"))


class _Digest(socketserver.StreamRequestHandler):
    """Wants a digest login (RFC 2617), and is not ready for who has it."""

    def handle(self):
        with contextlib.suppress(OSError):
            while words := self.rfile.readline().split():
                headers = http.client.parse_headers(self.rfile)
                status = "503 Service Unavailable" if self.knows(words, headers) else "401 Unauthorized"
                wants = 'WWW-Authenticate: Digest realm="camera", nonce="7f3a"'
                self.wfile.write(f"RTSP/1.0 {status}\r\nCSeq: {headers['CSeq']}\r\n{wants}\r\n\r\n".encode())

    def knows(self, words, headers):
        found = dict(re.findall(r'(\w+)="([^"]*)"', headers.get("Authorization", "")))
        login, what = (
            hashlib.md5(text.encode()).hexdigest()
            for text in ("admin:camera:hunter2", f"{words[0].decode()}:{found.get('uri')}")
        )
        return found.get("response") == hashlib.md5(f"{login}:7f3a:{what}".encode()).hexdigest()


def test_a_digest_login_of_a_camera_that_is_not_ready(decoder):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Digest) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        place = f"127.0.0.1:{server.server_address[1]}/live"
        assert "(401)" not in sentence(f"rtsp://admin:hunter2@{place}", give_up=0)
        assert "refuses the user or password (401)" in sentence(f"rtsp://admin:hunter@{place}")
        server.shutdown()
        thread.join()


def test_rtsp_lost_again_and_again_leaves_nothing(decoder, monkeypatch):
    """Also where no garbage is collected: a stream that nothing happens in makes too little of it."""
    monkeypatch.setattr(edgevtn.sources.live, "LONGEST_WAIT", 0.05)
    process = psutil.Process()
    with RtspCamera() as server, Camera(server.address) as camera:
        stream = iter(camera)
        next(stream)
        threads, files = process.num_threads(), process.num_fds()
        gc.disable()
        try:
            for n in range(5):
                server.stop()
                server.start()
                while camera.statistics.reconnects == n:
                    next(stream)
            assert eventually(lambda: process.num_threads() <= threads)
            assert eventually(lambda: process.num_fds() <= files)
        finally:
            gc.enable()


def test_rtsp_stamps_are_the_senders(decoder):
    with RtspCamera(rate=20) as server, Camera(server.address) as camera:
        times = [timestamp for timestamp, _ in itertools.islice(camera, 40)]
        assert camera.wall_clock(times[-1]) == pytest.approx(time.time(), abs=2)
    steps = [b - a for a, b in itertools.pairwise(times[20:])]
    assert sorted(steps)[len(steps) // 2] == pytest.approx(0.05, rel=0.02)
    assert min(steps) > 0
