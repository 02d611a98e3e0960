"""Which moments of a clip spoke for which label.

A linear head's logit is a sum over statistics, and each statistic of a window is shared out among its frames so that
the shares add up to it:

- a mean, of the window, of a part of it, or of two parts' difference, is a sum over frames;
- a standard deviation s of the values x_t around their mean m is the sum of ``(x_t - m)^2 / (T s)``. That is its
  linearised share: the derivative of s by x_t, times the distance of x_t from the mean;
- the mean size of the change from frame to frame is a sum over pairs, of which either frame has half.

So the shares of a clip's frames add up to the difference of two logits, the intercepts being spread evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgevtn.arrays import Float
from edgevtn.heads.linear import SEGMENTS, STATISTICS
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
    known = np.flatnonzero(material.classes < material.named)
    found, models = [], dict[int, Fitted]()
    candidate = fitted.candidate
    for n, answer in mistakes(fitted.scores[known, : material.named], material.classes[known]):
        clip, label = int(known[n]), int(material.classes[known[n]])
        group = int(material.group_of[clip])
        if group not in models:
            less = material.only(np.flatnonzero(material.group_of != group))
            models[group], _ = fit([less], make_nothing, [candidate])
        w, b = models[group].w.astype(np.float64), models[group].b.astype(np.float64)
        rows = material.clips[clip][:: round(material.rate / candidate.rate)]
        own = shares(
            rows, w[:, answer] - w[:, label], float(b[answer] - b[label]), candidate.statistics, candidate.window_len
        )
        found.append(Evidence(n, material.labels[label], material.labels[answer], candidate.rate, own))
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
    W, T = rows.shape[1], window_len
    weight, begin = {}, 0
    for name in (name for name in STATISTICS if name in statistics):
        weight[name] = w[begin : begin + STATISTICS[name] * W].reshape(STATISTICS[name], W)
        begin += STATISTICS[name] * W
    missing = max(0, T - len(rows))
    owner = np.maximum(0, np.arange(len(rows) + missing) - missing)
    total, every = np.zeros(len(rows)), windows(rows, T)
    for first, window in enumerate(every):
        own = _window_shares(window.astype(np.float64), weight) + b / T
        np.add.at(total, owner[first : first + T], own)
    return total / len(every)


def _window_shares(x: Float64, weight: dict[str, Float64]) -> Float64:
    """What each row of a window, float64 (T, W), adds to its logit: (T,)."""
    T, found = len(x), np.zeros(len(x))
    if "mean" in weight:
        found += x @ weight["mean"][0] / T
    if "spread" in weight:
        apart = x - x.mean(axis=0)
        deviation = np.sqrt(np.square(apart).mean(axis=0))
        # What never varies has a deviation of 0, and nothing to share out.
        found += np.square(apart) @ np.divide(weight["spread"][0], T * deviation, where=deviation > 0,
                                              out=np.zeros_like(deviation))  # fmt: skip
    if "change" in weight and T > 1:
        pairs = np.abs(np.diff(x, axis=0)) @ weight["change"][0] / (T - 1)
        found[1:] += pairs / 2
        found[:-1] += pairs / 2
    parts = np.zeros((SEGMENTS, x.shape[1]))
    if "segments" in weight:
        parts += weight["segments"]
    if "segment_changes" in weight:
        parts[1:] += weight["segment_changes"]
        parts[:-1] -= weight["segment_changes"]
    for part, rows in zip(parts, np.array_split(np.arange(T), SEGMENTS), strict=True):
        if len(rows):
            found[rows] += x[rows] @ part / len(rows)
        else:  # an empty part has the mean of all
            found += x @ part / T
    return found
