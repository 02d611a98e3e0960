"""The timeline of a whole file."""

from __future__ import annotations

from pathlib import Path

from edgevtn.events import EventDetector
from edgevtn.prediction import Event
from edgevtn.recognizer import Recognizer
from edgevtn.sources.open import frames

#: Seconds over which a timeline's probabilities are averaged: long enough to bridge a wavering step, short
#: against any action worth an entry.
SMOOTHING = 0.3


def recognize(
    source: str | Path,
    bundle: str | Path | None = None,
    *,
    threads: int | None = None,
    enter: float = 0.6,
    leave: float = 0.4,
    min_duration: float = 0.5,
) -> list[Event]:
    """Recognise the actions in a video file or a folder of images.

    Parameters
    ----------
    source : path
        As in `frames`.
    bundle, threads
        As in `Recognizer`.
    enter, leave, min_duration
        As in `EventDetector`.

    Returns
    -------
    list of Event
        In order of time; stretches without an event are "unknown".

    Raises
    ------
    SourceError, BundleError
    """
    with frames(source) as opened:
        recognizer = Recognizer(bundle, threads=threads, start="repeat", smoothing=SMOOTHING)
        detector = EventDetector(enter, leave, min_duration)
        ended = [detector.update(prediction) for prediction in recognizer.stream(opened)]
        return [event for event in (*ended, detector.finish()) if event is not None]
