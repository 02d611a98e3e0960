"""Lines for people: one for each event that ended, and on a terminal a live one below them and a summary at the end."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import deque

from edgevtn.arrays import Frame
from edgevtn.errors import one_line
from edgevtn.prediction import UNKNOWN, Event, Prediction
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink
from edgevtn.sinks.live_line import BOLD, DIM, GREEN, YELLOW, LiveLine, Part, is_live, width
from edgevtn.sinks.tally import Tally

#: Seconds between two drawings of the live line: an eye follows no more.
INTERVAL = 0.1
#: Drawings over which the rate is taken: two seconds.
MARKS = 20
#: Characters of the bar.
BAR = 10
#: Labels in the live line.
TOP = 3
#: What ends a run without being an error.
STOPS = (KeyboardInterrupt, GeneratorExit, SystemExit)


class Text(Sink):
    """Writes to stdout.

    Parameters
    ----------
    name_models : bool
        Begin each line with the model's name; for several models.

    Attributes
    ----------
    live : bool
        Whether stdout is a terminal that can draw a line again.
    tally : Tally
        What was counted until now.
    """

    def __init__(self, name_models: bool = False) -> None:
        self._line = LiveLine(sys.stdout) if is_live(sys.stdout) else None
        self.live = self._line is not None
        self.tally = Tally()
        self._name_models = name_models
        self._source: object = None
        self._title, self._seconds = "", 0.0  # 0: nobody knows when it ends
        self._latest: Prediction | None = None
        self._first: tuple[float, float] | None = None  # of this source: its time, and when
        self._now = 0.0  # in its time
        self._drawn = -INTERVAL
        self._marks: deque[tuple[float, int]] = deque(maxlen=MARKS)

    def follow(self, source: object, title: str = "", seconds: float | None = None) -> None:
        """Say from now on how far this source has come.

        Parameters
        ----------
        source : object
            If it has `statistics`, they tell what was dropped; if it has a `duration`, that tells how much is left.
        title : str
            What it is called; "" where there is one alone.
        seconds : float, optional
            After so much of its time it ends.
        """
        self._source, self._title = source, title
        duration = getattr(source, "duration", None)
        self._seconds = min((known for known in (duration, seconds) if known is not None), default=0.0)
        self._first, self._latest = None, None

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Count it."""
        self.tally.count_frame()
        self._now = timestamp
        if self._first is None:
            self._first = timestamp, time.monotonic()

    def _whose(self, what: Prediction | Event) -> str:
        names = (what.source, what.region, what.model if self._name_models else "")
        return "".join(f"{one_line(name)}: " for name in names if name)

    def prediction(self, prediction: Prediction) -> None:
        """Show it in the live line, which the next one overwrites."""
        self.tally.prediction(prediction)
        self._latest = prediction
        self._draw()

    def pulse(self) -> None:
        """Show that time goes on."""
        self._draw()

    def event(self, event: Event) -> None:
        """A line for an event that has ended."""
        self.tally.event(event)
        if event.end is None:
            return
        text = f"{self._whose(event)}{timeline_line(event)}"
        if self._line is not None:
            self._line.print(text if width(text) < self._line.columns else " ".join(text.split()))
        else:
            print(text, flush=True)

    def close(self) -> None:
        """Leave the live line, and sum up; where lines alone are wanted, say so if there was nothing to say."""
        line, self._line = self._line, None
        failed = sys.exc_info()[0]
        if line is not None:
            line.close()
        if not self.tally.frames:
            return
        if line is not None and (failed is None or issubclass(failed, STOPS)):
            with contextlib.suppress(OSError):  # a terminal that is gone
                print(f"\n{self.tally.table(self._dropped())}", flush=True)
        elif not self.live and not self.tally.labels and failed is None:  # an error says more
            print("no action was recognised")

    def _dropped(self) -> int:
        return int(getattr(getattr(self._source, "statistics", None), "dropped", 0))

    def _draw(self) -> None:
        now = time.monotonic()
        if self._line is None or self._latest is None or now - self._drawn < INTERVAL:
            return
        self._drawn = now
        self._marks.append((now, self.tally.frames))
        self._line.show(self._parts(self._latest, now, self._line.unicode))

    def _parts(self, prediction: Prediction, now: float, unicode: bool) -> list[Part]:
        """What the live line has, the most important with the lowest ranks."""
        label, score = prediction.label, prediction.score
        known = label != UNKNOWN
        full, empty = "█░" if unicode else "#-"
        filled = round(BAR * score)
        top = prediction.top(TOP)
        others = [(name, share) for name, share in top if name != label][: TOP - 1 if known else TOP]
        whose = (f"{self._title}, " if self._title else "") + self._whose(prediction)
        parts = [Part(whose.rstrip(": ,"), 5, DIM)] if whose else []
        parts.append(Part(self._progress(now), 1))
        parts.append(Part(f"{one_line(label)} {score:4.0%}", 0, BOLD if known else DIM))
        parts.append(Part(full * filled + empty * (BAR - filled), 4, GREEN if known else DIM))
        parts += [Part(f"{one_line(name)} {share:.0%}", 6 + n, DIM) for n, (name, share) in enumerate(others)]
        (before, count), (_, frames) = self._marks[0], self._marks[-1]
        rate = (frames - count) / (now - before) if now > before else 0.0
        parts.append(Part(f"{rate:.0f} frames/s", 3, DIM))
        dropped = self._dropped()
        if dropped or not self._seconds:  # a file drops nothing
            parts.append(Part(f"{dropped} dropped", 2, YELLOW if dropped else DIM))
        return parts

    def _progress(self, now: float) -> str:
        """How far a file has come and how long it will take; of what has no end its time."""
        if not self._seconds or self._first is None:
            return clock(self._now)
        first, began = self._first
        done = self._now - first
        share = min(1.0, done / self._seconds)
        left = (self._seconds - done) * (now - began) / done if done > 0 else 0.0
        return f"{share:4.0%}, {clock(max(0.0, left))} left"


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds, and hours where there are any."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def timeline_line(event: Event) -> str:
    """An event that has ended as a line of a timeline."""
    return f"{event.start:7.2f} - {event.end:6.2f} s  {one_line(event.label):16} {event.score:4.0%}"
