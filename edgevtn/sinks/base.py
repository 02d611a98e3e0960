"""What every sink is: something that is told what was seen and recognised. Imports none of its siblings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from edgevtn.arrays import Frame
from edgevtn.closing import Closing
from edgevtn.prediction import Event, Prediction
from edgevtn.region import WHOLE, Scene

METHODS = ("frame", "prediction", "event", "pulse", "ended", "close")


class StopWatching(Exception):
    """A sink raises it when there is no more use in going on: its window was closed, its disk is full."""


class Sink(Closing):
    """Told of everything, in order; does nothing with it. A sink of your own overrides what it wants.

    It need not be a subclass: an object with some of these methods will do, or a function, which gets every event.
    """

    #: Whether its predictions are to have `moments`, which takes 0.1 ms of each on a server.
    wants_moments = False

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """A frame, uint8 (H, W, 3) BGR, came at a time in seconds; what it led to was told before it.

        `scene` says whose it is, by `scene.source`, and what of it is recognised; a sink of your own that does not want
        to know may leave this parameter away.
        """

    def prediction(self, prediction: Prediction) -> None:
        """A model has a new prediction."""

    def event(self, event: Event) -> None:
        """An event has begun (its `end` is None) or ended."""

    def pulse(self) -> None:
        """Recognition goes on; told about twice a second, also while no frame comes because a camera is lost."""

    def ended(self, source: str) -> None:
        """Nothing more comes of that source, "" where there is one alone; others may go on."""

    def close(self) -> None:
        """The end: no more will come."""


class _Adapted(Sink):
    """An object with some of a sink's methods."""

    def __init__(self, thing: Any) -> None:
        self.wants_moments = bool(getattr(thing, "wants_moments", False))
        for name in METHODS:
            method = getattr(thing, name, None)
            if callable(method):
                setattr(self, name, method)


class _Called(Sink):
    """A function that gets every event."""

    def __init__(self, function: Callable[[Event], object]) -> None:
        self._function = function

    def event(self, event: Event) -> None:
        self._function(event)

    def close(self) -> None:
        close = getattr(self._function, "close", None)
        if callable(close):
            close()


def telling(sink: Sink) -> Callable[[Frame, float, Scene], object]:
    """The sink's `frame`, which need not take a scene."""
    method: Callable[..., object] = sink.frame
    try:
        inspect.signature(method).bind(None, 0.0, WHOLE)
    except TypeError:
        return lambda frame, timestamp, scene: method(frame, timestamp)
    except ValueError:  # some callables of C have no signature
        pass
    return method


def as_sink(thing: object) -> Sink:
    """The thing, if it is a sink; else one that calls it.

    Raises
    ------
    TypeError
        It has none of a sink's methods and cannot be called.
    """
    if isinstance(thing, Sink):
        return thing
    # A class is no sink, and what has only `close`, as a file does, has no use for anything it is told.
    has = [] if isinstance(thing, type) else [name for name in METHODS if callable(getattr(thing, name, None))]
    if set(has) - {"close"}:
        return _Adapted(thing)
    if callable(thing) and not isinstance(thing, type):
        return _Called(thing)
    raise TypeError(f"expected a sink, an object with {', '.join(METHODS)}, or a function, got {type(thing).__name__}")
