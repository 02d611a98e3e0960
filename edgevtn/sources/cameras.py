"""Several sources at once: a thread reads each, and whose frame has waited longest is next."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from edgevtn.arrays import Frame
from edgevtn.closing import Closing
from edgevtn.cores import use_every_core
from edgevtn.errors import SourceError
from edgevtn.frame import as_pair
from edgevtn.naming import free_name
from edgevtn.sources.alone import IDLE, Arrival
from edgevtn.sources.base import PULSE, Source
from edgevtn.sources.camera import Camera
from edgevtn.sources.live import Persistence, Statistics
from edgevtn.sources.open import Named
from edgevtn.sources.secret import source_name

#: Seconds in which all readers have to end when it is closed: Ctrl-C must not take longer. Those that block then are
#: left alone; they end by themselves.
LONGEST_CLOSE = 0.6


@dataclass
class _Feed:
    """A source, its reader, and a place for one frame; the lock of `Cameras` guards it."""

    name: str
    free: threading.Condition  # its place
    source: Source | None = None  # once it is open
    newest: tuple[float, Frame] | None = None
    since: float = 0.0  # when the place was filled; a newer frame that takes it waits no less
    dropped: int = 0
    left: bool = False  # nobody wants more of it
    ended: bool = False
    told: bool = False  # that it has ended
    error: Exception | None = None
    thread: threading.Thread = field(init=False)


class Cameras(Closing):
    """Several cameras, streams, files or folders, read at once; for `edgevtn.watch`.

    A thread of its own reads each, so that a slow or lost source never holds up the others. A live source gives its
    newest frame; a file gives every frame, and its reader waits for that. The source whose frame has waited longest is
    next. A source that ends or fails ends alone.

    Parameters
    ----------
    sources : sequence, or mapping of str to source
        As in `edgevtn.sources.Camera`. The keys of a mapping are the sources' names; without it they have the names of
        their files or hosts, with a number behind it if two have the same. A `Source` that is open is closed with the
        others.
    frame_rate, patience, give_up, wait, notify
        As in `Camera`, for each of them. `notify` is called by the threads that read.
    pulse : callable, optional
        Called by the thread that watches, at least each half second, also while no frame comes.

    Attributes
    ----------
    names : list of str

    Raises
    ------
    SourceError
        One of them cannot be opened; then all are closed.
    ValueError
        There is none, or a number is not in its range.
    """

    def __init__(
        self,
        sources: Sequence[Named | Source] | Mapping[str, Named | Source],
        *,
        frame_rate: float | None = None,
        patience: float = Persistence.patience,
        give_up: float | None = Persistence.give_up,
        wait: bool = Persistence.wait,
        notify: Callable[[str], object] | None = None,
        pulse: Callable[[], object] | None = None,
    ) -> None:
        if not sources:
            raise ValueError("expected at least one source, got none")
        named = dict(sources) if isinstance(sources, Mapping) else _named(sources)
        self._pulse = pulse
        self._stopping = False
        self._lock = threading.RLock()  # a signal's handler takes it again
        self._changed = threading.Condition(self._lock)
        self._feeds = [_Feed(name, threading.Condition(self._lock)) for name in named]
        self.names = list(named)
        for feed, source in zip(self._feeds, named.values(), strict=True):
            begin: Callable[[], Source]
            if isinstance(source, Source):
                begin = source.__enter__  # which gives itself
            else:
                begin = partial(
                    Camera, source, frame_rate=frame_rate, patience=patience, give_up=give_up, wait=wait, notify=notify
                )
            # Daemons: a read that never returns does not keep the process alive.
            name = f"edgevtn reader of {feed.name}"
            feed.thread = threading.Thread(target=self._read, args=(feed, begin), name=name, daemon=True)
            feed.thread.start()
        try:
            self._wait_until_open()
        except BaseException:
            self.close()
            raise

    @property
    def dropped(self) -> dict[str, int]:
        """Frames of each source that a newer one took the place of here; a `Camera` may have dropped some before."""
        return {feed.name: feed.dropped for feed in self._feeds}

    @property
    def each(self) -> dict[str, Statistics]:
        """Counts of each source by its name, with what was dropped here."""
        return {
            feed.name: Statistics.together(
                getattr(feed.source, "statistics", Statistics()), Statistics(dropped=feed.dropped)
            )
            for feed in self._feeds
        }

    @property
    def statistics(self) -> Statistics:
        """Counts of all sources together; `lost` while any of them is."""
        return Statistics.together(*self.each.values())

    @property
    def duration(self) -> float | None:
        """Seconds, of a single source that states them; else None."""
        opened = [feed.source for feed in self._feeds]
        return opened[0].duration if len(opened) == 1 and opened[0] is not None else None

    def wall_clock(self, timestamp: float, source: str = "") -> float | None:
        """Unix time, seconds, of a moment of the source of that name; None where nobody knows it, as in a file."""
        opened = {feed.name: feed.source for feed in self._feeds}.get(source)
        return None if opened is None else opened.wall_clock(timestamp)

    def is_live(self, name: str) -> bool:
        """Whether a source's frames come whether or not they are asked for."""
        return any(feed.source is not None and feed.source.live for feed in self._feeds if feed.name == name)

    def arrivals(self) -> Iterator[Arrival]:
        """Yield the frames and the ends of all sources, and `IDLE` at least each half second while there is none.

        Raises
        ------
        SourceError
            All have ended, and some of them have failed; of a single source its own error.
        """
        while True:
            if self._pulse is not None:
                self._pulse()
            with self._lock:
                if self._stopping:
                    return
                arrival = self._next()
                if arrival is None:
                    if all(feed.told for feed in self._feeds):
                        break
                    arrival = IDLE if not self._changed.wait(PULSE) else None
            if arrival is not None:
                yield arrival
        failed = [feed.error for feed in self._feeds if feed.error is not None]
        if failed and len(self._feeds) == 1:
            raise failed[0]
        if failed:
            reasons = "; ".join(map(str, failed))
            raise SourceError(f"{len(failed)} of {len(self._feeds)} sources failed: {reasons}")

    def leave(self, source: str, error: Exception | None = None) -> None:
        """Take no more frames of a source, which counts as failed if there is an error."""
        with self._lock:
            for feed in self._feeds:
                if feed.name == source:
                    feed.left, feed.error, feed.newest = True, error, None
                    feed.free.notify_all()

    def stop(self) -> None:
        """Let `arrivals` end, whatever the sources do; a signal's handler may call it."""
        with self._lock:
            self._stopping = True
            self._changed.notify_all()
            for feed in self._feeds:
                feed.free.notify_all()

    def close(self) -> None:
        """Give back all files and cameras within a second; may be called twice."""
        self.stop()
        end = time.monotonic() + LONGEST_CLOSE
        # A live source is closed from outside, so that its reader wakes up; a file by its reader, which may be at work.
        live = [feed.source for feed in self._feeds if feed.source is not None and feed.source.live]
        threads = [threading.Thread(target=source.close, daemon=True) for source in live]
        for thread in threads:
            thread.start()
        for thread in [*threads, *(feed.thread for feed in self._feeds)]:
            thread.join(max(0.0, end - time.monotonic()))

    def __repr__(self) -> str:
        """The sources."""
        opened = (f"{feed.name!r}: {feed.source!r}" for feed in self._feeds)
        return f"<Cameras {', '.join(opened)}>"

    def _wait_until_open(self) -> None:
        with self._lock:
            while not all(feed.source is not None or feed.ended for feed in self._feeds):
                self._changed.wait()
            for feed in self._feeds:
                if feed.source is None and feed.error is not None:
                    raise feed.error

    def _next(self) -> Arrival | None:
        """The end of a source, which frames of others must not delay, or the frame that has waited longest."""
        for feed in self._feeds:
            if (feed.left or (feed.ended and feed.newest is None)) and not feed.told:
                feed.told = True
                return Arrival(feed.name, 0.0, None, feed.error)
        waiting = [feed for feed in self._feeds if feed.newest is not None]
        if not waiting:
            return None
        feed = min(waiting, key=lambda feed: feed.since)
        assert feed.newest is not None
        (timestamp, frame), feed.newest = feed.newest, None
        feed.free.notify_all()
        return Arrival(feed.name, timestamp, frame)

    @property
    def live(self) -> bool:
        """Whether all of them are: frames come whether or not they are asked for."""
        with self._lock:
            return all(feed.source is not None and feed.source.live for feed in self._feeds)

    def _read(self, feed: _Feed, begin: Callable[[], Source]) -> None:
        """What a source's thread does."""
        use_every_core()
        failure = None
        try:
            with begin() as source:
                with self._lock:
                    feed.source = source
                    self._changed.notify_all()
                if not self._stopping:
                    for pair in source:
                        if not self._put(feed, as_pair(pair), source.live):
                            break
        except Exception as error:
            failure = error
        with self._lock:
            feed.ended = True
            if not (feed.left or self._stopping):
                feed.error = failure
            self._changed.notify_all()

    def _put(self, feed: _Feed, pair: tuple[float, Frame], live: bool) -> bool:
        """Leave a frame for the thread that watches; False if it wants no more."""
        with self._lock:
            while feed.newest is not None and not (live or feed.left or self._stopping):
                feed.free.wait()
            if feed.left or self._stopping:
                return False
            if feed.newest is None:
                feed.since = time.monotonic()
            else:
                feed.dropped += 1
            feed.newest = pair
            self._changed.notify_all()
        return True


def _named(sources: Iterable[Named | Source]) -> dict[str, Named | Source]:
    """The sources by the names of their files or hosts, with a number behind it if that is used."""
    named: dict[str, Named | Source] = {}
    for source in sources:
        if isinstance(source, str | int | Path):
            name = source_name(source)
        else:
            name = getattr(source, "__name__", type(source).__name__)
        named[free_name(name, named)] = source
    return named
