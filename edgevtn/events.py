"""From a prediction at every moment to actions that begin and end."""

from __future__ import annotations

from edgevtn.prediction import Event, Prediction


class EventDetector:
    """Turns predictions into events, with hysteresis so that a wavering score does not make many of one.

    An event begins when a label's probability reaches `enter`, and ends when it falls below `leave` or
    another label reaches `enter`. A prediction speaks of a whole clip, not of its newest frame: beginnings and
    ends are placed in the middle of the clip that showed them.

    Parameters
    ----------
    enter, leave : float
        Probabilities, ``0 < leave <= enter <= 1``. With `enter` above 0.5 only one label can reach it.
    min_duration : float
        Seconds; shorter events are dropped.
    """

    def __init__(self, enter: float = 0.6, leave: float = 0.4, min_duration: float = 0.5) -> None:
        if not 0 < leave <= enter <= 1:
            raise ValueError(f"expected 0 < leave <= enter <= 1, got leave {leave} and enter {enter}")
        if not min_duration >= 0:
            raise ValueError(f"min_duration must be seconds, 0 or more, got {min_duration}")
        self._enter, self._leave, self._min_duration = enter, leave, min_duration
        self.reset()

    def reset(self) -> None:
        """Forget everything; an event that is going on is not reported."""
        self._active: int | None = None  # index of the label that is going on
        self._start = self._last = 0.0
        self._total, self._count = 0.0, 0
        self._labels: tuple[str, ...] = ()
        self._fresh = True

    @property
    def active(self) -> str | None:
        """Label of the action that is going on; None if there is none."""
        return None if self._active is None else self._labels[self._active]

    def update(self, prediction: Prediction) -> Event | None:
        """Take the next prediction; returns the event that it ended, if any."""
        self._labels = prediction.labels
        # The first clip begins with the stream: nothing came before it that could have been the other action.
        middle = (prediction.clip_start + prediction.timestamp) / 2
        boundary = prediction.clip_start if self._fresh else middle
        self._fresh = False
        self._last = prediction.timestamp
        best = int(prediction.probabilities.argmax())
        begins = best if prediction.probabilities[best] >= self._enter else None
        ended = None
        if self._active is not None:
            score = float(prediction.probabilities[self._active])
            if begins == self._active or (begins is None and score >= self._leave):
                self._total += score
                self._count += 1
                return None
            ended = self._close(boundary)
        if begins is not None:
            self._active, self._start = begins, boundary
            self._total, self._count = float(prediction.probabilities[begins]), 1
        return ended

    def finish(self) -> Event | None:
        """End of the stream: returns the event that was going on, if any, ended with the last prediction."""
        ended = None if self._active is None else self._close(self._last)
        self.reset()
        return ended

    def _close(self, end: float) -> Event | None:
        assert self._active is not None
        event = Event(self._labels[self._active], self._start, end, self._total / self._count)
        self._active = None
        # A hair's breadth for the rounding of timestamps.
        return event if end - self._start >= self._min_duration - 1e-6 else None
