"""From logits to probabilities that do not waver."""

from __future__ import annotations

import math

import numpy as np

from edgevtn.arrays import Float


def softmax(logits: Float) -> Float:
    """Probabilities of logits, float32 (K,)."""
    weights = np.exp(logits - logits.max())
    probabilities: Float = weights / weights.sum()
    return probabilities


class Smoothing:
    """An exponential mean of probabilities over time.

    Parameters
    ----------
    time_constant : float
        Seconds after which a probability's weight has fallen to 1 / e; 0: no mean.

    Attributes
    ----------
    delay : float
        Seconds after which the mean has gone half the way of a sudden change.
    """

    def __init__(self, time_constant: float) -> None:
        self._time_constant = time_constant
        self.delay = time_constant * math.log(2)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._mean: Float | None = None
        self._timestamp = 0.0

    def __call__(self, probabilities: Float, timestamp: float) -> Float:
        """The mean up to now, float32 (K,), with these probabilities at this time, seconds."""
        if not self._time_constant:
            return probabilities
        if self._mean is not None:
            keep = np.float32(math.exp((self._timestamp - timestamp) / self._time_constant))
            probabilities = probabilities + keep * (self._mean - probabilities)
        self._mean, self._timestamp = probabilities, timestamp
        return probabilities
