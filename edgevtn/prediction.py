"""What the recogniser says of one window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: The label of a prediction or event of which the model is not sure enough.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The recogniser's answer at one moment.

    Attributes
    ----------
    label : str
        The most probable label, or "unknown" where its probability is below the recogniser's threshold.
    score : float
        The highest probability, 0 to 1.
    probabilities : float32 (K,)
        One for each of `labels`; they sum to 1.
    timestamp, clip_start : float
        Seconds; of the newest and of the oldest frame behind the prediction.
    labels : tuple of str
        The model's K labels.
    """

    label: str
    score: float
    probabilities: npt.NDArray[np.float32]
    timestamp: float
    clip_start: float
    labels: tuple[str, ...]

    def top(self, n: int = 5) -> list[tuple[str, float]]:
        """Return the `n` most probable labels with their probabilities, highest first."""
        order = np.argsort(-self.probabilities, kind="stable")[:n]
        return [(self.labels[k], float(self.probabilities[k])) for k in order]


@dataclass(frozen=True, slots=True)
class Event:
    """An action that lasted from `start` to `end`.

    Attributes
    ----------
    label : str
    start, end : float
        Seconds, in the source's time.
    score : float
        Mean probability of the label while it lasted, 0 to 1.
    """

    label: str
    start: float
    end: float
    score: float
