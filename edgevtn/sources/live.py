"""Cameras and live streams: a thread reads them, and the latest frame wins."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import cv2

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError
from edgevtn.sources.base import Source
from edgevtn.sources.capture import as_frame, open_capture

#: Seconds to wait for the reader to leave a blocking read. OpenCV's own camera time-out is 10 s; the thread is
#: a daemon, so that even one that never returns does not keep the process alive.
LONGEST_JOIN = 2.0


class Live(Source):
    """A camera or live URL, read by a thread of its own so that a slow consumer sees the present.

    Timestamps are seconds since the source was opened, by the monotonic clock, taken when a frame arrived.

    Parameters
    ----------
    device : int or cv2.VideoCapture
        A camera's index, or a capture that is open already.
    name : str
        For messages; no passwords.
    """

    def __init__(self, device: int | cv2.VideoCapture, name: str) -> None:
        self._name = name
        if isinstance(device, int):
            device = open_capture(
                device,
                f"{name} cannot be opened; is it plugged in (ls /dev/video*), used by another program, "
                "or not yours to read (group video)?",
            )
            device.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # older frames would only be thrown away
        self._capture = device
        self._began = time.monotonic()
        self._changed = threading.Condition()
        self._latest: tuple[float, Frame] | None = None
        self._ended = False
        self._closing = False
        self._thread = threading.Thread(target=self._read, name=f"edgevtn {name}", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while not self._closing:
                try:
                    ok, picture = self._capture.read()
                except cv2.error:
                    break
                if not ok or picture is None:
                    break
                arrived, frame = time.monotonic() - self._began, as_frame(picture)
                with self._changed:
                    self._latest = arrived, frame
                    self._changed.notify_all()
        finally:  # whatever went wrong, nobody waits for ever
            with self._changed:
                self._ended = True
                self._changed.notify_all()
            self._capture.release()

    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        """Yield (seconds, frame) until `close`; raises SourceError when the source stops delivering."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._latest or self._ended or self._closing)
                newest, self._latest = self._latest, None
            if newest is None:
                if self._closing:
                    return
                raise SourceError(f"{self._name} stopped delivering frames; is it still connected?")
            yield newest

    def close(self) -> None:
        """Stop the reader; may be called twice."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(LONGEST_JOIN)
