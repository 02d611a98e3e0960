"""`edgevtn crossval`: train without each fold of a manifest in turn, and recognise it."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgevtn.cli.recipes import TWO_STREAM, add_recipe, of_several_labels, recipes_for
from edgevtn.errors import require

if TYPE_CHECKING:
    from edgevtn.datasets import Clip


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_recipe(parser)
    parser.add_argument(
        "--distill", action="store_true", help="learn from a two-stream model, trained on the same folds first"
    )
    parser.add_argument("--early-stopping", action="store_true", help="the next fold decides when to stop")
    parser.add_argument("--json", metavar="FILE", help="write the result for edgevtn train --crossval")
    parser.add_argument("--png", metavar="FILE", help="draw the confusion matrix; needs the extra [plots]")


def run(arguments: argparse.Namespace) -> None:
    """Cross-validate, and print the result."""
    require("torch", "training")
    if arguments.png:
        require("matplotlib", "plots")
    from edgevtn.datasets import read_dataset
    from edgevtn.files import write_whole
    from edgevtn.training.crossval import PROTOCOL, crossval
    from edgevtn.training.folds import with_folds

    clips, how = with_folds(of_several_labels(read_dataset(arguments.dataset, arguments.split)))
    counts = Counter(clip.label for clip in clips)
    print(how)
    print(", ".join(f"{label} {count}" for label, count in sorted(counts.items())), flush=True)
    result = crossval(
        clips,
        recipes_for(arguments.modality, arguments),
        arguments.seed,
        Path(arguments.cache) if arguments.cache else None,
        teachers=recipes_for(TWO_STREAM, arguments) if arguments.distill else (),
        early_stopping=arguments.early_stopping,
    )
    print(result)
    if result.mistakes:
        print(result.mistaken())
    linear = taught_accuracy(clips)
    if linear is not None:
        verdict = "better than this model, and cheaper" if linear > result.mean_recall else "on the same folds"
        print(f"\nedgevtn teach would reach {linear:.1%} as the mean of the classes: {verdict}")
    if arguments.json:
        low, high = result.interval()
        facts: dict[str, Any] = {
            "protocol": PROTOCOL,
            "clips": int(result.confusion.sum()),
            "accuracy": round(result.accuracy, 4),
            "interval": [round(low, 4), round(high, 4)],
            "mean of the classes": round(result.mean_recall, 4),
            "single windows": round(result.window_accuracy, 4),
            "seed": arguments.seed,
        }
        write_whole(arguments.json, (json.dumps(facts, indent=1) + "\n").encode())
    if arguments.png:
        result.save_png(arguments.png)


def taught_accuracy(clips: Sequence[Clip]) -> float | None:
    """What `edgevtn teach` reaches, the mean of the classes with folds left out; None where it cannot be told."""
    from edgevtn.teaching import Example, teach

    report = teach([Example(clip.path, clip.label, clip.fold) for clip in clips]).report
    return report.accuracy if report.corrected is None else report.corrected
