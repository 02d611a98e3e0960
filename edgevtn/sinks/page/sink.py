"""The sink: it remembers what it is told, and a server in a thread of its own tells it to browsers."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from edgevtn.arrays import Frame
from edgevtn.defaults import ADDRESS
from edgevtn.errors import require
from edgevtn.prediction import Event, Prediction
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink
from edgevtn.sinks.origin import Origin
from edgevtn.sinks.page.address import listen, own_names, url
from edgevtn.sinks.page.app import application
from edgevtn.sinks.page.board import Board
from edgevtn.sinks.page.deadline import protocol
from edgevtn.sinks.page.guard import Guard
from edgevtn.sinks.page.pictures import Pictures
from edgevtn.sinks.page.requests import Lessons
from edgevtn.sinks.trouble import Trouble

#: Connections at a time: a browser has up to six.
MOST_CONNECTIONS = 32
#: Seconds that `close` gives answers under way, and then the thread.
FAREWELL, CLOSING = 1, 5.0
#: How far the server stands back behind recognition, on Linux's scale to 19.
NICENESS = 10


class Page(Sink):
    """A page in the browser: the picture, probabilities, events, and how the board is.

    Recognition only leaves a frame, a prediction or an event there, in microseconds. Everything else, encoding
    included, is done by the server's thread, which has a lower priority.

    Parameters
    ----------
    address : str
        ``host:port``; port 0 is one that is free.
    origin : Origin, optional
        Whose name, ids and times; its source tells of drops and reconnects.
    token : str, optional
        What a browser must know, 16 characters or more. Needed where others can reach the address.
    hosts : iterable of str
        Names by which the page may be called, besides this machine's and addresses in numbers.
    clips : mapping of str to Path, optional
        Files of events' clips by the events' ids, as `edgevtn.sinks.clips.Clips.files`; they become more.
    lessons : Lessons, optional
        An `edgevtn.teaching.lessons.Lessons`, to teach from the page. It is a sink of its own.

    Attributes
    ----------
    url : str
        For a browser; without the token.
    pictures : Pictures
        Who look, and how many pictures were encoded.

    Raises
    ------
    ValueError
        The address cannot be read, needs a token, or the token is short.
    OutputError
        The address cannot be listened at.
    MissingExtraError
    """

    wants_moments = True

    def __init__(
        self,
        address: str = ADDRESS,
        origin: Origin | None = None,
        *,
        token: str | None = None,
        hosts: Iterable[str] = (),
        clips: Mapping[str, Path] | None = None,
        lessons: Lessons | None = None,
    ) -> None:
        uvicorn: Any = require("uvicorn", "serve")
        self._board, self.pictures = Board(Origin("") if origin is None else origin), Pictures()
        app = application(self._board, self.pictures, clips, lessons)
        self._listener = listen(address, token)
        self.url = url(self._listener)
        trouble = Trouble(f"page {self.url}")
        names = own_names() | {name.lower() for name in hosts}
        guard = Guard(app, names, token, self._listener.getsockname()[1], trouble)
        # No log of requests: the token may stand in one. What fails is told by the guard.
        config = uvicorn.Config(
            guard, loop="asyncio", http=protocol(), ws="none", lifespan="off", interface="asgi3", log_config=None,
            log_level="critical", access_log=False, proxy_headers=False, server_header=False,
            limit_concurrency=MOST_CONNECTIONS, timeout_graceful_shutdown=FAREWELL,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="edgevtn page", daemon=True)
        self._thread.start()

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Leave it there; it is not copied."""
        self._board.frame(scene.source)
        self.pictures.show(frame, scene)

    def prediction(self, prediction: Prediction) -> None:
        """Leave it there."""
        self._board.prediction(prediction)

    def event(self, event: Event) -> None:
        """Leave it there."""
        self._board.event(event)

    def ended(self, source: str) -> None:
        """Forget the picture and predictions of a source from which no more will come, as after one of many files."""
        self._board.ended(source)
        self.pictures.ended(source)

    def close(self) -> None:
        """End streams, close the socket and end the thread; may be called twice."""
        self.pictures.closing = True
        self._server.should_exit = True
        self._thread.join(CLOSING)
        self._listener.close()

    def _serve(self) -> None:
        if sys.platform == "linux":  # there a thread has a priority of its own
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        self._server.run(sockets=[self._listener])
