"""What was recognised in all: events and seconds of each label, frames, and what became of them."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgevtn.errors import one_line
from edgevtn.prediction import Event, Prediction
from edgevtn.sinks.base import Sink


class Tally(Sink):
    """Counts.

    Parameters
    ----------
    clock : callable
        Seconds, rising.

    Attributes
    ----------
    labels : dict of str to (int, float)
        Events that have ended, and their seconds, by label in the order in which they were seen first.
    frames, predictions, reused : int
        `reused` counts the predictions for which nothing was encoded.
    seconds : float
        From the first frame until now, by the clock.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.labels: dict[str, tuple[int, float]] = {}
        self.frames = self.predictions = self.reused = 0
        self._clock = clock
        self._began: float | None = None

    @property
    def seconds(self) -> float:
        return 0.0 if self._began is None else self._clock() - self._began

    def count_frame(self) -> None:
        """Another frame came."""
        self.frames += 1
        if self._began is None:
            self._began = self._clock()

    def prediction(self, prediction: Prediction) -> None:
        """Another one."""
        self.predictions += 1
        self.reused += prediction.reused

    def event(self, event: Event) -> None:
        """Count it if it has ended."""
        if event.end is not None:
            count, seconds = self.labels.get(event.label, (0, 0.0))
            self.labels[event.label] = count + 1, seconds + event.end - event.start

    def table(self, dropped: int) -> str:
        """All of it as lines of text; `dropped` are the frames that a newer one took the place of."""
        lines = []
        if self.labels:
            told = [(one_line(label), *counts) for label, counts in self.labels.items()]
            across = max(len("label"), *(len(label) for label, _, _ in told))
            lines.append(f"{'label':{across}}  events  seconds")
            lines += [f"{label:{across}}  {n:6d}  {seconds:7.1f}" for label, n, seconds in told]
        else:
            lines.append("no action was recognised")
        rate = self.frames / self.seconds if self.seconds else 0.0
        share = f" ({self.reused / self.predictions:.0%})" if self.predictions else ""
        lines.append(f"{self.frames} frames, {rate:.1f} a second, {dropped} dropped")
        lines.append(f"{self.predictions} predictions, {self.reused}{share} of still frames, not encoded")
        return "\n".join(lines)
