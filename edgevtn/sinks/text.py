"""Lines for people: one for each event that ended, and on a terminal a live one below them."""

from __future__ import annotations

import sys

from edgevtn.arrays import Frame
from edgevtn.prediction import Event, Prediction
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink

#: Moves to the beginning of the line and clears it.
CLEAR = "\r\033[K"


class Text(Sink):
    """Writes to stdout.

    Parameters
    ----------
    name_models : bool
        Begin each line with the model's name; for several models.
    """

    def __init__(self, name_models: bool = False) -> None:
        self._live = sys.stdout.isatty()
        self._name_models = name_models
        self._events = 0
        self._began = False

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Remember that there was something to recognise."""
        self._began = True

    def _whose(self, what: Prediction | Event) -> str:
        names = (what.source, what.region, what.model if self._name_models else "")
        return "".join(f"{name}: " for name in names if name)

    def prediction(self, prediction: Prediction) -> None:
        """Show it in the live line, which the next one overwrites."""
        if self._live:
            whose = self._whose(prediction)
            text = f"{prediction.timestamp:8.2f} s  {whose}{prediction.label}  {prediction.score:.0%}"
            print(f"{CLEAR}{text}", end="", flush=True)

    def event(self, event: Event) -> None:
        """A line for an event that has ended."""
        if event.end is None:
            return
        self._events += 1
        clear = CLEAR if self._live else ""
        print(f"{clear}{self._whose(event)}{timeline_line(event)}", flush=True)

    def close(self) -> None:
        """Leave the live line; say so if there was nothing to say."""
        if self._live:
            print(CLEAR, end="", flush=True)
        if self._began and not self._events and sys.exc_info()[0] is None:  # an error says more
            print("no action was recognised")


def timeline_line(event: Event) -> str:
    """An event that has ended as a line of a timeline."""
    return f"{event.start:7.2f} - {event.end:6.2f} s  {event.label:16} {event.score:4.0%}"
