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

    It is a generator: nothing is opened before its first event is asked for. The source is opened first, so that a
    wrong name is told at once, not after the kernels have loaded.

    Parameters
    ----------
    source
        As in `edgevtn.frames`. It is closed afterwards if it was opened here. A live one that is lost is waited for,
        for ever; an `edgevtn.sources.Camera` has more to choose.
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
        Stop after so much of the source's time, from its first frame on; above 0.

    Yields
    ------
    Event
        With `end` None when it begins; once more, with the same `id`, when it has ended.

    Raises
    ------
    SourceError, BundleError
        The source or the model cannot be used.
    ValueError
        Both `model` and `recognizer` are given, or `seconds` is not above 0.
    """
    if seconds is not None and not seconds > 0:
        raise ValueError(f"seconds must be above 0, got {seconds}")
    if model is not None and recognizer is not None:
        raise ValueError("expected model or recognizer, got both; give the model to the recogniser")
    detector = EventDetector() if detector is None else detector
    with contextlib.ExitStack() as stack:
        told = []
        for sink in sinks:
            told.append(as_sink(sink))
            stack.callback(told[-1].close)
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

        began = None
        try:
            for timestamp, frame in opened:
                began = timestamp if began is None else began
                if seconds is not None and timestamp - began >= seconds:
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
            last = detector.finish()
            with contextlib.suppress(StopWatching):
                tell(last)
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
        In order of their ends.

    Raises
    ------
    SourceError, BundleError
    """
    opened = frames(source)  # before the model is loaded: a wrong name is told at once
    with opened if not isinstance(source, Source) else contextlib.nullcontext():
        recognizer = Recognizer(model, threads=threads, start="repeat", smoothing=SMOOTHING)
        return [event for event in watch(opened, recognizer=recognizer, detector=detector) if event.end is not None]
