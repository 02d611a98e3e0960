"""The pictures, as JPEGs that a browser shows one after the other; encoded while somebody looks, and only then."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

import cv2

from edgevtn.arrays import Frame
from edgevtn.drawing import outline, shrunk
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.page.answers import plain
from edgevtn.sinks.page.guard import Receive, Scope, Send

#: Seconds between two pictures at least: enough to follow what happens, and a tenth of a core on a small board.
INTERVAL = 0.1
#: Pixels of the longer side; larger frames are scaled down, for that reason and the network's.
LONGEST_SIDE = 640
#: JPEG's quality, percent.
QUALITY = 75
#: Who may look at a time: every further one is a stream over what may be a weak wireless network.
MOST_VIEWERS = 4
#: Seconds for a picture to be taken over; a phone that went away without a word makes room then.
PATIENCE = 10.0


class Pictures:
    """The newest frame of each source, and an ASGI application that streams one of them to a viewer.

    The address may have ``?source=NAME``; without it the first source is shown.

    Attributes
    ----------
    encoded : int
        JPEGs made so far. Viewers share them.
    viewers : int
        Who look at the moment.
    closing : bool
        Set it to end all streams.
    """

    def __init__(self) -> None:
        self.encoded = self.viewers = 0
        self.closing = False
        self._shown = 0  # frames, of all sources
        self._newest: dict[str, tuple[int, Frame, Scene]] = {}  # by source, as `plain` writes it
        self._jpegs: dict[str, tuple[int, bytes]] = {}

    @property
    def sources(self) -> list[str]:
        """Names of the sources that gave a frame, in that order; "" is the only one's."""
        return list(self._newest.copy())

    def show(self, frame: Frame, scene: Scene = WHOLE) -> None:
        """Remember a frame; nothing is done with it yet."""
        self._shown += 1
        self._newest[plain(scene.source)] = self._shown, frame, scene

    def ended(self, source: str) -> None:
        """Forget the frame of a source from which no more will come."""
        self._newest.pop(plain(source), None)
        self._jpegs.pop(plain(source), None)

    def jpeg(self, source: str | None = None) -> tuple[int, bytes]:
        """The number of a source's newest frame, from 1 over all sources, and itself; 0 and nothing without one."""
        if source is None:
            source = next(iter(self.sources), "")
        newest = self._newest.get(source)
        if newest is None:
            return 0, b""
        number, frame, scene = newest
        known = self._jpegs.get(source, (0, b""))
        if known[0] == number:
            return known
        ok, encoded = cv2.imencode(".jpg", _drawn(frame, scene), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        assert ok
        self.encoded += 1
        made = self._jpegs[source] = number, encoded.tobytes()
        if source not in self._newest:  # it has ended meanwhile, in the other thread
            self._jpegs.pop(source, None)
        return made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream to a viewer until it goes; say 503 to one too many."""
        if self.viewers >= MOST_VIEWERS:
            text = f"{MOST_VIEWERS} others look at the picture already.\n".encode()
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"5")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": text})
            return
        headers = [(b"content-type", b"multipart/x-mixed-replace; boundary=picture")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        self.viewers += 1
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            if scope["method"] == "GET":
                query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
                await self._stream(query.get("source", [None])[0], send, gone)
            await asyncio.wait_for(send({"type": "http.response.body", "body": b""}), PATIENCE)
        except TimeoutError:
            pass  # the server closes the connection
        finally:
            self.viewers -= 1
            gone.cancel()

    async def _stream(self, source: str | None, send: Send, gone: asyncio.Future[None]) -> None:
        # A browser shows a picture when the next boundary has come, so that follows at once.
        shown, before = 0, b"--picture\r\n"
        while not (self.closing or gone.done()):
            number, jpeg = self.jpeg(source)
            if number and number != shown:  # a source that has ended leaves its last picture there
                part = before + b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                body = part + jpeg + b"\r\n--picture\r\n"
                await asyncio.wait_for(send({"type": "http.response.body", "body": body, "more_body": True}), PATIENCE)
                shown, before = number, b""
            await asyncio.wait({gone}, timeout=INTERVAL)


def _drawn(frame: Frame, scene: Scene) -> Frame:
    """A smaller copy on which what no model sees is dark."""
    picture = shrunk(frame, LONGEST_SIDE)
    H, W = picture.shape[:2]
    dark = picture // 3
    for box in scene.boxes(H, W).values():
        box.square.cut(dark)[:] = box.square.cut(picture)
    outline(dark, scene)
    return dark


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
