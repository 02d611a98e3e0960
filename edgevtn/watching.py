"""The one loop: sources, predictions, events, sinks."""

from __future__ import annotations

import contextlib
import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeGuard, cast

from edgevtn.arguments import Place, number
from edgevtn.arrays import Frame
from edgevtn.defaults import SMOOTHING
from edgevtn.errors import FrameError, NotFiniteError, TimestampError
from edgevtn.events import EventDetector
from edgevtn.pace import Pace
from edgevtn.prediction import Event
from edgevtn.recognizer import Recognizer
from edgevtn.region import Region
from edgevtn.sinks import StopWatching, as_sink, telling
from edgevtn.sources import Cameras, Source, frames
from edgevtn.sources.alone import Alone
from edgevtn.sources.base import PULSE
from edgevtn.sources.open import Named
from edgevtn.views import Views

#: Seconds beyond a window without a frame of a live source after which its events end: nobody knows what goes on, and
#: shorter pauses are bridged.
LOST = 3.0


def watch(
    source: str | int | Path | Iterable[tuple[float, Frame]] | Sequence[str | int | Path | Source] | Cameras,
    model: Place | Sequence[Place] | None = None,
    *,
    sinks: Iterable[object] = (),
    recognizer: Recognizer | None = None,
    detector: EventDetector | None = None,
    frame_rate: float | None = None,
    seconds: float | None = None,
    regions: Iterable[Region] = (),
    successor: Callable[[], Recognizer | None] | None = None,
    pace: Pace | None = None,
) -> Iterator[Event]:
    """Recognise what a source shows, until it ends, and yield the events as they begin and end.

    It is a generator: nothing is opened before its first event is asked for. The source is opened first, so that a
    wrong name is told at once, not after the kernels have loaded.

    Parameters
    ----------
    source
        As in `edgevtn.frames`. It is closed afterwards if it was opened here. A live one that is lost is waited for,
        for ever; an `edgevtn.sources.Camera` has more to choose. A list of sources, or `edgevtn.sources.Cameras`, is
        several at once, by one encoder: predictions and events have `source`, and a source that fails ends alone.
    model
        As in `Recognizer`.
    sinks : iterable
        Told of every frame, prediction and event, and closed at the end: see `edgevtn.Sink`.
    recognizer : Recognizer, optional
        Instead of `model`, where more is to be chosen than that; it is reset. Without it probabilities are averaged
        over 0.15 s.
    detector : EventDetector, optional
        Where its defaults are not wanted.
    frame_rate : float, optional
        As in `edgevtn.frames`.
    seconds : float, optional
        Stop after so much of the source's time, from its first frame on; above 0. Several sources stop each so, and a
        live one also while it is lost.
    regions : iterable of Region
        Rectangles of every source, or of the one that they name, that are recognised by themselves, instead of the
        whole picture; predictions and events have `region`. Each costs as much as a source does.
    successor : callable, optional
        Asked before each frame for a recogniser to go on with, from empty windows; None: the present one.
    pace : Pace, optional
        Lowers the rate on a processor that cannot keep up with what is live, is hot, or has a budget; one that warns if
        None. Sources that wait, as files do, are never slowed down without it.

    Yields
    ------
    Event
        With `end` None when it begins; once more, with the same `id`, when it has ended. Between, if the detector has
        an `update_every`, with `updated`.

    Raises
    ------
    SourceError, BundleError
        The source or the model cannot be used. Among several sources it is told when all have ended.
    ValueError
        Both `model` and `recognizer` are given, `seconds` is not above 0, the detector has settings for a label that no
        model has and there is no `successor` that may, or a region names no source.
    """
    if seconds is not None:
        seconds = number(seconds, "seconds", low=0, above=True)
    if model is not None and recognizer is not None:
        raise ValueError("expected model or recognizer, got both; give the model to the recogniser")
    detector = EventDetector() if detector is None else detector
    with contextlib.ExitStack() as stack:
        told = []
        for sink in sinks:
            told.append(as_sink(sink))
            stack.callback(told[-1].close)
        arriving: Cameras | Alone
        if isinstance(source, Cameras):
            arriving = source
        elif _several(source):
            arriving = stack.enter_context(Cameras(source, frame_rate=frame_rate))
        else:
            opened = frames(cast(Named, source), frame_rate=frame_rate)
            if not isinstance(source, Source):
                stack.enter_context(opened)
            arriving = Alone(opened)
        if recognizer is None:
            recognizer = Recognizer(model, smoothing=SMOOTHING)
        if successor is None:  # who follows may know more labels
            detector.check(label for model in recognizer.models.values() for label in model.labels)
        moments = any(sink.wants_moments for sink in told)
        views = Views(arriving.names, list(regions), recognizer, detector, moments)
        frames_to = [telling(sink) for sink in told]

        def tell(events: list[Event]) -> list[Event]:
            for event in events:
                for sink in told:
                    sink.event(event)
            return events

        if pace is None and any(map(arriving.is_live, arriving.names)):
            pace = Pace(_warn)
        views.slow_down(1 if pace is None else pace.factor)  # the recogniser may have been slowed down before
        began: dict[str, float] = {}
        over_at: dict[str, float] = {}  # of live sources, by the monotonic clock
        beat = Beat(arriving.names, LOST + max(model.window_duration for model in recognizer.models.values()))
        try:
            for name, timestamp, frame, error, idle in arriving.arrivals():
                if beat.due(None if idle else name):
                    for sink in told:
                        sink.pulse()
                    for silent in filter(arriving.is_live, beat.silent()):
                        yield from tell(views.finish(silent))
                    now = time.monotonic()
                    for late in [late for late, due in over_at.items() if now >= due]:
                        del over_at[late]  # it is lost, and its time is over
                        arriving.leave(late)
                if idle:
                    continue
                if frame is None:
                    over_at.pop(name, None)
                    if error is not None and len(arriving.names) > 1:
                        warnings.warn(f"{name} has ended by an error: {error}", RuntimeWarning, stacklevel=2)
                    yield from tell(views.finish(name))
                    for sink in told:
                        sink.ended(name)
                    continue
                if seconds is not None:
                    if name not in began and arriving.is_live(name):
                        over_at[name] = time.monotonic() + seconds + PULSE
                    if timestamp - began.setdefault(name, timestamp) >= seconds:
                        arriving.leave(name)
                        continue
                following = successor() if successor is not None else None
                if following is not None:
                    yield from tell(views.use(following))
                try:
                    if pace is not None:
                        pace.begin()
                    found = list(views.predictions(name, frame, timestamp))
                    if pace is not None and pace.end():
                        views.slow_down(pace.factor)
                    for prediction in found:
                        for sink in told:
                            sink.prediction(prediction)
                        yield from tell(views.update(prediction))
                except NotFiniteError as error_of_model:  # of this frame; the next may be well
                    warnings.warn(f"a frame is left out: {error_of_model}", RuntimeWarning, stacklevel=2)
                except (FrameError, TimestampError) as error_of_frame:
                    arriving.leave(name, error_of_frame)
                    continue
                for show in frames_to:
                    show(frame, timestamp, views.scenes[name])
        except StopWatching:
            pass
        finally:  # what was going on when it was stopped has happened, too
            last = [event for name in arriving.names for event in views.finish(name)]
            with contextlib.suppress(StopWatching):
                tell(last)
        yield from last


