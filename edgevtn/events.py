"""From a prediction at every moment to actions that begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from edgevtn.arguments import number
from edgevtn.prediction import NO_ACTION, Event, Prediction

#: Seconds, for the rounding of timestamps: an event that lasted `min_duration` is not dropped for the last bit.
HAIRS_BREADTH = 1e-6
#: Seconds between two windows over which an event goes on: more than lies between two predictions of a model whose
#: window is one frame. Beyond that nobody knows what went on.
LONGEST_BRIDGE = 2.0
#: Probabilities at which an event begins and ends: higher ones come late and miss short actions, lower ones find more
#: where there is none.
ENTER, LEAVE = 0.5, 0.3
#: Seconds that an event lasts at least. A beginning is told no earlier, so more would be delay.
MIN_DURATION = 0.25


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


@dataclass
class _Going:
    """An action that goes on; how long it will last is not known yet."""

    label: int  # its index
    start: float
    total: float = 0.0  # of its probabilities
    count: int = 0
    id: int = 0  # 0 until it was told
    told: float = 0.0  # when it was told last

    @property
    def score(self) -> float:
        return self.total / self.count


class EventDetector:
    """Turns predictions into events, with hysteresis so that a wavering score does not split one event into many.

    An event begins when a label's probability reaches `enter`, and ends when it falls below `leave` or
    another label reaches `enter`. Its start is where the probability rose to `leave`, but within the window that
    reached `enter`. A prediction speaks of a whole window, not of its newest frame, and smoothing makes it late:
    starts and ends are placed in the middle of the window that showed them, less `Prediction.delay`. Across a gap in
    the stream none goes on. Every model has events of its own. The labels "nothing" and "unknown" end events and are
    none.

    The defaults are what found most beginnings and ends of short actions within half a second, and few where there
    were none, on people that were not measured; see docs/outputs.md.

    Parameters
    ----------
    enter, leave : float
        Probabilities, ``0 < leave <= enter <= 1``. Where several labels reach `enter`, it is the most probable that
        begins.
    min_duration : float
        Seconds; shorter events are dropped, so a beginning is told only when the event has lasted so long.
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
        self._last: dict[str, Prediction] = {}  # by model
        self._going: dict[str, _Going] = {}
        self._boundary: dict[str, float] = {}  # where the last prediction places a change, seconds
        self._risen: dict[str, dict[int, float]] = {}  # since when a label has been at `leave` or more
        self._free: dict[str, float] = {}  # the end of a model's last event
        self._ended: dict[tuple[str, str], float] = {}  # by model and label, where there is a cool-down

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
        name, probabilities = prediction.model, prediction.probabilities
        events: list[Event] = []
        last = self._last.get(name)
        if last is not None and prediction.window_start > last.timestamp + LONGEST_BRIDGE:
            if name in self._going:
                events += self._close(name, last.timestamp)
            last = None
        boundary = self._place(prediction, last)
        self._last[name] = prediction
        begins = self._highest(prediction)
        going = self._going.get(name)
        if going is not None:
            leave = self._of(prediction.labels[going.label]).leave
            goes_on = begins == going.label or (begins is None and probabilities[going.label] >= leave)
            if not goes_on:
                events += self._close(name, boundary)
                going = None
        if going is None and begins is not None and self._may_begin(name, prediction.labels[begins], boundary):
            going = self._going[name] = _Going(begins, self._start(prediction, begins, boundary))
        if going is not None:
            going.total += float(probabilities[going.label])
            going.count += 1
            events += self._tell(name, boundary) or self._update(name, boundary)
        return events

    def __call__(self, prediction: Prediction) -> list[Event]:
        """The same as `update`, as a recogniser is called, too."""
        return self.update(prediction)

    def finish(self) -> list[Event]:
        """End the stream; returns the events that were going on, ended at the last prediction."""
        events = [event for name in list(self._going) for event in self._close(name, self._last[name].timestamp)]
        self.reset()
        return events

    def _of(self, label: str) -> _Settings:
        return self._special.get(label, self._default)

    def _place(self, prediction: Prediction, last: Prediction | None) -> float:
        """Where a change lies that a prediction shows; also which labels have risen by then."""
        name = prediction.model
        if last is None:
            # The first window begins with the stream: nothing came before it that could have been the other action.
            boundary = prediction.window_start
            self._risen[name] = {}
        else:
            middle = (prediction.window_start + prediction.timestamp) / 2
            boundary = max(self._boundary[name], middle - prediction.delay)
        self._boundary[name] = boundary
        risen = self._risen[name]
        for k, label in enumerate(prediction.labels):
            if prediction.probabilities[k] >= self._of(label).leave:
                risen.setdefault(k, boundary)
            else:
                risen.pop(k, None)
        return boundary

    def _start(self, prediction: Prediction, k: int, boundary: float) -> float:
        """Where a label that reaches `enter` began: not before the window, the last event, or the cool-down's end."""
        name, label = prediction.model, prediction.labels[k]
        free = self._free.get(name, prediction.window_start)
        if (name, label) in self._ended:
            free = max(free, self._ended[name, label] + self._of(label).cool_down)
        start = max(self._risen[name].get(k, boundary), prediction.window_start - prediction.delay, free)
        return min(boundary, start)

    def _highest(self, prediction: Prediction) -> int | None:
        """The most probable label of those that reach what they need to begin."""
        needed = np.full(len(prediction.labels), self._default.enter, np.float32)  # as the probabilities are
        for label, settings in self._special.items():
            if label in prediction.labels:
                needed[prediction.labels.index(label)] = settings.enter
        reached = np.where(prediction.probabilities >= needed, prediction.probabilities, -1.0)
        best = int(reached.argmax())
        return best if reached[best] >= 0 else None

    def _may_begin(self, name: str, label: str, start: float) -> bool:
        """Whether it is an action, and has cooled down since its last event."""
        if label in NO_ACTION:
            return False
        ended = self._ended.get((name, label))
        return ended is None or start - ended >= self._of(label).cool_down - HAIRS_BREADTH

    def _tell(self, name: str, lasted_to: float) -> list[Event]:
        """The beginning of an event that has lasted long enough and was not told yet."""
        going = self._going[name]
        label = self._last[name].labels[going.label]
        if going.id or lasted_to - going.start < self._of(label).min_duration - HAIRS_BREADTH:
            return []
        self._told += 1
        going.id, going.told = self._told, lasted_to
        return [Event(going.id, name, label, going.start, None, going.score)]

    def _update(self, name: str, lasted_to: float) -> list[Event]:
        """The event that goes on, if it was told and it is time to tell it again."""
        going = self._going[name]
        every = self._update_every
        if not going.id or every is None or lasted_to - going.told < every - HAIRS_BREADTH:
            return []
        going.told = lasted_to
        label = self._last[name].labels[going.label]
        return [Event(going.id, name, label, going.start, None, going.score, updated=lasted_to)]

    def _close(self, name: str, end: float) -> list[Event]:
        """The end of an event, after its beginning if that was not told yet; nothing if the event was too short."""
        self._free[name] = end
        begun = self._tell(name, end)
        going = self._going.pop(name)
        if not going.id:
            return []
        label = self._last[name].labels[going.label]
        if self._of(label).cool_down:
            self._ended[name, label] = end
        return [*begun, Event(going.id, name, label, going.start, end, going.score)]
