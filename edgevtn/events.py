"""From a prediction at every moment to actions that begin and end."""

from __future__ import annotations

from dataclasses import dataclass

from edgevtn.prediction import NO_ACTION, Event, Prediction

#: Seconds, for the rounding of timestamps: an event that lasted `min_duration` is not dropped for the last bit.
HAIRS_BREADTH = 1e-6
#: Seconds between two windows over which an event goes on: more than lies between two predictions of a model whose
#: window is one frame. Beyond that nobody knows what went on.
LONGEST_BRIDGE = 2.0


@dataclass
class _Going:
    """An action that goes on; how long it will last is not known yet."""

    label: int  # its index
    start: float
    total: float = 0.0  # of its probabilities
    count: int = 0
    id: int = 0  # 0 until it was told

    @property
    def score(self) -> float:
        return self.total / self.count


class EventDetector:
    """Turns predictions into events, with hysteresis so that a wavering score does not split one event into many.

    An event begins when a label's probability reaches `enter`, and ends when it falls below `leave` or
    another label reaches `enter`. A prediction speaks of a whole window, not of its newest frame: beginnings and
    ends are placed in the middle of the window that showed them. Across a gap in the stream none
    goes on. Every model has events of its own. The labels
    "nothing" and "unknown" end events and are none.

    Parameters
    ----------
    enter, leave : float
        Probabilities, ``0 < leave <= enter <= 1``. With `enter` above 0.5 only one label can reach it.
    min_duration : float
        Seconds; shorter events are dropped, so a beginning is told only when the event has lasted so long.
    """

    def __init__(self, enter: float = 0.6, leave: float = 0.4, min_duration: float = 0.5) -> None:
        if not 0 < leave <= enter <= 1:
            raise ValueError(f"expected 0 < leave <= enter <= 1, got leave {leave} and enter {enter}")
        if not min_duration >= 0:
            raise ValueError(f"min_duration must be seconds, 0 or more, got {min_duration}")
        self._enter, self._leave, self._min_duration = enter, leave, min_duration
        self._told = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything; an event that is going on is not reported."""
        self._last: dict[str, Prediction] = {}  # by model
        self._going: dict[str, _Going] = {}

    def update(self, prediction: Prediction) -> list[Event]:
        """Take the next prediction.

        Returns
        -------
        list of Event
            The event that it ended, if any, with its `end`; then the one that has begun, if any, with `end` None.
        """
        name, probabilities = prediction.model, prediction.probabilities
        events: list[Event] = []
        last = self._last.get(name)
        if last is not None and prediction.window_start > last.timestamp + LONGEST_BRIDGE:
            if name in self._going:
                events += self._close(name, last.timestamp)
            last = None
        # The first window begins with the stream: nothing came before it that could have been the other action.
        middle = (prediction.window_start + prediction.timestamp) / 2
        boundary = prediction.window_start if last is None else middle
        self._last[name] = prediction
        best = int(probabilities.argmax())
        begins = best if probabilities[best] >= self._enter else None
        going = self._going.get(name)
        if going is not None:
            goes_on = begins == going.label or (begins is None and probabilities[going.label] >= self._leave)
            if not goes_on:
                events += self._close(name, boundary)
                going = None
        if going is None and begins is not None and prediction.labels[begins] not in NO_ACTION:
            going = self._going[name] = _Going(begins, boundary)
        if going is not None:
            going.total += float(probabilities[going.label])
            going.count += 1
            events += self._tell(name, middle)
        return events

    def finish(self) -> list[Event]:
        """End the stream; returns the events that were going on, ended at the last prediction."""
        events = [event for name in list(self._going) for event in self._close(name, self._last[name].timestamp)]
        self.reset()
        return events

    def _tell(self, name: str, lasted_to: float) -> list[Event]:
        """The beginning of an event that has lasted long enough and was not told yet."""
        going = self._going[name]
        if going.id or lasted_to - going.start < self._min_duration - HAIRS_BREADTH:
            return []
        self._told += 1
        going.id = self._told
        return [Event(going.id, name, self._last[name].labels[going.label], going.start, None, going.score)]

    def _close(self, name: str, end: float) -> list[Event]:
        """The end of an event, after its beginning if that was not told yet; nothing if the event was too short."""
        begun = self._tell(name, end)
        going = self._going.pop(name)
        if not going.id:
            return []
        return [*begun, Event(going.id, name, self._last[name].labels[going.label], going.start, end, going.score)]
