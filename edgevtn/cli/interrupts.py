"""Ctrl-C and SIGTERM, which end a command wherever they find it."""

from __future__ import annotations

import _thread  # noqa: PLC2701  (documented, whatever its name says)
import signal
import sys
import time
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

#: Seconds after which an interrupt that was lost comes again: by then the code that lost it has ended.
AGAIN = 0.02


class Interrupts:
    """SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt within the block, and go on until it is heard.

    A handler runs wherever the main thread happens to be. Where that is a destructor or the callback of a weak
    reference, Python prints what it raises and goes on: Ctrl-C would do nothing. So it comes again a moment later.
    Where it is the start of a module of C, that makes an ImportError of it, and of the SystemExit of `Draining`; the
    block is left by what was meant.
    """

    def __init__(self) -> None:
        self._last = signal.SIGINT

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._last = signal.Signals(number)
        raise KeyboardInterrupt

    def _lost(self, unraisable: UnraisableHookArgs) -> None:
        """What Python calls instead of raising."""
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            # No `threading.Thread`: it takes locks that the code that was interrupted may hold.
            _thread.start_new_thread(_interrupt, (self._last,))
        elif not issubclass(unraisable.exc_type, SystemExit):  # of SIGTERM, which is remembered: see `Draining`
            self._hook(unraisable)

    def __enter__(self) -> Self:
        # What is ignored, as by nohup, stays so.
        kinds = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
        self._before = {
            kind: signal.signal(kind, self._handle) for kind in kinds if signal.getsignal(kind) is not signal.SIG_IGN
        }
        self._hook, sys.unraisablehook = sys.unraisablehook, self._lost
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.unraisablehook = self._hook
        for number, before in self._before.items():
            signal.signal(number, before)
        meant = error
        while meant is not None and not isinstance(meant, KeyboardInterrupt | SystemExit):
            meant = meant.__cause__
        if meant is not None and meant is not error:
            raise meant


def _interrupt(number: signal.Signals) -> None:
    time.sleep(AGAIN)
    _thread.interrupt_main(number)
