"""How right a bundle is on labelled clips, through the same code that runs on a camera."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgevtn.arrays import Float, Int64
from edgevtn.datasets.manifest import Clip
from edgevtn.errors import ManifestError, require
from edgevtn.files import write_whole
from edgevtn.recognizer import Recognizer
from edgevtn.sources import frames

#: Draws behind an interval.
BOOTSTRAPS = 2000


@dataclass(frozen=True)
class Evaluation:
    """Counts of true against recognised labels.

    Attributes
    ----------
    labels : tuple of str
        The K labels, in the order of the model.
    confusion : int64 (K, K)
        Rows: true label; columns: recognised label.
    mistakes : list of (Path, str, str)
        Clip, true label, recognised label.
    outcomes : list of (str, bool)
        For every clip its group (its fold, or the clip itself if it has none), and whether it was recognised.
    windows : (int, int)
        Full windows whose own answer was right, and all of them: what a camera's single predictions are worth.
    """

    labels: tuple[str, ...]
    confusion: Int64
    mistakes: list[tuple[Path, str, str]]
    outcomes: list[tuple[str, bool]]
    windows: tuple[int, int]

    @property
    def accuracy(self) -> float:
        """Share of clips that were recognised, 0 to 1."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def window_accuracy(self) -> float:
        """Share of full windows that were recognised, 0 to 1."""
        return self.windows[0] / self.windows[1]

    @property
    def mean_recall(self) -> float:
        """Mean of the classes' recalls, 0 to 1, over the classes that have clips."""
        counts = self.confusion.sum(axis=1)
        present = counts > 0
        return float((self.confusion.diagonal()[present] / counts[present]).mean())

    def interval(self, level: float = 0.95, seed: int = 0) -> tuple[float, float]:
        """Interval of the accuracy by bootstrap over groups: clips of one group are drawn, or not, together.

        Clips of one person or recording are right or wrong together, so an interval over clips would be too narrow.
        """
        names = sorted({group for group, _ in self.outcomes})
        right = np.array([sum(ok for group, ok in self.outcomes if group == name) for name in names])
        total = np.array([sum(group == name for group, _ in self.outcomes) for name in names])
        drawn = np.random.default_rng(seed).integers(0, len(names), (BOOTSTRAPS, len(names)))
        shares = right[drawn].sum(axis=1) / total[drawn].sum(axis=1)
        low, high = np.quantile(shares, ((1 - level) / 2, (1 + level) / 2))
        return float(low), float(high)

    def __add__(self, other: Evaluation) -> Evaluation:
        """Both together; they must have the same labels."""
        assert self.labels == other.labels
        return Evaluation(
            self.labels,
            self.confusion + other.confusion,
            self.mistakes + other.mistakes,
            self.outcomes + other.outcomes,
            (self.windows[0] + other.windows[0], self.windows[1] + other.windows[1]),
        )

    def __str__(self) -> str:
        """Accuracy, a table of classes, and the confusion matrix, as text."""
        total, right = int(self.confusion.sum()), int(np.trace(self.confusion))
        width = max(
            len("label"), *(len(label) for label, row in zip(self.labels, self.confusion, strict=True) if row.any())
        )
        low, high = self.interval()
        lines = [
            f"accuracy {self.accuracy:.1%} ({right} of {total} clips), 95 % interval {low:.1%} to {high:.1%}, "
            f"mean of the classes {self.mean_recall:.1%}",
            f"single windows {self.window_accuracy:.1%} ({self.windows[0]} of {self.windows[1]})",
            "",
        ]
        present = self.confusion.sum(axis=1) > 0  # the rows of others say nothing
        lines.append(f"{'label':{width}}  clips  recall  precision")
        for k in np.flatnonzero(present).tolist():
            truly, claimed, both = self.confusion[k].sum(), self.confusion[:, k].sum(), self.confusion[k, k]
            precision = f"{both / claimed:.1%}" if claimed else "-"
            lines.append(f"{self.labels[k]:{width}}  {truly:5d}  {both / truly:>6.1%}  {precision:>9}")
        shown, others = self.confusion[np.ix_(present, present)], self.confusion[present][:, ~present]
        cell = max(4, *(len(str(count)) + 1 for count in self.confusion.flat))
        lines += ["", "confusion (row: true, column: recognised)"]
        head = "".join(f"{k + 1:{cell}d}" for k in range(len(shown)))
        lines.append(" " * (width + 1) + head + ("  other" if others.any() else ""))
        for k, label in enumerate(np.array(self.labels)[present]):
            counts = "".join(f"{count or '.':>{cell}}" for count in shown[k])
            other = f"  {others[k].sum() or '.':>5}" if others.any() else ""
            lines.append(f"{label:{width}} {counts}{other}  {k + 1}")
        if others.any():
            claims = zip(np.array(self.labels)[~present], others.sum(axis=0), strict=True)
            told = ", ".join(f"{label} ({count})" for label, count in claims if count)
            lines.append(f"other: labels that no clip has: {told}")
        return "\n".join(lines)

    def mistaken(self) -> str:
        """The clips that were mistaken for something else, a line each."""
        lines = [
            f"  {path.parent.name}/{path.name}: {label}, recognised as {answer}"
            for path, label, answer in self.mistakes
        ]
        return "\n".join(["", "mistaken:", *lines])

    def save_png(self, file: str | Path) -> None:
        """Draw the confusion matrix; needs the extra ``edgevtn[plots]``."""
        require("matplotlib", "plots")
        from matplotlib.figure import Figure

        K = len(self.labels)
        figure = Figure(figsize=(2.5 + 0.5 * K, 2 + 0.5 * K), layout="constrained")
        axes = figure.add_subplot()
        share = self.confusion / np.maximum(1, self.confusion.sum(axis=1, keepdims=True))
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(K), self.labels, rotation=45, ha="right")
        axes.set_yticks(range(K), self.labels)
        axes.set_xlabel("recognised")
        axes.set_ylabel("true")
        axes.set_title(f"accuracy {self.accuracy:.1%} of {self.confusion.sum()} clips")
        if K <= 60:  # more numbers than this cannot be read
            for (row, column), count in np.ndenumerate(self.confusion):
                if count:
                    color = "white" if share[row, column] > 0.5 else "black"
                    axes.text(column, row, str(count), ha="center", va="center", color=color)
        content = io.BytesIO()
        figure.savefig(content, dpi=120, format="png")
        write_whole(file, content.getvalue())


