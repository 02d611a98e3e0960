"""From a prediction at every moment to actions that begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from edgevtn.arguments import number
from edgevtn.defaults import ENTER, LEAVE, MIN_DURATION, SETTLED
from edgevtn.prediction import NO_ACTION, Event, Prediction
from edgevtn.track import HAIRS_BREADTH, Going, Track

#: Seconds between two windows over which an event goes on: more than lies between two predictions of a model whose
#: window is one frame. Beyond that nobody knows what went on.
LONGEST_BRIDGE = 2.0


@dataclass(frozen=True)
class _Settings:
    """When a label's events begin and end."""

    enter: float
    leave: float
    min_duration: float
    cool_down: float

    def __post_init__(self) -> None:
        for name in ("enter", "leave"):
            object.__setattr__(self, name, number(getattr(self, name), name, low=0, high=1, unit="a probability"))
        if not 0 < self.leave <= self.enter:
            raise ValueError(f"expected 0 < leave <= enter <= 1, got leave {self.leave} and enter {self.enter}")
        for name in ("min_duration", "cool_down"):
            object.__setattr__(self, name, number(getattr(self, name), name, low=0, unit="seconds"))


#: What may be set for a label.
SETTINGS = tuple(field.name for field in fields(_Settings))


class EventDetector:
    """Turns predictions into events, with hysteresis so that a wavering score does not split one event into many.

    An event begins when a label's probability reaches `enter`, and ends when it falls below `leave` or
    another label reaches `enter`. Its start is where the probability rose to `leave`, but within the window that
    reached `enter`. A prediction speaks of a whole window, not of its newest frame, and smoothing makes it late:
    starts and ends are placed in the middle of the window that showed them, less `Prediction.delay`. Across a gap in
    the stream none goes on. Every model has events of its own. The labels "nothing" and "unknown" end events and are
    none.

    Where the picture stood still before or after, as `Prediction.reused` tells, an event starts where it began to move
    and ends where it came to rest, if that is near. So an end that no other action makes is known a window later at
    most; until then the event may go on. What began so and was too short to be told leaves its start to the action
    that takes its place.

    A label that `Prediction.calm` names begins no event, and ends none of another.

    The defaults are what found most beginnings and ends of short actions within half a second, and few where there
    were none, on people that were not measured; see docs/outputs.md.

    Parameters
    ----------
    enter, leave : float
        Probabilities, ``0 < leave <= enter <= 1``. Where several labels reach `enter`, it is the most probable that
        begins.
    min_duration : float
        Seconds; shorter events are dropped, so a beginning is told only when the event has lasted so long. What
        begins from rest lasts 0.6 s at least; less in proportion where this is below 0.25 s, and with 0 nothing waits.
    cool_down : float
        Seconds after the end of an event in which its label does not begin again.
    update_every : float, optional
        Seconds, above 0: an event that goes on is told again so often. Without it, only beginnings and ends are told.
    labels : mapping of str to mapping
        Settings of single labels, of `enter`, `leave`, `min_duration` and `cool_down`:
        ``{"fall": {"enter": 0.5, "min_duration": 0}}``.

    Raises
    ------
    ValueError
        A setting is out of its range, or none of these.
    """

    def __init__(
        self,
        enter: float = ENTER,
        leave: float = LEAVE,
        min_duration: float = MIN_DURATION,
        *,
        cool_down: float = 0.0,
        update_every: float | None = None,
        labels: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        self._default = _Settings(enter, leave, min_duration, cool_down)
        if update_every is not None:
            update_every = number(update_every, "update_every", low=0, above=True, unit="seconds")
        self._update_every = update_every
        self._special: dict[str, _Settings] = {}
        for label, settings in (labels or {}).items():
            for name in settings:
                if name not in SETTINGS:
                    raise ValueError(f"label {label!r}: expected settings of {', '.join(SETTINGS)}, got {name!r}")
            try:
                self._special[label] = replace(self._default, **settings)
            except ValueError as error:
                raise ValueError(f"label {label!r}: {error}") from error
        self._told = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything; an event that is going on is not reported."""
        self._tracks: dict[str, Track] = {}  # by model

    def check(self, labels: Iterable[str]) -> None:
        """Raise ValueError if a label has settings and is none of `labels`."""
        known = set(labels)
        for label in self._special:
            if label not in known:
                raise ValueError(f"label {label!r} has settings of its own; expected one of {', '.join(sorted(known))}")

    def update(self, prediction: Prediction) -> list[Event]:
        """Take the next prediction.

        Returns
        -------
        list of Event
            The event that it ended, if any, with its `end`; then the one that has begun or goes on, if it is time
            to tell it, with `end` None.

        Raises
        ------
        TypeError
            It is none: a recogniser gives None where there is nothing new.
        """
        if not isinstance(prediction, Prediction):
            raise TypeError(
                f"expected a Prediction, got {type(prediction).__name__}; where a recogniser gives None nothing "
                "is new: if prediction is not None: detector.update(prediction)"
            )
        track = self._tracks.setdefault(prediction.model, Track())
        events: list[Event] = []
        if prediction.window_start > track.known_to + LONGEST_BRIDGE:
            events += self._close(track, track.known_to)
            track.restart()
        track.take(prediction, [self._of(label).leave for label in prediction.labels])
        begins = self._highest(prediction)
        rest = None  # the beginning of a movement that was not told as another label's
        if track.going is not None and self._has_left(track, track.going, begins):
            rival = begins is not None and prediction.labels[begins] not in NO_ACTION
            if not rival and self._may_go_on(track, track.going):
                return events
            if track.going.from_rest and not self._lasts(track, track.going, track.end(track.going, track.boundary)):
                rest = track.going.start
            events += self._close(track, track.boundary)
        if track.going is None and begins is not None and self._may_begin(track, prediction.labels[begins]):
            cool_down = self._of(prediction.labels[begins]).cool_down
            track.going = Going(begins, *track.start(begins, cool_down, rest))
        if track.going is not None:
            track.going.add(float(prediction.probabilities[track.going.label]))
            events += self._tell(track, track.going, track.boundary) or self._update(track, track.going)
        return events

    def __call__(self, prediction: Prediction) -> list[Event]:
        """The same as `update`, as a recogniser is called, too."""
        return self.update(prediction)

    def finish(self) -> list[Event]:
        """End the stream, or what was seen of it before a loss.

        Labels go on cooling down, unless the next prediction is of an earlier time.

        Returns
        -------
        list of Event
            Those that were going on, ended at the last prediction or its rest.
        """
        events = [event for track in self._tracks.values() for event in self._close(track, track.known_to)]
        self._tracks = {model: Track(track.ended) for model, track in self._tracks.items()}
        return events

    def _of(self, label: str) -> _Settings:
        return self._special.get(label, self._default)

    def _has_left(self, track: Track, going: Going, begins: int | None) -> bool:
        """Whether the newest prediction no longer shows what goes on."""
        newest = track.newest
        leave = self._of(newest.labels[going.label]).leave
        if begins == going.label or (begins is None and newest.probabilities[going.label] >= leave):
            going.left = None
            return False
        if going.left is None:
            going.left = track.boundary
        return True

    def _may_go_on(self, track: Track, going: Going) -> bool:
        """Whether what was left for no other action may return, or come to rest somewhat later."""
        assert going.left is not None
        newest = track.newest
        last = going.left + newest.timestamp - newest.window_start
        return newest.timestamp < last - HAIRS_BREADTH and track.rested(going, going.left) is None

    def _highest(self, prediction: Prediction) -> int | None:
        """The most probable label of those that reach what they need to begin, and move enough."""
        needed = np.full(len(prediction.labels), self._default.enter, np.float32)  # as the probabilities are
        for label, settings in self._special.items():
            if label in prediction.labels:
                needed[prediction.labels.index(label)] = settings.enter
        reached = np.where(prediction.probabilities >= needed, prediction.probabilities, -1.0)
        for label in prediction.calm:
            reached[prediction.labels.index(label)] = -1.0
        best = int(reached.argmax())
        return best if reached[best] >= 0 else None

    def _may_begin(self, track: Track, label: str) -> bool:
        """Whether it is an action, and has cooled down since its last event."""
        if label in NO_ACTION:
            return False
        ended = track.ended.get(label)
        return ended is None or track.boundary - ended >= self._of(label).cool_down - HAIRS_BREADTH

    def _lasts(self, track: Track, going: Going, until: float) -> bool:
        """Whether it has been told, or lasts long enough for that."""
        needed = self._of(track.newest.labels[going.label]).min_duration
        if going.from_rest:
            needed = max(needed, SETTLED * min(1.0, needed / MIN_DURATION))
        return bool(going.id) or until - going.start >= needed - HAIRS_BREADTH

    def _tell(self, track: Track, going: Going, lasted_to: float) -> list[Event]:
        """The beginning of an event that has lasted long enough and was not told yet."""
        if going.id or not self._lasts(track, going, lasted_to):
            return []
        self._told += 1
        going.id, going.told = self._told, lasted_to
        return [_event(track, going)]

    def _update(self, track: Track, going: Going) -> list[Event]:
        """The event that goes on, if it was told and it is time to tell it again."""
        every = self._update_every
        if not going.id or every is None or track.boundary - going.told < every - HAIRS_BREADTH:
            return []
        going.told = track.boundary
        return [_event(track, going, updated=going.told)]

    def _close(self, track: Track, otherwise: float) -> list[Event]:
        """The end of an event, after its beginning if that was not told yet; nothing if the event was too short."""
        if track.going is None:
            return []
        going, end = track.going, track.end(track.going, otherwise)
        begun = self._tell(track, going, end)
        track.going = None
        if not going.id:
            return []
        track.free = end
        label = track.newest.labels[going.label]
        if self._of(label).cool_down:
            track.ended[label] = end
        return [*begun, _event(track, going, end)]


def _event(track: Track, going: Going, end: float | None = None, updated: float | None = None) -> Event:
    model, labels = track.newest.model, track.newest.labels
    return Event(going.id, model, labels[going.label], going.start, end, going.score, updated)
