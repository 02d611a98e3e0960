"""Motion JPEG as cameras really send it: odd boundaries, lengths that are not known, redirects, single pictures."""

import contextlib
import http.server
import threading
from base64 import b64encode

import cv2
import numpy as np
import pytest
from cameras import eventually, numbered, reader_threads

from edgevtn.errors import SourceError
from edgevtn.sources import Camera

LOGIN = f"Basic {b64encode(b'admin:p@ss').decode()}"


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert eventually(lambda: not reader_threads(), 30)


@contextlib.contextmanager
def serving(answer):
    """An HTTP server that answers by a function of its handler."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with contextlib.suppress(OSError):
                answer(self)
            self.close_connection = True

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def send(handler, status, *headers):
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.end_headers()


def stream(handler, part, kind="multipart/x-mixed-replace; boundary=frame"):
    send(handler, 200, ("Content-Type", kind))
    for n in range(200):
        handler.wfile.write(part(picture(n)))


def picture(n):
    """A JPEG with bytes that look like ends of lines and boundaries here and there, whatever is in it."""
    rng = np.random.default_rng(n)
    _, jpeg = cv2.imencode(".jpg", rng.integers(0, 256, (48, 64, 3), np.uint8))
    return jpeg.tobytes()


def headers(jpeg):
    return b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)


BARE = b"Content-Type: image/jpeg\r\n\r\n"
#: What a camera sends for a picture.
PARTS = {
    "as it should be": lambda jpeg: b"--frame\r\n" + headers(jpeg) + jpeg + b"\r\n",
    "no length": lambda jpeg: b"--frame\r\n" + BARE + jpeg + b"\r\n",
    "a length of 0": lambda jpeg: b"--frame\r\nContent-Length: 0\r\n\r\n" + jpeg + b"\r\n",
    "no length, nothing before the boundary": lambda jpeg: b"--frame\r\n" + BARE + jpeg,
    "another boundary": lambda jpeg: b"--other\r\n" + headers(jpeg) + jpeg + b"\r\n",
    "another boundary, no length": lambda jpeg: b"--other\r\n" + BARE + jpeg + b"\r\n",
    "another boundary, no length, nothing before it": lambda jpeg: b"----other\r\n" + BARE + jpeg,
    "an empty line before the headers": lambda jpeg: b"--frame\r\n\r\n" + headers(jpeg) + jpeg + b"\r\n",
    "the same, no length": lambda jpeg: b"--frame\r\n\r\n" + BARE + jpeg + b"\r\n",
    "no headers at all": lambda jpeg: b"--frame\r\n\r\n" + jpeg + b"\r\n",
}


@pytest.mark.parametrize("kind", ["multipart/x-mixed-replace; boundary=frame", "multipart/x-mixed-replace"])
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_pictures_come_whole_however_they_are_parted(part, kind):
    from edgevtn.sources import mjpeg

    with serving(lambda handler: stream(handler, part, kind)) as port:
        connection = mjpeg.connect(f"http://127.0.0.1:{port}/live", "camera", 10)
        for n in range(190):
            _, frame = connection.read()
            expected = cv2.imdecode(np.frombuffer(picture(n), np.uint8), cv2.IMREAD_COLOR)
            np.testing.assert_array_equal(frame, expected)
        connection.interrupt()
        connection.close()


@pytest.mark.parametrize("place", ["/live/auth", "/auth"])
def test_the_password_is_known_after_a_redirect(place):
    def answer(handler):
        if handler.path == "/live":
            send(handler, 302, ("Location", place))
        elif handler.headers["Authorization"] != LOGIN:
            send(handler, 401, ("WWW-Authenticate", 'Basic realm="camera"'))
        else:
            stream(handler, PARTS["as it should be"])

    with serving(answer) as port, Camera(f"http://admin:p%40ss@127.0.0.1:{port}/live") as camera:
        _, frame = next(iter(camera))
        assert frame.shape == (48, 64, 3)


def test_the_password_goes_to_no_other_host():
    asked = []

    def thief(handler):
        asked.append(handler.headers["Authorization"])
        send(handler, 401, ("WWW-Authenticate", 'Basic realm="camera"'))

    with serving(thief) as elsewhere:
        target = f"http://localhost:{elsewhere}/auth"
        with (
            serving(lambda handler: send(handler, 302, ("Location", target))) as port,
            pytest.raises(SourceError, match="refuses the user or password"),
        ):
            Camera(f"http://admin:p%40ss@127.0.0.1:{port}/live")
    assert asked == [None]


def test_a_snapshot_is_no_stream():
    jpeg = numbered(1, 64, 48)

    def answer(handler):
        send(handler, 200, ("Content-Type", "image/jpeg"), ("Content-Length", str(len(jpeg))))
        handler.wfile.write(jpeg)

    with serving(answer) as port, pytest.raises(SourceError, match="gives a single picture; give the address of"):
        Camera(f"http://127.0.0.1:{port}/snapshot.jpg")
