"""A live stream of HTTP pieces (HLS), made by FFmpeg's muxer and served by the standard library."""

import functools
import http.server
import threading
import time
from fractions import Fraction

import av
import numpy as np

RATE = 10


class Hls:
    """Pictures whose grey rises by one each, 10 a second, in pieces of so many seconds; for a ``with`` statement."""

    def __init__(self, folder, seconds):
        self._folder, self._seconds, self._done = folder, seconds, threading.Event()
        self.away = threading.Event()  # the server answers 503 while it is set; pieces are made all the same
        handler = functools.partial(_Silent, self.away, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/live.m3u8"
        self._threads = [threading.Thread(target=target) for target in (self._server.serve_forever, self._produce)]

    def _produce(self):
        options = {"hls_time": str(self._seconds), "hls_list_size": "4", "hls_flags": "delete_segments"}
        with av.open(str(self._folder / "live.m3u8"), "w", format="hls", options=options) as container:
            stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "tune": "zerolatency"})
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.codec_context.gop_size = round(RATE * self._seconds)
            began, n = time.monotonic(), 0
            while not self._done.wait(max(0.0, began + n / RATE - time.monotonic())):
                picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), n % 256, np.uint8), format="bgr24")
                picture.pts, picture.time_base = n, Fraction(1, RATE)
                container.mux(stream.encode(picture))
                n += 1
            container.mux(stream.encode())

    def end(self):
        """The sender ends it, and says so."""
        self._done.set()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._done.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def __init__(self, away, *arguments, **options):
        self._away = away
        super().__init__(*arguments, **options)

    def do_GET(self):
        if self._away.is_set():
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, format, *arguments):
        pass
