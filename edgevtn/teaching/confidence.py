"""Scores into probabilities that mean something, and the label "unknown" for what fits no class.

All of it goes into the head: its logits are scores divided by a temperature, and one more label, "unknown", has a
level that rises with the scores' distance from those of any class (`edgevtn.heads.linear.rejection`). So what fits no
class well enough is "unknown" by the runtime's ordinary rules, and no threshold has to be kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgevtn.heads.linear import rejection
from edgevtn.teaching.ridge import Float64, Int

#: Temperatures of ridge scores, which lie around -1 and 1.
TEMPERATURES = np.geomspace(0.03, 3.0, 60)
#: Logits of "unknown", as a score, and what may be added to "nothing".
LEVELS = np.linspace(-3.0, 1.5, 181)
#: Shares of the windows recognised that must stay so, beside "nothing", and with "unknown", too.
KEPT_BY_NOTHING, KEPT = 0.99, 0.9
#: The runtime's `unknown_below`.
CERTAIN = 0.5


def probabilities(scores: Float64, temperature: float, level: float | None = None) -> Float64:
    """Softmax of scores (n, K) over a temperature; with a level (n, K + 1), the last one "unknown"."""
    if level is not None:
        scores = np.concatenate([scores, level + rejection(scores)[:, None]], axis=1)
    logits = scores / temperature
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Float64 = weights / weights.sum(axis=1, keepdims=True)
    return result


def fit_temperature(scores: Float64, classes: Int, weights: Float64) -> float:
    """The temperature at which left-out scores (n, K) are least surprised by the classes (n,): scaling by [1]_.

    References
    ----------
    .. [1] Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    """
    rows = np.arange(len(classes))

    def surprise(temperature: float) -> float:
        own = probabilities(scores, temperature)[rows, classes]
        return float(-np.average(np.log(np.maximum(own, 1e-9)), weights=weights))

    return float(min(TEMPERATURES, key=surprise))


def fit_gate(scores: Float64, named: int, classes: Int, weights: Float64, temperature: float) -> tuple[float, float]:
    """What is added to the score of "nothing", and the level of "unknown": as high as few right answers are lost.

    Parameters
    ----------
    scores : float64 (n, K or K + 1)
        Scores of left-out windows of the named classes; the last column may be "nothing".
    named : int
        K.
    classes : int64 (n,)
    weights : float64 (n,)
    temperature : float
    """
    own = scores[:, :named]
    right = own.argmax(axis=1) == classes
    if not right.any():
        return 0.0, float(LEVELS[0])
    own, nothing, weights = own[right], scores[right, named:], weights[right]

    def kept(offset: float, level: float) -> float:
        every = probabilities(np.concatenate([own, nothing + offset], axis=1), temperature, level)
        return float(np.average(every[:, :named].max(axis=1) >= CERTAIN, weights=weights))

    lowest = float(LEVELS[0])
    # Windows that are not certain among the classes alone cannot be kept.
    certain = kept(lowest - 10, lowest - 10)
    offset = 0.0
    if nothing.shape[1]:
        offset = _highest(lambda value: kept(value, lowest - 10) >= KEPT_BY_NOTHING * certain)
    return offset, _highest(lambda value: kept(offset, value) >= KEPT * certain)


def _highest(holds: Callable[[float], bool]) -> float:
    return float(max((level for level in LEVELS if holds(float(level))), default=LEVELS[0]))
