"""Events for whom they may not reach at once: recognition neither waits nor fails, and nothing is lost on the way."""

from __future__ import annotations

import contextlib
import queue
import random
import threading
import time
from abc import abstractmethod
from pathlib import Path

from edgevtn.arrays import Frame
from edgevtn.prediction import Event, Prediction
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink
from edgevtn.sinks.origin import Origin
from edgevtn.sinks.spool import Message, Spool
from edgevtn.sinks.trouble import Trouble

#: Events that wait for the keeper at most; it takes a disk that hangs for minutes to have so many.
MOST_IN_MEMORY = 10_000
#: Seconds between two attempts: the first, and the longest.
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
#: The longest between two attempts to write: what is in memory alone is lost by a kill, and an attempt is cheap.
LONGEST_UNWRITTEN = 5.0
#: Seconds between two attempts to write when it is time to close.
LAST_WAIT = 0.2
#: Seconds that `close` gives what is left; what is not delivered then stays in the spool.
CLOSING = 5.0
#: Seconds that it gives a carrier to end after that; a connection that is being made cannot be broken off.
ENDING = 5.0


class Refused(Exception):
    """The other side will never take this message; the next one has its turn."""


class Delivery(Sink):
    """Keeps messages in a spool, and delivers them in order, each until it has been taken.

    Two threads work: the keeper takes events and writes them to the spool, the carrier delivers. So a carrier that
    hangs does not keep events from the disk. What a full disk does not take is delivered all the same, and written
    when there is room. A kind of delivery says what is to be delivered (`messages`) and delivers it (`deliver`). The
    threads begin with the first thing that is told.

    Parameters
    ----------
    name : str
        For messages to people; no password.
    origin : Origin, optional
        Whose records; without it the source has no name.
    spool : path, optional
        A file; without it what is not delivered is lost when the sink is closed.

    Raises
    ------
    OutputError
        The spool cannot be written, or is in use.
    """

    def __init__(self, name: str, origin: Origin | None = None, spool: str | Path | None = None) -> None:
        self.origin = Origin("") if origin is None else origin
        self.spool = Spool(spool)
        self.trouble = Trouble(name)
        if self.spool.damaged is not None:
            self.trouble.once(f"the spool was damaged; it was moved to {self.spool.damaged}, and a new one begun")
        self._told: queue.Queue[list[tuple[str, bytes]]] = queue.Queue(MOST_IN_MEMORY)
        self._more = threading.Condition()  # something was kept, it is time to close, or `wake` was called
        self._woken = False
        self.closing = threading.Event()
        self._deadline = float("inf")
        self._left_behind = False  # closed, though threads go on: they are to end, and to say nothing
        self._threads: list[threading.Thread] = []

    @abstractmethod
    def messages(self, event: Event) -> list[tuple[str, bytes]]:
        """What to deliver of an event: (route, payload) pairs, in order; none if it is of no interest."""

    @abstractmethod
    def deliver(self, message: Message) -> None:
        """Deliver a message; return when the other side has it.

        Raises
        ------
        Refused
            It will never be taken.
        Exception
            It was not taken; it is tried again, in a while.
        """

    def opened(self) -> None:
        """Called in the carrier's thread before anything is delivered."""

    def idle(self) -> None:
        """Called in the carrier's thread when `wake` was, and nothing waits to be delivered before."""

    def closed(self) -> None:
        """Called in the carrier's thread at the end."""

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Begin, and let the wall clock begin with the first frame."""
        self.origin.wall_clock(timestamp, scene.source)
        if not self._threads:
            self._start()

    def prediction(self, prediction: Prediction) -> None:
        """Nothing."""

    def event(self, event: Event) -> None:
        """Take it; it is kept and delivered by others."""
        self._start()
        messages = self.messages(event)
        if not messages:
            return
        try:
            self._told.put_nowait(messages)
        except queue.Full:
            self.trouble.once("the disk does not keep up; events are lost")

    def kept(self, timeout: float) -> bool:
        """Wait until all that was told is on the disk, or delivered; False if `timeout` seconds were not enough.

        Without a spool's file it is in memory then, or delivered.
        """
        with self._more:
            return self._more.wait_for(lambda: not self._told.unfinished_tasks and not self.spool.unwritten, timeout)

    def wake(self) -> None:
        """Have `idle` called."""
        with self._more:
            self._woken = True
            self._more.notify_all()

    def left(self) -> float:
        """Seconds until `deliver` has to give up: without end until `close` is called."""
        return max(0.0, self._deadline - time.monotonic())

    def close(self) -> None:
        """Deliver what can be delivered in five seconds; the rest stays in the spool. It takes about ten at most.

        The spool is free for another sink then, also where a delivery hangs.
        """
        if not self._threads:
            self.spool.close()
            return
        self._deadline = time.monotonic() + CLOSING
        self.closing.set()
        self._wake_keeper()
        self.wake()
        for thread in self._threads:
            thread.join(max(0.1, self._deadline + ENDING - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):  # daemons; they end at their next step
            self.trouble.once("does not end; it was left behind")
            self._left_behind = True
        if self.spool.error is not None and not self._left_behind:
            self.spool.write()
        kept = len(self.spool) - self.spool.unwritten if self.spool.durable else 0
        lost = len(self.spool) - kept
        self.spool.close()
        with contextlib.suppress(queue.Empty):
            while True:
                lost += len(self._told.get_nowait())
        if lost:
            self.trouble.once(f"{lost} messages could be neither delivered nor written to a spool; they are lost")
        if kept:
            self.trouble.once(f"{kept} messages could not be delivered; they are kept for the next time")

    def _start(self) -> None:
        if self._threads or self.closing.is_set():
            return
        for work in (self._keep, self._carry):
            thread = threading.Thread(target=work, name=f"edgevtn {self.trouble.name}", daemon=True)
            self._threads.append(thread)
        for thread in self._threads:
            thread.start()

    def _keep(self) -> None:
        """The keeper: into the spool."""
        wait = FIRST_WAIT
        while not self._left_behind:
            failing = self.spool.error is not None
            if self.closing.is_set():
                wait = LAST_WAIT
                if not self._told.unfinished_tasks and not (failing and self.left()):
                    return
            try:
                messages = self._told.get(timeout=wait if failing else None)
            except queue.Empty:
                self.spool.write()
                self._report()
            else:
                dropped = self.spool.dropped
                if messages:
                    self.spool.put(messages)
                if self.spool.dropped > dropped:
                    self.trouble.once("the spool is full; the oldest events are dropped")
                self._told.task_done()
                self._report()
            wait = FIRST_WAIT if self.spool.error is None else min(2 * wait, LONGEST_UNWRITTEN)

    def _report(self) -> None:
        """Say how the spool is, and tell who waits for it."""
        error = self.spool.error
        if error is not None and not self._left_behind:
            self.trouble.once(f"the spool cannot be written ({error}); events are delivered from memory")
        if self.spool.renewed:
            self.trouble.once("the spool was removed; it was begun anew with what waits")
        with self._more:
            self._more.notify_all()

    def _wake_keeper(self) -> None:
        with contextlib.suppress(queue.Full):  # it is awake then
            self._told.put_nowait([])

    def _carry(self) -> None:
        """The carrier: from the spool to the other side."""
        wait = FIRST_WAIT
        with contextlib.suppress(Exception):
            self.opened()
        while not self._over():
            message, failure = None, None
            try:
                self.idle()
                message = self.spool.first()
                if message is not None:
                    self.deliver(message)
            except Exception as error:
                failure = error
            if self._left_behind:
                break
            if isinstance(failure, Refused):
                self.trouble.once(f"refuses an event ({failure}); it is dropped")
            elif failure is not None:
                self.trouble.begins(f"{reason(failure)}; events are kept, and delivered later")
                if self.closing.is_set():
                    break
                # Not all at the same moment, when a broker returns.
                self.closing.wait(wait * random.uniform(0.8, 1.2))
                wait = min(2 * wait, LONGEST_WAIT)
                continue
            wait = FIRST_WAIT
            if message is not None:
                self._forget(message)
                if failure is None:
                    self.trouble.ends("delivers again")
                continue
            with self._more:
                self._more.wait_for(lambda: self._woken or len(self.spool), None if self.left() > CLOSING else 0.05)
                self._woken = False
        with contextlib.suppress(Exception):
            self.closed()

    def _forget(self, message: Message) -> None:
        """Take it out of the spool; the keeper tries again where the disk is full."""
        failed = self.spool.error is not None
        self.spool.remove(message)
        self._report()
        if self.spool.error is not None and not failed:
            self._wake_keeper()

    def _over(self) -> bool:
        """Whether to stop: all is delivered, or there was time enough for it."""
        if not self.closing.is_set():
            return False
        return not self.left() or (not len(self.spool) and not self._told.unfinished_tasks)


def reason(error: Exception) -> str:
    """An error as one line."""
    return (str(error) or type(error).__name__).replace("\n", " ")
