"""A sink that cannot stop or slow recognition, whatever it does."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from edgevtn.arrays import Frame
from edgevtn.prediction import Event, Prediction
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink, as_sink, telling
from edgevtn.sinks.trouble import Trouble

#: What waits for the sink at most; some seconds of frames.
MOST_WAITING = 100
#: Seconds that `close` gives it.
CLOSING = 5.0


class Apart(Sink):
    """Tells another sink everything, in order, in a thread of its own.

    If the sink raises, that is said once, and it is told what comes next. If it hangs, what does not find room
    is lost, frames and all; that is said once, too. Nothing is kept: see `edgevtn.sinks.delivery` for what is.

    Parameters
    ----------
    thing
        A sink, or what `as_sink` makes one.
    name : str, optional
        For messages.
    """

    def __init__(self, thing: object, name: str | None = None) -> None:
        self._sink = as_sink(thing)
        self._frame, self.wants_moments = telling(self._sink), self._sink.wants_moments
        self._trouble = Trouble(name or type(thing).__name__)
        self._waiting: queue.Queue[tuple[Callable[..., object], tuple[Any, ...]]] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._work, name=f"edgevtn {self._trouble.name}", daemon=True)
        self._closing, self._left = threading.Event(), threading.Event()

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Pass it on."""
        self._put(self._frame, frame, timestamp, scene)

    def prediction(self, prediction: Prediction) -> None:
        """Pass it on."""
        self._put(self._sink.prediction, prediction)

    def event(self, event: Event) -> None:
        """Pass it on."""
        self._put(self._sink.event, event)

    def pulse(self) -> None:
        """Pass it on."""
        self._put(self._sink.pulse)

    def ended(self, source: str) -> None:
        """Pass it on."""
        self._put(self._sink.ended, source)

    def close(self) -> None:
        """Close the sink, if what was passed on is done with in five seconds; else leave it behind.

        Where it hung, and goes on later, it closes then.
        """
        if self._closing.is_set():
            return
        self._closing.set()
        end = time.monotonic() + CLOSING
        self._put(self._sink.close, wait=CLOSING)
        self._thread.join(max(0.0, end - time.monotonic()))
        if self._thread.is_alive():
            self._left.set()
            self._trouble.once("hangs; it was left behind")

    def _put(self, method: Callable[..., object], *arguments: Any, wait: float = 0.0) -> None:
        if not self._thread.is_alive() and self._thread.ident is None:
            self._thread.start()
        try:
            self._waiting.put((method, arguments), wait > 0, wait or None)
        except queue.Full:
            self._trouble.once("does not keep up; what it is not told is lost")

    def _work(self) -> None:
        method: Callable[..., object] | None = None
        while method != self._sink.close:
            method, arguments = self._waiting.get()
            if self._left.is_set():  # what waits is old, and the end may have found no room
                method, arguments = self._sink.close, ()
            try:
                method(*arguments)
            except Exception as error:
                self._trouble.once(f"failed ({type(error).__name__}: {error}); recognition goes on")
