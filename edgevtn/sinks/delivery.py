"""Events for whom they may not reach at once: recognition neither waits nor fails, and nothing is lost on the way."""

from __future__ import annotations

import contextlib
import queue
import random
import sqlite3
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

#: Events that wait for the disk at most; it takes a disk that hangs for minutes to have so many.
MOST_IN_MEMORY = 10_000
#: Seconds between two attempts: the first, and the longest.
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
#: Seconds that `close` gives what is left; what is not delivered then stays in the spool.
CLOSING = 5.0
#: Seconds that it gives a carrier to end after that; a connection that is being made cannot be broken off.
ENDING = 5.0


class Refused(Exception):
    """The other side will never take this message; the next one has its turn."""


class Delivery(Sink):
    """Keeps messages in a spool, and delivers them in order, each until it has been taken.

    Two threads work: the keeper takes events and writes them to the spool, the carrier delivers. So a carrier that
    hangs does not keep events from the disk. A kind of delivery says what is to be delivered (`messages`) and delivers
    it (`deliver`). The threads begin with the first thing that is told.

    Parameters
    ----------
    name : str
        For messages to people; no password.
    origin : Origin, optional
        Whose records; without it the source has no name.
    spool : path, optional
        A file; without it what is not delivered is lost when the process ends.

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
        """Wait until all that was told is in the spool, or delivered; False if `timeout` seconds were not enough."""
        end = time.monotonic() + timeout
        with self._more:
            return self._more.wait_for(lambda: not self._told.unfinished_tasks, max(0.0, end - time.monotonic()))

    def wake(self) -> None:
        """Have `idle` called."""
        with self._more:
            self._woken = True
            self._more.notify_all()

    def left(self) -> float:
        """Seconds until `deliver` has to give up: without end until `close` is called."""
        return max(0.0, self._deadline - time.monotonic())

    def close(self) -> None:
        """Deliver what can be delivered in five seconds; the rest stays in the spool. It takes ten at most."""
        if not self._threads:
            self.spool.close()
            return
        self._deadline = time.monotonic() + CLOSING
        self.closing.set()
        with contextlib.suppress(queue.Full):
            self._told.put_nowait([])  # wakes the keeper
        self.wake()
        for thread in self._threads:
            thread.join(max(0.1, self._deadline + ENDING - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):  # a daemon; it ends with the process
            self.trouble.once("does not end; it was left behind, and its spool as it is")
            return
        waiting = len(self.spool)
        self.spool.close()
        if waiting:
            self.trouble.once(f"{waiting} messages could not be delivered; they are kept for the next time")

    def _start(self) -> None:
        if self._threads or self.closing.is_set():
            return
        for work in (self._keep, self._carry):
            thread = threading.Thread(target=work, name=f"edgevtn {self.trouble.name}", daemon=True)
            self._threads.append(thread)
        for thread in self._threads:
            thread.start()

    def _keep(self) -> None:
        """The keeper: from memory to the disk."""
        wait = FIRST_WAIT
        messages: list[tuple[str, bytes]] = []
        while True:
            if not messages:
                if self.closing.is_set() and not self._told.unfinished_tasks:
                    return
                messages = self._told.get()
            dropped = self.spool.dropped
            try:
                self.spool.put(messages)
            except sqlite3.Error as error:
                self.trouble.once(f"the spool cannot be written ({error}); events wait in memory")
                if self.closing.wait(wait):
                    time.sleep(min(wait, self.left()))
                if not self.left():
                    return
                wait = min(2 * wait, LONGEST_WAIT)
                continue
            wait, messages = FIRST_WAIT, []
            if self.spool.dropped > dropped:
                self.trouble.once("the spool is full; the oldest events are dropped")
            with self._more:
                self._told.task_done()
                self._more.notify_all()

    def _carry(self) -> None:
        """The carrier: from the disk to the other side."""
        wait, delivered = FIRST_WAIT, 0
        with contextlib.suppress(Exception):
            self.opened()
        while not self._over():
            message = None
            try:
                self.idle()
                message = self.spool.first()
                if message is not None:
                    if message.number != delivered:  # where a full disk kept it in the spool it is not sent again
                        self.deliver(message)
                        delivered = message.number
                    self.spool.remove(message)
            except Refused as error:
                self.trouble.once(f"refuses an event ({error}); it is dropped")
                if message is not None:
                    self.spool.remove(message)
            except Exception as error:
                self.trouble.begins(f"{reason(error)}; events are kept, and delivered later")
                if self.closing.is_set():
                    break
                # Not all at the same moment, when a broker returns.
                self.closing.wait(wait * random.uniform(0.8, 1.2))
                wait = min(2 * wait, LONGEST_WAIT)
                continue
            wait = FIRST_WAIT
            if message is not None:
                self.trouble.ends("delivers again")
                continue
            with self._more:
                self._more.wait_for(lambda: self._woken or len(self.spool), None if self.left() > CLOSING else 0.05)
                self._woken = False
        with contextlib.suppress(Exception):
            self.closed()

    def _over(self) -> bool:
        """Whether to stop: all is delivered, or there was time enough for it."""
        if not self.closing.is_set():
            return False
        return not self.left() or (not len(self.spool) and not self._told.unfinished_tasks)


def reason(error: Exception) -> str:
    """An error as one line."""
    return (str(error) or type(error).__name__).replace("\n", " ")
