"""Which moments of a clip spoke for which label: see `edgevtn.heads.shares`.

The shares of a clip's frames add up to the difference of two logits, the intercepts being spread evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgevtn.arrays import Float
from edgevtn.heads.shares import by_statistic, window_shares
from edgevtn.teaching.fit import Fitted, Material, fit
from edgevtn.teaching.report import mistakes
from edgevtn.teaching.ridge import Float64
from edgevtn.teaching.windows import windows


@dataclass(frozen=True)
class Evidence:
    """A clip that was mistaken with its group left out, and why.

    Attributes
    ----------
    clip : int
        Its place among the clips of actions.
    label, answer : str
        What it is, and what it was taken for.
    rate : float
        Hz.
    shares : float64 (N,)
        What each of its frames at that rate added to the answer's logit less the label's, in the model fitted again
        without the clip's group; negative where it spoke for the label.
    """

    clip: int
    label: str
    answer: str
    rate: float
    shares: Float64


def evidence(material: Material, fitted: Fitted, make_nothing: bool) -> list[Evidence]:
    """The clips that a report calls confusing, in its order."""
    if not material.comparable:
        return []
    known, judged = np.flatnonzero(material.classes < material.named), material.judged
    found, models = [], dict[int, Fitted]()
    candidate = fitted.candidate
    for row, answer in mistakes(fitted.scores[judged, : material.named], material.classes[judged]):
        clip, label = int(judged[row]), int(material.classes[judged[row]])
        group = int(material.group_of[clip])
        if group not in models:
            less = material.only(np.flatnonzero(material.group_of != group))
            models[group], _ = fit([less], make_nothing, [candidate])
        w, b = models[group].w.astype(np.float64), models[group].b.astype(np.float64)
        rows, step = material.clips[clip], round(material.rate / candidate.rate)
        begins = range(min(step, len(rows)))  # each counts alike, as in `Measure.clip`
        own = np.zeros(len(rows))
        for first in begins:
            own[first::step] = shares(
                rows[first::step], w[:, answer] - w[:, label], float(b[answer] - b[label]), candidate.statistics,
                candidate.window_len,
            ) / len(begins)  # fmt: skip
        place = int(np.searchsorted(known, clip))
        found.append(Evidence(place, material.labels[label], material.labels[answer], material.rate, own))
    return found


def shares(rows: Float, w: Float64, b: float, statistics: Sequence[str], window_len: int) -> Float64:
    """What each frame adds to the mean over a clip's windows of ``statistics @ w + b``, float64 (N,).

    Parameters
    ----------
    rows : float32 (N, W)
    w : float64 (M,)
    b : float
    statistics : sequence of str
        In the order of `STATISTICS`.
    window_len : int
        T.
    """
    T, weight = window_len, by_statistic(w, statistics, rows.shape[1])
    missing = max(0, T - len(rows))
    owner = np.maximum(0, np.arange(len(rows) + missing) - missing)
    total, every = np.zeros(len(rows)), windows(rows, T)
    for first, window in enumerate(every):
        own = window_shares(window.astype(np.float64), weight) + b / T
        np.add.at(total, owner[first : first + T], own)
    return total / len(every)
