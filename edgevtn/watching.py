"""The one loop: source, predictions, events, sinks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from edgevtn.arrays import Frame
from edgevtn.events import EventDetector
from edgevtn.prediction import Event
from edgevtn.recognizer import Place, Recognizer
from edgevtn.sinks import StopWatching, as_sink
from edgevtn.sources import Source, frames

#: Seconds over which probabilities are averaged where events are wanted: long enough to bridge a wavering step, short
#: against any action worth an event.
SMOOTHING = 0.3


def watch(
    source: str | int | Path | Iterable[tuple[float, Frame]],
    model: Place | Sequence[Place] | None = None,
    *,
    sinks: Iterable[object] = (),
    recognizer: Recognizer | None = None,
    detector: EventDetector | None = None,
    frame_rate: float | None = None,
    seconds: float | None = None,
) -> Iterator[Event]:
    """Recognise what a source shows, until it ends, and yield the events as they begin and end.

    The source is opened first: a wrong name is told at once, not after the kernels have loaded.

    Parameters
    ----------
    source
        As in `edgevtn.frames`. It is closed afterwards if it was opened here.
    model
        As in `Recognizer`.
    sinks : iterable
        Told of every frame, prediction and event, and closed at the end: see `edgevtn.Sink`.
    recognizer : Recognizer, optional
        Instead of `model`, where more is to be chosen than that; it is reset. Without it probabilities are averaged
        over 0.3 s.
    detector : EventDetector, optional
        Where its defaults are not wanted.
    frame_rate : float, optional
        As in `edgevtn.frames`.
    seconds : float, optional
        Stop after so much of the source's time.

    Yields
    ------
    Event
        With `end` None when it begins; once more, with the same `id`, when it has ended.

    Raises
    ------
    SourceError, BundleError
        The source or the model cannot be used.
    ValueError
        Both `model` and `recognizer` are given.
    """
    if model is not None and recognizer is not None:
        raise ValueError("expected model or recognizer, got both; give the model to the recogniser")
    detector = EventDetector() if detector is None else detector
    with contextlib.ExitStack() as stack:
        told = [as_sink(sink) for sink in sinks]
        for sink in told:
            stack.callback(sink.close)
        opened = frames(source, frame_rate=frame_rate)
        if not isinstance(source, Source):
            stack.enter_context(opened)
        if recognizer is None:
            recognizer = Recognizer(model, smoothing=SMOOTHING)
        recognizer.reset()

        def tell(events: list[Event]) -> list[Event]:
            for event in events:
                for sink in told:
                    sink.event(event)
            return events

        try:
            for timestamp, frame in opened:
                if seconds is not None and timestamp >= seconds:
                    break
                for prediction in recognizer.predictions(frame, timestamp):
                    for sink in told:
                        sink.prediction(prediction)
                    yield from tell(detector.update(prediction))
                for sink in told:
                    sink.frame(frame, timestamp)
        except StopWatching:
            pass
        finally:  # what was going on when it was stopped has happened, too
            last = tell(detector.finish())
        yield from last


def recognize(
    source: str | Path | Iterable[tuple[float, Frame]],
    model: Place | None = None,
    *,
    threads: int | None = None,
    detector: EventDetector | None = None,
) -> list[Event]:
    """Recognise the actions in a video file or a folder of images.

    Parameters
    ----------
    source
        As in `edgevtn.frames`.
    model, threads
        As in `Recognizer`.
    detector : EventDetector, optional
        Where its defaults are not wanted.

    Returns
    -------
    list of Event
        In order of their ends; stretches without an event are "unknown".

    Raises
    ------
    SourceError, BundleError
    """
    with frames(source) as opened:  # before the model is loaded: a wrong name is told at once
        recognizer = Recognizer(model, threads=threads, start="repeat", smoothing=SMOOTHING)
        return [event for event in watch(opened, recognizer=recognizer, detector=detector) if event.end is not None]