def evaluate(recognizer: Recognizer, clips: Sequence[Clip]) -> Evaluation:
    """Recognise labelled clips.

    A clip's answer is the label with the highest mean probability over its full windows. A clip shorter than a
    window is judged by its fullest one; for that the recogniser must be created with ``start="repeat"``.

    Parameters
    ----------
    recognizer : Recognizer
    clips : sequence of Clip
        As `read_manifest` gives them.

    Raises
    ------
    ManifestError
        A clip's label is not one of the model's, or a clip is too short for a prediction.
    SourceError
        A clip cannot be read.
    ValueError
        The recogniser has several models.
    """
    if len(recognizer.models) > 1:
        raise ValueError(
            f"expected a recogniser with one model, got {len(recognizer.models)}; evaluate them one by one"
        )
    labels = recognizer.model.labels
    strange = sorted({clip.label for clip in clips} - set(labels))
    if strange:
        raise ManifestError(f"labels {strange} are not among the model's: {', '.join(labels)}")
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    mistakes = []
    outcomes = []
    right = total = 0
    for clip in clips:
        answers = window_probabilities(recognizer, clip)
        best = int(answers.mean(axis=0).argmax())
        right += int((answers.argmax(axis=1) == labels.index(clip.label)).sum())
        total += len(answers)
        confusion[labels.index(clip.label), best] += 1
        outcomes.append((clip.fold or str(clip.path), labels[best] == clip.label))
        if labels[best] != clip.label:
            mistakes.append((clip.path, clip.label, labels[best]))
    return Evaluation(labels, confusion, mistakes, outcomes, (right, total))


def answers(recognizer: Recognizer, clips: Sequence[Clip]) -> Iterator[int]:
    """Index of the label with the highest mean probability, for each clip."""
    for clip in clips:
        yield int(window_probabilities(recognizer, clip).mean(axis=0).argmax())


def window_probabilities(recognizer: Recognizer, clip: Clip) -> Float:
    """Probabilities (M, K) of a clip's full windows, or of its fullest one if the clip is shorter than a window."""
    recognizer.reset()
    with frames(clip.path) as source:
        windows = [(p.probabilities, p.timestamp - p.window_start) for p in recognizer.stream(source)]
    if not windows:
        raise ManifestError(f"{clip.path}: too short for a prediction; use a recognizer with start='repeat'")
    # Windows that saw nearly as much as the one that saw most; a slot is the resolution of that.
    most = max(seen for _, seen in windows) - 0.5 / recognizer.model.frame_rate
    return np.stack([probabilities for probabilities, seen in windows if seen > most])
