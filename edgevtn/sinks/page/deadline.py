"""A connection on which no whole request comes in time is closed: uvicorn has no time-out before the first one."""

from __future__ import annotations

import asyncio
from typing import Any

#: Seconds for a request to come, from the connection or from its first byte on; as many as uvicorn gives to a
#: connection between two. A request is a line and some headers, or a label, which no network takes as long for.
PATIENCE = 5.0
#: States of h11 in which more of a request is to come.
UNFINISHED = ("IDLE", "SEND_BODY")


class _Deadline(asyncio.Protocol):
    """Goes before uvicorn's protocol, and closes what that leaves open.

    uvicorn ends its own time-out with any byte that comes. So this one goes on until the request is whole. While that
    is answered, as long as it takes, there is none.
    """

    _running: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._abort = getattr(transport, "abort", transport.close)  # `close` would wait for who does not read
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._stop()

    def _wait(self) -> None:
        """Begin to wait, go on, or stop when the request is whole."""
        state = getattr(getattr(self, "conn", None), "their_state", None)
        # In a uvicorn that keeps this elsewhere nobody knows whether a request has come; then nothing is closed.
        if str(state) not in UNFINISHED:
            self._stop()
        elif self._running is None:
            self._running = asyncio.get_running_loop().call_later(PATIENCE, self._abort)

    def _stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._running = None


def protocol() -> Any:
    """What uvicorn's `Config` takes as ``http``: its own protocol for h11 with a deadline, or that one as it is.

    The latter where it has another name or shape in another version of uvicorn: a page without a deadline is better
    than none.
    """
    try:
        from uvicorn.protocols.http.h11_impl import H11Protocol

        return type("DeadlineProtocol", (_Deadline, H11Protocol), {})
    except (ImportError, TypeError):
        return "h11"
