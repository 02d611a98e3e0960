"""What a detector remembers of one model's predictions, and where in time it places what they show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgevtn.motion import Motion
from edgevtn.prediction import Prediction

#: Seconds, for the rounding of timestamps: an event that lasted long enough is not dropped for the last bit.
HAIRS_BREADTH = 1e-6


@dataclass
class Going:
    """An action that goes on; how long it will last is not known yet.

    Attributes
    ----------
    label : int
        Its index.
    start : float
        Seconds.
    from_rest : bool
        Whether it started where the picture began to move.
    left : float, optional
        Where it may have ended, while that is not sure, seconds.
    id : int
        0 until it was told.
    told : float
        When it was told last, seconds.
    """

    label: int
    start: float
    from_rest: bool
    left: float | None = None
    id: int = 0
    told: float = 0.0
    _total: float = 0.0  # of its probabilities
    _count: int = 0

    def add(self, probability: float) -> None:
        """It goes on, with this probability of its label."""
        self._total += probability
        self._count += 1

    @property
    def score(self) -> float:
        """The mean of its probabilities."""
        return self._total / self._count


class Track:
    """One model's predictions until now.

    Parameters
    ----------
    ended : dict of str to float, optional
        Where the last events of labels ended, seconds.

    Attributes
    ----------
    going : Going, optional
    boundary : float
        Where the newest prediction places a change, seconds: in the middle of its window, less its delay.
    free : float, optional
        The end of the last event, seconds.
    ended : dict of str to float
        The same by label, where there is a cool-down.
    """

    def __init__(self, ended: Mapping[str, float] | None = None) -> None:
        self.going: Going | None = None
        self.boundary = 0.0
        self.free: float | None = None
        self.ended = dict(ended or {})
        self.restart()

    def restart(self) -> None:
        """The stream begins anew: nothing came before that could have been another action."""
        self._newest: Prediction | None = None
        self._risen: dict[int, float] = {}  # since when a label has had the probability at which its events end
        self._motion = Motion()

    @property
    def newest(self) -> Prediction:
        """The last prediction."""
        assert self._newest is not None
        return self._newest

    @property
    def known_to(self) -> float:
        """The time of the newest prediction, seconds; infinity where there is none."""
        return math.inf if self._newest is None else self._newest.timestamp

    def take(self, prediction: Prediction, leaves: Sequence[float]) -> None:
        """Take a prediction, and the probabilities at which its labels' events end."""
        middle = (prediction.window_start + prediction.timestamp) / 2 - prediction.delay
        if self._newest is None:
            self.boundary = prediction.window_start
            self.ended = {label: end for label, end in self.ended.items() if end <= prediction.timestamp}
        else:
            self.boundary = max(self.boundary, middle)
        self._newest = prediction
        for k, leave in enumerate(leaves):
            if prediction.probabilities[k] >= leave and prediction.labels[k] not in prediction.calm:
                self._risen.setdefault(k, self.boundary)
            else:
                self._risen.pop(k, None)
        self._motion.update(prediction.timestamp, prediction.reused)

    def start(self, k: int, cool_down: float, rest: float | None = None) -> tuple[float, bool]:
        """Where a label that is to begin began, seconds, and whether that is where the picture began to move.

        It is not before the window, the last event, or the cool-down's end. Where a movement that was taken for another
        label began at `rest`, that is it, if the label has cooled down by then.
        """
        newest = self.newest
        first, label = newest.window_start - newest.delay, newest.labels[k]
        free = first if self.free is None else self.free
        if label in self.ended:
            free = max(free, self.ended[label] + cool_down)
            rest = None if rest is not None and rest < free else rest
        if rest is not None:
            return rest, True
        start = max(min(self.boundary, max(self._risen.get(k, self.boundary), first)), free)
        moved = self._motion.began(start, self._earliest if self.free is None else max(self._earliest, free))
        return (start, False) if moved is None else (moved, True)

    def rested(self, going: Going, near: float) -> float | None:
        """Where what goes on came to rest, nearest to a time and not before it was told; None if it did not."""
        return self._motion.rested(near, self._earliest_end(going))

    def end(self, going: Going, otherwise: float) -> float:
        """Where what goes on ends, not before its start.

        It is where it was left, or came to rest near that; of what was not left, where the last rest began if that
        still lasts, else at the other time.
        """
        if going.left is not None:
            rested, otherwise = self.rested(going, going.left), going.left
        else:
            rested = self._motion.resting
            if rested is not None and rested < self._earliest_end(going):
                rested = None
        return max(going.start, otherwise if rested is None else rested)

    @property
    def _earliest(self) -> float:
        """How far back a rest is looked for: half a window before the window, as labels may be so late."""
        newest = self.newest
        return newest.window_start - newest.delay - (newest.timestamp - newest.window_start) / 2

    def _earliest_end(self, going: Going) -> float:
        """The same for the rest that ends what goes on, which was going on when it was told."""
        return max(self._earliest, going.told if going.id else going.start + HAIRS_BREADTH)
