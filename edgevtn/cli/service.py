"""What a service manager such as systemd is told, and how it ends a run."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from types import FrameType, TracebackType
from typing import Self

#: How often a service says that it lives in the time that it is given for that: two signs may be late.
SIGNS = 3


class Service:
    """Speaks systemd's protocol (`man sd_notify`) where there is someone to listen; else it does nothing.

    Parameters
    ----------
    environment : mapping of str to str
        With NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, if systemd has set them.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        period = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._every = int(period) / 1e6 / SIGNS if ours and period.isdecimal() else None
        self._last = 0.0

    def reloading(self) -> None:
        """It ends what it does and begins anew; `ready` follows."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def ready(self) -> None:
        """Recognition begins."""
        self._send("READY=1")

    def alive(self) -> None:
        """Recognition goes on; as often as one likes."""
        now = time.monotonic()
        if self._every is not None and now - self._last >= self._every:
            self._last = now
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """It ends by itself, or because it was told to."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        # Nobody who listens badly may hold up recognition.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
            unix.setblocking(False)
            unix.sendto(message.encode(), address)


class Draining:
    """SIGTERM, and SIGHUP of a terminal that is closed, end the block's work as the end of its sources would.

    Events and sinks are closed, and the status is 0.

    Attributes
    ----------
    asked : bool
        Whether one of them came.
    """

    def __init__(self) -> None:
        self.asked = False
        self._stop: Callable[[], object] | None = None

    def by(self, stop: Callable[[], object] | None) -> None:
        """What ends the work from now on; before that there is nothing to end."""
        self._stop = stop
        if self.asked and stop is not None:  # a handler raised where Python lets nothing be raised
            stop()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if self._stop is None:
            raise SystemExit(0)
        self._stop()

    def __enter__(self) -> Self:
        # What is ignored, as by nohup, stays so.
        kinds = [kind for kind in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(kind) is not signal.SIG_IGN]
        self._before = {kind: signal.signal(kind, self._handle) for kind in kinds}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
