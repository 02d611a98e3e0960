"""From a fit to its report: left-out answers, the learning curve, shortcuts, and false alarms on clips of nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgevtn.arrays import Float
from edgevtn.teaching.alarms import alarms
from edgevtn.teaching.choose import corrected
from edgevtn.teaching.confidence import CERTAIN, probabilities
from edgevtn.teaching.fit import Fitted, Material
from edgevtn.teaching.gather import Gathered
from edgevtn.teaching.report import Report, interval, mistakes, wanting
from edgevtn.teaching.ridge import Float64, Int, Ridge, balanced, targets_of
from edgevtn.teaching.scale import Scale
from edgevtn.teaching.shortcuts import shortcuts, suspicions
from edgevtn.teaching.windows import Measure, columns

#: Takes to learn from, as far as there are so many; the accuracy of each is a mean over so many draws.
TAKES, DRAWS = (1, 2, 3, 5, 8, 12, 20), 6


def judge(gathered: Gathered, fitted: Fitted, notes: Sequence[str], make_nothing: bool) -> Report:
    """The report of a fit.

    Parameters
    ----------
    gathered : Gathered
        What it was fitted on.
    fitted : Fitted
    notes : sequence of str
        Warnings so far.
    make_nothing : bool
        As for `fit`.
    """
    material, names, how, whole = gathered.material, gathered.names, gathered.how, gathered.whole
    K, labels = material.named, material.labels[: material.named]
    known = np.flatnonzero(material.classes < K)
    classes, group_of = material.classes[known], material.group_of[known]
    clips = {label: int((classes == k).sum()) for k, label in enumerate(labels)}
    takes = {label: len(np.unique(group_of[classes == k])) for k, label in enumerate(labels)}
    short = [names[n] for n in known.tolist() if 2 * len(material.clips[n]) / material.rate < fitted.candidate.seconds]
    if material.comparable:
        known = material.judged
        classes, group_of = material.classes[known], material.group_of[known]
    groups = [np.flatnonzero(group_of == group) for group in np.unique(group_of)]
    weights = balanced(classes, np.ones(len(classes)))
    scores, confusion = fitted.scores[known], np.zeros((K, K), np.int64)
    accuracy = answered = expected = bounds = None
    learning: list[tuple[int, float]] = []
    confusing: list[tuple[str, str, str]] = []
    short_ways: dict[str, float] = {}
    notes = list(notes)
    if material.comparable:
        best = scores[:, :K].argmax(axis=1)
        np.add.at(confusion, (classes, best), 1)
        right = best == classes
        accuracy = float(np.average(right, weights=weights))
        bounds = interval(right.astype(float).tolist(), weights, groups)
        certain = probabilities(scores, fitted.temperature, fitted.level)[:, :K].max(axis=1) >= CERTAIN
        answered = float(np.average(right & certain, weights=weights))
        expected = min(accuracy, corrected(fitted.tried, classes, groups)) if len(fitted.tried) > 1 else None
        surest = mistakes(scores[:, :K], classes)
        confusing = [(names[known[n]], labels[classes[n]], labels[answer]) for n, answer in surest]
        learning = _curve(material, fitted, known)
        kinds, told = np.unique(classes, return_inverse=True)
        found = shortcuts([material.clips[n] for n in known], told, groups)
        short_ways = {shortcut.what: shortcut.accuracy for shortcut in found}
        notes += suspicions(found, accuracy, [labels[k] for k in kinds])
    rate, hours = alarms(material, fitted, make_nothing, whole) if whole else (None, None)
    order = sorted(fitted.tried, key=lambda tried: (-float(np.average(tried.right, weights=weights)), tried.loss))
    chosen = fitted.candidate
    return Report(
        labels=labels, clips=clips, takes=takes, groups=how, accuracy=accuracy, corrected=expected, answered=answered,
        interval=bounds, confusion=confusion.tolist() if material.comparable else [], learning=learning,
        candidates=[tried.as_dict() for tried in order],
        chosen={
            "statistics": list(chosen.statistics), "rate": chosen.rate, "size": chosen.size,
            "modality": chosen.modality,
            "window_len": chosen.window_len, "seconds": chosen.seconds, "strength": fitted.strength,
            "temperature": fitted.temperature,
            "made of nothing": list(fitted.recipe),
        },
        confusing=confusing,
        wanting=wanting(labels, clips, takes, confusion if material.comparable else np.zeros((0, 0), np.int64)),
        short=short, alarms_per_hour=rate, nothing_hours=hours, shortcuts=short_ways, warnings=notes,
    )  # fmt: skip


def _rows(material: Material, fitted: Fitted, which: Int) -> Float:
    candidate, W = fitted.candidate, material.clips[0].shape[1]
    measure, step = Measure(candidate.window_len, W), round(material.rate / candidate.rate)
    return np.stack([measure.clip(material.clips[n], step) for n in which])[:, columns(candidate.statistics, W)]


def _curve(material: Material, fitted: Fitted, known: Int) -> list[tuple[int, float]]:
    """Accuracy by the number of groups that were learned from."""
    rows, classes, group_of = _rows(material, fitted, known), material.classes[known], material.group_of[known]
    W = material.clips[0].shape[1]
    weights = balanced(classes, np.ones(len(classes)))
    scaled = Scale.of(rows, weights, fitted.candidate.statistics, W, material.modality)(rows)
    products: Float64 = (scaled @ scaled.T).astype(np.float64)
    every, rng, curve = np.unique(group_of), np.random.default_rng(0), []
    for count in TAKES:
        shares = []
        for _ in range(DRAWS if count < len(every) else 0):
            inside = np.isin(group_of, rng.permutation(every)[:count])
            learned, asked = np.flatnonzero(inside), np.flatnonzero(~inside)
            present = np.unique(classes[learned])
            if len(present) < 2:
                continue
            own = np.searchsorted(present, classes[learned])
            ridge = Ridge.of(
                products[np.ix_(learned, learned)], balanced(own, np.ones(len(own))), targets_of(own, len(present))
            )
            a, b = ridge.coefficients(fitted.strength)
            answers = present[(products[np.ix_(asked, learned)] @ a + b).argmax(axis=1)]
            weights = balanced(np.unique(classes[asked], return_inverse=True)[1], np.ones(len(asked)))
            shares.append(float(np.average(answers == classes[asked], weights=weights)))
        if shares:
            curve.append((count, float(np.mean(shares))))
    return curve
