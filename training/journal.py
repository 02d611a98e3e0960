"""How a training run went: a CSV, and the curve."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from edgevtn.files import write_whole
from edgevtn.training.learn.loop import Look

CSV, CURVE = "training.csv", "learning_curve.png"


def journal(parts: Sequence[Sequence[Look]]) -> list[Look]:
    """The looks of runs that followed each other, their steps counted through."""
    result: list[Look] = []
    for looks in parts:
        before = result[-1].step if result else 0
        result += [look._replace(step=before + look.step) for look in looks]
    return result


def save_journal(folder: Path, looks: Sequence[Look]) -> None:
    """Write `CSV` and `CURVE` into a folder."""
    text = io.StringIO()
    csv.writer(text).writerows([Look._fields, *looks])
    write_whole(folder / CSV, text.getvalue().encode())
    write_whole(folder / CURVE, curve(looks))


def curve(looks: Sequence[Look]) -> bytes:
    """Loss, and validation where there was some, over the steps: a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.add_subplot()
    steps = [look.step for look in looks]
    axes.plot(steps, [look.loss for look in looks], "o-", markersize=3, label="training loss")
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.set_ylim(bottom=0)
    if any(look.validation_loss == look.validation_loss for look in looks):
        axes.plot(steps, [look.validation_loss for look in looks], "o-", markersize=3, label="validation loss")
        right = axes.twinx()
        right.plot(steps, [look.validation_accuracy for look in looks], "k--", label="validation accuracy")
        right.set_ylabel("accuracy")
        right.set_ylim(0, 1)
        right.legend(loc="upper right")
    axes.legend(loc="lower left")
    content = io.BytesIO()
    figure.savefig(content, dpi=120, format="png")
    return content.getvalue()
