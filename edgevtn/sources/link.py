"""A connection and the thread that reads it into a mailbox for one picture: the newest wins."""

from __future__ import annotations

import threading
import time
import traceback
from dataclasses import dataclass, field

import numpy as np

from edgevtn.arrays import Frame
from edgevtn.cores import use_every_core
from edgevtn.errors import SourceError
from edgevtn.sources.clock import CaptureClock
from edgevtn.sources.connection import OPENING, BadPicture, Connect, Connection, silent

#: Bad pictures in a row that are a failure: some four seconds of a camera's.
MOST_BAD = 100
#: Each so many-th row is compared first.
ROWS = 16


class Repeats:
    """Whether a picture equals the last in every byte. It keeps a copy: the consumer may draw on its own."""

    def __init__(self) -> None:
        self._last: Frame | None = None

    def __call__(self, frame: Frame) -> bool:
        last = self._last
        if last is None or last.shape != frame.shape:
            self._last = frame.copy()
            return False
        # A few rows tell nearly always; the copy goes where the last is, as fresh memory costs more than the copy.
        if np.array_equal(last[::ROWS], frame[::ROWS]) and np.array_equal(last, frame):
            return True
        np.copyto(last, frame)
        return False


@dataclass
class Mailbox:
    """What a source's connections, one after another, and its consumer share; `changed` guards all of it."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    clock: CaptureClock = field(default_factory=CaptureClock)
    newest: tuple[float, Frame] | None = None
    repeats: Repeats = field(default_factory=Repeats)
    dropped: int = 0
    repeated: int = 0
    bad: int = 0


class Link:
    """Opens a connection in a thread of its own, and reads it until it fails or is left.

    A read may block for longer than anyone waits. So the thread is never waited for: who leaves the link ignores it
    from then on, and the thread ends with its read.

    Parameters
    ----------
    connect : callable
    mailbox : Mailbox
    name : str
        For messages.
    patience : float
        Seconds without a new picture until the link counts as lost.

    Attributes
    ----------
    due : float
        `time.monotonic` at which it counts as lost.
    connection : Connection or None
        Once it is open.
    failure : Exception or None
        What ended it.
    """

    def __init__(self, connect: Connect, mailbox: Mailbox, name: str, patience: float) -> None:
        self._connect, self._mailbox, self._name, self._patience = connect, mailbox, name, patience
        self._opening = max(patience, OPENING)
        self._left = False
        self._repeats = False  # since the last new picture
        self._pictures = 0
        self.due = time.monotonic() + self._opening
        self.connection: Connection | None = None
        self.failure: Exception | None = None
        # A daemon, so that a read that never returns does not keep the process alive.
        self._thread = threading.Thread(target=self._run, name=f"edgevtn {name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread still runs."""
        return self._thread.is_alive()

    def leave(self) -> None:
        """Have no more to do with it."""
        with self._mailbox.changed:
            self._left = True
            connection = self.connection
        if connection is not None:
            connection.interrupt()

    def join(self, seconds: float) -> None:
        """Wait for the thread, but not for long."""
        self._thread.join(seconds)

    def overdue(self) -> SourceError:
        """What to say when `due` has passed."""
        if self.connection is None:
            return silent(self._name, self._opening)
        if self._repeats:
            return SourceError(f"{self._name}: has shown the same picture for {self._patience:g} s; does it hang?")
        seconds = self._patience if self._pictures else self._opening
        return SourceError(f"{self._name}: gave no picture for {seconds:g} s; is it still connected?")

    def _run(self) -> None:
        use_every_core()
        failure: Exception | None = None
        try:
            connection = self._connect()
            try:
                if self._opened(connection):
                    self._read(connection)
            finally:
                connection.close()
        except Exception as error:  # the consumer's thread raises it
            # It is remembered until the next loss, and its frames with a packet, and so with the decoder's threads.
            traceback.clear_frames(error.__traceback__)
            failure = error
        finally:
            with self._mailbox.changed:
                self.failure = failure
                self._mailbox.changed.notify_all()

    def _opened(self, connection: Connection) -> bool:
        """Tell the consumer; False if it has left."""
        with self._mailbox.changed:
            if self._left:
                return False
            self.connection = connection
            self.due = time.monotonic() + self._opening
            self._mailbox.clock.restart()
            self._mailbox.changed.notify_all()
        return not connection.finite

    def _read(self, connection: Connection) -> None:
        bad = 0
        while not self._left:
            try:
                captured, frame = connection.read()
            except BadPicture:
                bad += 1
                self._count_bad()
                if bad == MOST_BAD:
                    reason = f"{self._name}: {bad} pictures in a row cannot be decoded, or are none"
                    raise SourceError(f"{reason}; is it still connected?") from None
                continue
            bad = 0
            self._deliver(time.monotonic(), captured, frame)

    def _count_bad(self) -> None:
        with self._mailbox.changed:
            if not self._left:
                self._mailbox.bad += 1

    def _deliver(self, arrived: float, captured: float | None, frame: Frame) -> None:
        mailbox = self._mailbox
        same = mailbox.repeats(frame)
        with mailbox.changed:
            if self._left:
                return
            timestamp = mailbox.clock(arrived, captured)
            self._pictures += 1
            self._repeats = same
            if same:
                mailbox.repeated += 1
                return
            self.due = arrived + self._patience
            mailbox.dropped += mailbox.newest is not None
            mailbox.newest = timestamp, frame
            mailbox.changed.notify_all()
