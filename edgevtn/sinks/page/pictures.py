"""The picture, as JPEGs that a browser shows one after the other; encoded while somebody looks, and only then."""

from __future__ import annotations

import asyncio
from typing import cast

import cv2

from edgevtn.arrays import Frame
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
#: BGR of the square's edge.
EDGE = (0, 159, 230)


class Pictures:
    """The newest frame, and an ASGI application that streams it to a few viewers.

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
        self._newest: tuple[int, Frame] | None = None
        self._jpeg = 0, b""

    def show(self, frame: Frame) -> None:
        """Remember a frame; nothing is done with it yet."""
        self._newest = (1 if self._newest is None else self._newest[0] + 1), frame

    def jpeg(self) -> tuple[int, bytes]:
        """The newest frame's number, from 1, and itself; 0 and nothing before the first."""
        newest = self._newest
        if newest is not None and newest[0] != self._jpeg[0]:
            ok, encoded = cv2.imencode(".jpg", _drawn(newest[1]), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            assert ok
            self.encoded += 1
            self._jpeg = newest[0], encoded.tobytes()
        return self._jpeg

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
                await self._stream(send, gone)
            await asyncio.wait_for(send({"type": "http.response.body", "body": b""}), PATIENCE)
        except TimeoutError:
            pass  # the server closes the connection
        finally:
            self.viewers -= 1
            gone.cancel()

    async def _stream(self, send: Send, gone: asyncio.Future[None]) -> None:
        # A browser shows a picture when the next boundary has come, so that follows at once.
        shown, before = 0, b"--picture\r\n"
        while not (self.closing or gone.done()):
            number, jpeg = self.jpeg()
            if number != shown:
                part = before + b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                body = part + jpeg + b"\r\n--picture\r\n"
                await asyncio.wait_for(send({"type": "http.response.body", "body": body, "more_body": True}), PATIENCE)
                shown, before = number, b""
            await asyncio.wait({gone}, timeout=INTERVAL)


def _drawn(frame: Frame) -> Frame:
    """A smaller copy on which what the model does not see is dark."""
    H, W = frame.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(H, W))
    size = max(1, round(W * scale)), max(1, round(H * scale))
    picture = cast(Frame, cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if scale < 1 else frame.copy())
    H, W = picture.shape[:2]
    side = min(H, W)
    top, left = (H - side) // 2, (W - side) // 2
    for outside in (picture[:top], picture[top + side :], picture[:, :left], picture[:, left + side :]):
        outside //= 3
    cv2.rectangle(picture, (left, top), (left + side - 1, top + side - 1), EDGE, max(1, side // 200))
    return picture


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
