"""What a taught model is worth, from clips that were left out: for people, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgevtn.bundle import TWO_STREAM
from edgevtn.teaching.features import MOVEMENT
from edgevtn.teaching.ridge import Float64, Int

#: Draws behind an interval.
BOOTSTRAPS = 2000
#: Two-sided, of 95 %.
NORMAL = 1.96
#: One-sided, of 95 %.
ONE_SIDED = 1.645
#: Accuracy that the last step of the learning curve must have gained for more takes to be worth it.
STILL_RISING = 0.02
#: A label with fewer clips, or a lower recall, needs more clips.
ENOUGH, GOOD = 5, 0.8
#: Confusing clips that are told of, and short ones that are named: whoever has more knows what to do after these.
MOST_CONFUSING = MOST_NAMED = 10


@dataclass(frozen=True)
class Report:
    """What is known about a taught model.

    Attributes
    ----------
    labels : tuple of str
        K, "nothing" and "unknown" apart.
    clips, takes : dict of str to int
        For each label its clips, and groups of them that can be left out.
    groups : str
        How clips that belong together were found.
    accuracy : float, optional
        Share of clips recognised among the K labels with their group left out, labels alike, 0 to 1. Labels of one take
        do not count, for nothing tells of them when that is left out; None unless most clips are of two other labels
        or more.
    corrected : float, optional
        The same with what choosing among candidates gained by chance taken off: what to expect.
    answered : float, optional
        Share of clips that were recognised and not called "nothing" or "unknown".
    interval : (float, float), optional
        95 % interval of the accuracy: the wider of Wilson's over clips, and a bootstrap over groups.
    confusion : list of list of int
        Rows: true label; columns: recognised label.
    learning : list of (int, float)
        Groups to learn from, and the accuracy on the others.
    candidates : list of dict
        All that were compared, best first.
    chosen : dict
        What the head looks at.
    confusing : list of (str, str, str)
        Clips that were mistaken: name, label, answer; the surest mistakes first.
    wanting : dict of str to str
        Labels that need more clips, and why.
    short : list of str
        Clips shorter than half a window.
    alarms_per_hour : float, optional
        Actions that would have been reported in an hour of the clips of nothing, left out; None without such clips.
    nothing_hours : float, optional
        Hours of such clips behind that number.
    shortcuts : dict of str to float
        Accuracy, left out likewise, of who sees the "first frame" alone, or knows the "duration" alone.
    warnings : list of str
    """

    labels: tuple[str, ...]
    clips: dict[str, int]
    takes: dict[str, int]
    groups: str
    accuracy: float | None
    corrected: float | None
    answered: float | None
    interval: tuple[float, float] | None
    confusion: list[list[int]]
    learning: list[tuple[int, float]]
    candidates: list[dict[str, Any]]
    chosen: dict[str, Any]
    confusing: list[tuple[str, str, str]]
    wanting: dict[str, str]
    short: list[str]
    alarms_per_hour: float | None
    nothing_hours: float | None
    shortcuts: dict[str, float]
    warnings: list[str]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def outlook(self) -> str | None:
        """Whether more takes would help, as far as the learning curve tells."""
        if len(self.learning) < 2:
            return None
        (before, lower), (now, higher) = self.learning[-2:]
        gained = higher - lower
        if gained < STILL_RISING and now < ENOUGH:
            return None  # a curve that is flat so early tells of luck
        change = f"from {before} to {now} takes learned from it went from {lower:.0%} to {higher:.0%}"
        return f"more takes would {'help' if gained >= STILL_RISING else 'hardly help'}: {change}"

    def next_take(self) -> str | None:
        """The label of which one more take would tell or teach most; None where nothing is wanting."""

        def urgency(label: str) -> tuple[bool, float, int]:
            k = self.labels.index(label)
            total = sum(self.confusion[k]) if self.confusion else 0
            return self.takes[label] > 1, self.confusion[k][k] / total if total else 0.0, self.clips[label]

        return min(self.wanting, key=urgency, default=None)

    def pictures(self) -> str:
        """What the model looks at, in words."""
        text = f"pictures of {self.chosen['size']} pixels"
        more = {TWO_STREAM: " and their differences", MOVEMENT: " and, before all, their differences"}
        modality = str(self.chosen["modality"])
        return f"{text}{more[modality]}, two encodings a frame" if modality in more else text

    def shortest(self) -> str:
        """The clips that are too short, the first ones by name."""
        more = len(self.short) - MOST_NAMED
        return ", ".join(self.short[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")

    def alarms(self) -> str | None:
        """False alarms, and the material behind that number, in words."""
        if self.alarms_per_hour is None or self.nothing_hours is None:
            return None
        minutes = 60 * self.nothing_hours
        long = f"{self.nothing_hours:.1f} hours" if minutes >= 90 else f"{minutes:.1f} minutes"
        count = round(self.alarms_per_hour * self.nothing_hours)
        text = f"{count} false alarms in {long} of nothing, {self.alarms_per_hour:.1f} an hour"
        if self.nothing_hours >= 1:
            return text
        most = _most_events(count) / self.nothing_hours
        return f"{text}; so little material does not rule out {most:.0f} an hour"

    def __str__(self) -> str:
        """A page of text."""
        total = sum(self.clips.values())
        lines = [f"{len(self.labels)} labels, {total} clips; {self.groups}"]
        single = [label for label, count in self.takes.items() if count < 2]
        if self.accuracy is None or self.interval is None:
            lines.append(f"accuracy is not known: no take can be left out, record another one of {', '.join(single)}")
        else:
            low, high = self.interval
            lines.append(
                f"accuracy on takes left out {self.accuracy:.1%}, 95 % interval {low:.1%} to {high:.1%}"
                + (f"; {self.corrected:.1%} without the luck of choosing" if self.corrected is not None else "")
                + (f"; of labels with two takes or more, so not of {', '.join(single)}" if single else "")
            )
        if self.answered is not None:
            lines.append(f"recognised and not called nothing or unknown {self.answered:.1%}")
        lines += [text] if (text := self.alarms()) else []
        chosen = self.chosen
        lines.append(
            f"looks at {', '.join(chosen['statistics'])} of {chosen['seconds']:g} s at {chosen['rate']:g} Hz "
            f"in {self.pictures()}; {len(self.candidates)} candidates compared"
        )
        width = max(map(len, self.labels))
        lines += ["", f"{'label':{width}}  clips  takes  recall"]
        for k, label in enumerate(self.labels):
            row = self.confusion[k] if self.confusion else []
            recall = f"{row[k] / sum(row):.0%}" if sum(row) else "-"
            lines.append(f"{label:{width}}  {self.clips[label]:5d}  {self.takes[label]:5d}  {recall:>6}")
        if self.learning:
            lines += ["", "takes learned from: accuracy on the others"]
            lines += [f"  {count}: {share:.1%}" for count, share in self.learning]
            lines += [text] if (text := self.outlook()) else []
        if self.confusing:
            lines += [
                "",
                "clips to look at:",
                *(f"  {n}: {truth}, taken for {answer}" for n, truth, answer in self.confusing),
            ]
        lines += [f"more clips of {label}: {why}" for label, why in self.wanting.items()]
        lines += [f"the next take to record: {wanted}"] if (wanted := self.next_take()) else []
        if self.short:
            lines.append(f"shorter than half a window: {self.shortest()}")
        return "\n".join([*lines, *(f"warning: {text}" for text in self.warnings)])


def interval(right: Sequence[float], weights: Float64, groups: Sequence[Int], seed: int = 0) -> tuple[float, float]:
    """95 % interval of a weighted share: the wider of Wilson's over clips, and a bootstrap over groups.

    Clips of a group are right or wrong together, which an interval over clips does not see; a bootstrap of clips that
    are all right sees no doubt at all, which Wilson's does.
    """
    own, n = np.asarray(right, np.float64), len(right)
    share = float(np.average(own, weights=weights))
    middle = (share + NORMAL**2 / (2 * n)) / (1 + NORMAL**2 / n)
    half = NORMAL / (1 + NORMAL**2 / n) * np.sqrt(share * (1 - share) / n + NORMAL**2 / (4 * n * n))
    right_of = np.array([(own[rows] * weights[rows]).sum() for rows in groups])
    weight_of = np.array([weights[rows].sum() for rows in groups])
    drawn = np.random.default_rng(seed).integers(0, len(groups), (BOOTSTRAPS, len(groups)))
    low, high = np.quantile(right_of[drawn].sum(axis=1) / weight_of[drawn].sum(axis=1), (0.025, 0.975))
    return float(max(0.0, min(low, middle - half))), float(min(1.0, max(high, middle + half)))


def mistakes(scores: Float64, classes: Int) -> list[tuple[int, int]]:
    """The surest mistakes in left-out scores (n, K): which row, and the answer."""
    rows = np.arange(len(classes))
    margin = scores.max(axis=1) - scores[rows, classes]
    order = [n for n in np.argsort(-margin, kind="stable") if margin[n] > 0][:MOST_CONFUSING]
    return [(int(n), int(scores[n].argmax())) for n in order]


def _most_events(count: int) -> float:
    """The upper end of Poisson's one-sided 95 % interval, by Wilson and Hilferty's approximation."""
    n = count + 1
    return n * (1 - 1 / (9 * n) + ONE_SIDED / (3 * math.sqrt(n))) ** 3


def wanting(labels: Sequence[str], clips: dict[str, int], takes: dict[str, int], confusion: Int) -> dict[str, str]:
    """Labels that need more clips, and why."""
    found = {}
    for k, label in enumerate(labels):
        total = int(confusion[k].sum()) if len(confusion) else 0
        if takes[label] < 2:
            found[label] = "it has one take, so nothing can be said of how well it is recognised"
        elif total and confusion[k, k] / total < GOOD:
            found[label] = f"{int(confusion[k, k])} of {total} were recognised"
        elif clips[label] < ENOUGH:
            found[label] = f"it has {clips[label]}, fewer than {ENOUGH}"
    return found
