"""Real servers for tests: a camera that sends JPEG pictures over HTTP, and GStreamer's RTSP server."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import socket
import subprocess
import threading
import time
from base64 import b64encode
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

RTSP_SERVER = Path(__file__).with_name("rtsp_server.py")
#: Debian's, for which its GStreamer modules are installed.
SYSTEM_PYTHON = Path("/usr/bin/python3")


@cache
def numbered(number: int, width: int, height: int) -> bytes:
    """A JPEG of one grey: 4 times the number, of which 60 are told apart."""
    ok, jpeg = cv2.imencode(".jpg", np.full((height, width, 3), 4 * (number % 60), np.uint8))
    assert ok
    return jpeg.tobytes()


class MjpegCamera:
    """A camera at http://127.0.0.1:PORT/live whose failures are asked for by setting its attributes."""

    def __init__(self, rate: float = 25.0, size: tuple[int, int] = (64, 48), port: int = 0) -> None:
        self.rate, self.size = rate, size
        self.password: str | None = None  # of the user "admin"
        self.frozen = False  # nothing more is sent, and nothing closed
        self.still = False  # the same picture again and again
        self.bad = 0  # so many of the next pictures are garbage
        self.counts = True  # pictures have their length before them
        self.sent = self.asked = 0  # pictures, and requests
        self._clients: set[socket.socket] = set()
        self._stopping = threading.Event()
        if port == 0:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
        self.port = port

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/live"

    def start(self) -> None:
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera._clients.add(self.connection)
                with contextlib.suppress(OSError):
                    camera._answer(self)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._stopping.clear()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def stopped(self) -> bool:
        """Whether it was, and not started again."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """As when its plug is pulled, but that the sockets are closed."""
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self._clients.clear()
        self._server.server_close()  # joins the handlers' threads

    def picture(self, number: int) -> bytes:
        """The JPEG that is sent after so many others; another camera may show something else."""
        return numbered(number, *self.size)

    def _answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.asked += 1
        login = f"Basic {b64encode(f'admin:{self.password}'.encode()).decode()}"
        if self.password is not None and handler.headers["Authorization"] != login:
            handler.send_response(401)
            handler.send_header("WWW-Authenticate", 'Basic realm="camera"')
            handler.end_headers()
            return
        if handler.path != "/live":
            handler.send_error(404)
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        while not self._stopping.wait(1 / self.rate):
            if self.frozen:
                continue
            if not self.still:
                self.sent += 1
            content = self.picture(self.sent)
            if self.bad > 0:
                self.bad -= 1
                content = content[: len(content) // 2]
            length = f"Content-Length: {len(content)}\r\n" if self.counts else ""
            handler.wfile.write(f"--frame\r\nContent-Type: image/jpeg\r\n{length}\r\n".encode() + content + b"\r\n")

    def __enter__(self) -> MjpegCamera:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._stopping.is_set():
            self.stop()


class RtspCamera:
    """GStreamer's RTSP server at rtsp://127.0.0.1:PORT/live, in a process of its own."""

    def __init__(self, size: tuple[int, int] = (160, 120), rate: int = 25, login: tuple[str, ...] = ()) -> None:
        self.size, self.rate, self.login = size, rate, login
        self.port = 0

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/live"

    def start(self) -> None:
        arguments = [self.port, *self.size, self.rate, *self.login]
        self.process = subprocess.Popen(
            [SYSTEM_PYTHON, RTSP_SERVER, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            _, error = self.process.communicate()
            pytest.skip(f"no RTSP server: {error.strip().splitlines()[-1]}")
        self.port = int(line)

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def slow(self) -> None:
        """To a picture a second."""
        os.kill(self.process.pid, signal.SIGUSR1)

    def hurry(self) -> None:
        os.kill(self.process.pid, signal.SIGUSR2)

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()

    def __enter__(self) -> RtspCamera:
        if not SYSTEM_PYTHON.exists():
            pytest.skip(f"no RTSP server: {SYSTEM_PYTHON} is not there")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def eventually(check: object, seconds: float = 15.0) -> bool:
    """Whether it comes true within the seconds: for what the operating system does in its own time."""
    assert callable(check)
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def reader_threads() -> list[threading.Thread]:
    """Threads of sources that are still there."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("edgevtn")]
