"""Cameras and live streams: what is lost is found again, and the newest picture wins."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

from edgevtn.arguments import number
from edgevtn.arrays import Frame
from edgevtn.defaults import PATIENCE
from edgevtn.errors import SourceError
from edgevtn.sources.base import PULSE, Source
from edgevtn.sources.connection import Connect, Unauthorized
from edgevtn.sources.link import Link, Mailbox

#: Seconds to wait for a reader that blocks when the source is closed: Ctrl-C must not take longer.
LONGEST_JOIN = 0.25
#: Seconds before the first attempt to find a source again, and before the later ones, each twice the one before: a
#: camera that is back should not wait long for us.
FIRST_WAIT, LONGEST_WAIT = 0.25, 2.0
#: Seconds after a refused password: cameras lock an account after a few.
LOCKOUT = 30.0
#: Seconds: more is as good as for ever, and more than sockets can be told to wait.
LONGEST_PATIENCE = 86_400.0
#: Readers of one source that may hang at a time; then no more are begun until one of them has ended.
MOST_HANGING = 3


@dataclass(frozen=True)
class Persistence:
    """How long to wait for what is live.

    Attributes
    ----------
    patience : float
        Seconds without a new picture until the source counts as lost; above 0, at most a day. A picture that equals the
        last in every byte is not new.
    give_up : float or None
        Seconds from a loss until it is an error; 0: at once; None: never.
    wait : bool
        Whether a source that is not there yet is waited for, as for a lost one.
    notify : callable or None
        Told in a sentence, by the thread that reads the source, that it is lost, and that it is back.
    """

    patience: float = PATIENCE
    give_up: float | None = None
    wait: bool = False
    notify: Callable[[str], object] | None = None

    def __post_init__(self) -> None:
        patience = number(self.patience, "patience", low=0, high=LONGEST_PATIENCE, above=True, unit="seconds")
        object.__setattr__(self, "patience", patience)
        if self.give_up is not None:
            object.__setattr__(self, "give_up", number(self.give_up, "give_up", low=0, unit="seconds"))


@dataclass(frozen=True)
class Statistics:
    """What became of a source's pictures.

    Attributes
    ----------
    frames : int
        Given.
    dropped : int
        Not given, because a newer one was there before they were asked for.
    repeated : int
        Not given, because they equal the one before in every byte.
    bad : int
        That could not be decoded.
    reconnects : int
        How often the source was lost and found again.
    lost : bool
        Whether it is lost now.
    """

    frames: int = 0
    dropped: int = 0
    repeated: int = 0
    bad: int = 0
    reconnects: int = 0
    lost: bool = False

    @classmethod
    def together(cls, *parts: Statistics) -> Statistics:
        """The sums of several; `lost` if any of them is."""
        counts = {each.name: sum(getattr(part, each.name) for part in parts) for each in fields(cls)}
        return cls(**counts | {"lost": any(part.lost for part in parts)})


class Live(Source):
    """A camera or live stream, read by a thread of its own so that a slow consumer sees the present.

    Timestamps are seconds since it was made, by the monotonic clock: of the capture where the source tells it, else of
    the arrival. The consumer's thread decides what is lost and when to try again, so nothing happens to a source that
    nobody reads.

    Parameters
    ----------
    connect : callable
        Opens a connection.
    name : str
        For messages; no passwords.
    persistence : Persistence

    Raises
    ------
    SourceError
        It cannot be opened, unless it is to be waited for.
    """

    def __init__(self, connect: Connect, name: str, persistence: Persistence) -> None:
        self._connect, self._name, self._persistence = connect, name, persistence
        self._mailbox = Mailbox()
        self._closing = False
        self._hanging: list[Link] = []
        self._frames = self._reconnects = self._attempts = 0
        self._lost_at: float | None = None  # by the monotonic clock
        self._reason: OSError | None = None  # of that
        self._found_before = not persistence.wait
        self._link: Link | None = self._new_link()
        if not persistence.wait:
            try:
                self._open()
            except BaseException:
                self.close()
                raise

    @property
    def live(self) -> bool:
        """True."""
        return True

    @property
    def finite(self) -> bool:
        """Whether it is a file that happens to be far away; then it is not read."""
        link = self._link
        return link is not None and link.connection is not None and link.connection.finite

    @property
    def statistics(self) -> Statistics:
        """What became of the pictures until now."""
        box = self._mailbox
        with box.changed:
            lost = self._lost_at is not None
            return Statistics(self._frames, box.dropped, box.repeated, box.bad, self._reconnects, lost)

    def wall_clock(self, timestamp: float) -> float:
        """Unix time, seconds, of a moment of this source, by the system's clock as it is set now."""
        return self._mailbox.clock.wall(timestamp)

    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        """Yield (seconds, frame) until `close`; raises SourceError when the source is given up."""
        return (pair for pair in self.beats() if pair is not None)

    def beats(self) -> Iterator[tuple[float, Frame] | None]:
        """Yield the same, and None at least each half second while there is no new picture."""
        while not self._closing:
            try:
                newest = self._next()
            except OSError as error:
                if self.finite:
                    if self._frames:  # its sender has ended it, as HLS can tell; what is there by now is a file
                        return
                    raise
                self._lose(error)
                yield from self._pause(error)
                continue
            if newest is not None:
                self._find()
                self._frames += 1
            yield newest

    def close(self) -> None:
        """Stop the reader; may be called twice."""
        with self._mailbox.changed:
            self._closing = True
            self._mailbox.changed.notify_all()
        self._leave()
        end = time.monotonic() + LONGEST_JOIN
        for link in self._hanging:
            link.join(max(0.0, end - time.monotonic()))

    def _new_link(self) -> Link:
        return Link(self._connect, self._mailbox, self._name, self._persistence.patience)

    def _open(self) -> None:
        """Wait until the first connection is open, or raise what came instead."""
        link = self._link
        assert link is not None
        with self._mailbox.changed:
            while link.connection is None:
                self._check(link)
                self._mailbox.changed.wait(max(0.0, link.due - time.monotonic()))

    def _check(self, link: Link) -> None:
        """Raise what ended the link, if anything did."""
        if link.failure is not None:
            raise link.failure
        if time.monotonic() >= link.due:
            raise link.overdue()

    def _next(self) -> tuple[float, Frame] | None:
        """Wait for the next picture, but not for long; None if there is none."""
        if self._link is None:
            self._hanging = [link for link in self._hanging if link.alive]
            if len(self._hanging) >= MOST_HANGING:
                raise SourceError(f"{self._name}: {MOST_HANGING} attempts to read it hang; does its driver?")
            self._link = self._new_link()
        link, box = self._link, self._mailbox
        end = time.monotonic() + PULSE
        with box.changed:
            while not self._closing and time.monotonic() < end:
                if box.newest is not None:
                    newest, box.newest = box.newest, None
                    return newest
                if self.finite:
                    raise SourceError(f"{self._name}: is a file, which is not waited for")
                self._check(link)
                left = self._given_up_at() - time.monotonic()
                if left <= 0 and self._reason is not None:
                    raise self._reason
                now = time.monotonic()
                box.changed.wait(max(0.0, min(left, link.due - now, end - now)))
        return None

    def _given_up_at(self) -> float:
        give_up = self._persistence.give_up
        return math.inf if self._lost_at is None or give_up is None else self._lost_at + give_up

    def _leave(self) -> None:
        """Have no more to do with the present connection."""
        link, self._link = self._link, None
        if link is not None:
            link.leave()
            self._hanging.append(link)

    def _lose(self, error: OSError) -> None:
        """The source is lost: say so once; raise if it is to be given up."""
        self._leave()
        if isinstance(error, Unauthorized) and not self._found_before:
            raise error  # it never was right, and waiting does not make it so
        first = self._lost_at is None
        if self._lost_at is None:
            self._lost_at = time.monotonic()
        self._reason = error
        give_up = self._persistence.give_up
        if give_up == 0:
            raise error
        if time.monotonic() >= self._given_up_at():
            raise SourceError(f"given up after {give_up:g} s: {error}") from error
        if first:
            self._notify(f"waiting: {error}")

    def _pause(self, error: OSError) -> Iterator[None]:
        """Wait before the next attempt: longer each time, and not in step with others that lost the same camera."""
        wait = min(FIRST_WAIT * 2**self._attempts, LONGEST_WAIT) * random.uniform(0.5, 1.0)
        if isinstance(error, Unauthorized):
            wait = LOCKOUT
        self._attempts = min(self._attempts + 1, 16)
        end = min(time.monotonic() + wait, self._given_up_at())
        while not self._closing and (left := end - time.monotonic()) > 0:
            with self._mailbox.changed:
                if not self._closing:
                    self._mailbox.changed.wait(min(left, PULSE))
            yield None

    def _find(self) -> None:
        """A new picture is here."""
        before, self._found_before = self._found_before, True
        if self._lost_at is None:
            return
        seconds, self._lost_at, self._attempts = time.monotonic() - self._lost_at, None, 0
        self._reconnects += before
        self._notify(f"{self._name}: is {'back' if before else 'there'} after {seconds:.1f} s")

    def _notify(self, sentence: str) -> None:
        if self._persistence.notify is not None:
            self._persistence.notify(sentence)