def _warn(sentence: str) -> None:
    warnings.warn(sentence, RuntimeWarning, stacklevel=4)


class Beat:
    """When sinks are to be told that it goes on, and which sources have said nothing for how long.

    Parameters
    ----------
    names : sequence of str
        The sources'.
    lost : float
        Seconds.
    """

    def __init__(self, names: Sequence[str], lost: float) -> None:
        self._lost, self._next = lost, time.monotonic() + PULSE
        self._heard = dict.fromkeys(names, math.inf)  # by the monotonic clock; for ever: it need not be heard again

    def due(self, name: str | None) -> bool:
        """Whether the next beat is due; `name` is the source that was just heard, if one was."""
        now = time.monotonic()
        if name is not None:
            self._heard[name] = now
        if now < self._next:
            return False
        self._next = now + PULSE
        return True

    def silent(self) -> list[str]:
        """The sources that were heard once and not for a while; each is told once."""
        now = time.monotonic()
        found = [name for name, heard in self._heard.items() if now - heard > self._lost]
        self._heard |= dict.fromkeys(found, math.inf)
        return found


def _several(source: object) -> TypeGuard[Sequence[str | int | Path | Source]]:
    """Whether it is a list of sources; a list of (seconds, frame) is one source."""
    return (
        isinstance(source, list | tuple)
        and bool(source)
        and all(isinstance(each, str | int | Path | Source) for each in source)
    )


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
