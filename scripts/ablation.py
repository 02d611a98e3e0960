#!/usr/bin/env python3
"""What each part of the model is worth: heads, inputs and distillation, on the same folds and the same features.

    python scripts/ablation.py ceiling $EDGEVTN_SHARED/data/ceiling --cache features
    python scripts/ablation.py thetis $EDGEVTN_SHARED/data/thetis_features
    python scripts/ablation.py ucf101 UCF-101 --split 1 --seeds 0

Every row is trained on all folds but one and asked about that one, fold by fold, seed by seed; a clip's answer is the
mean probability over its full windows, as `edgevtn crossval` has it (a test shows that features give the answers of
the camera's code). `thetis` has stored features instead of pictures, so nothing there can be mirrored or differenced.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgevtn.bundle import RGB, RGBDIFF
from edgevtn.datasets.layouts import TRAIN, read_dataset
from edgevtn.training.data.features import Features
from edgevtn.training.learn.baselines import LSTM, MeanPooling
from edgevtn.training.learn.fit import fit
from edgevtn.training.learn.loop import Run
from edgevtn.training.learn.measure import answer, mean_ending_logits, window_logits
from edgevtn.training.learn.model import Decoder, Head
from edgevtn.training.recipe import Recipe
from edgevtn.training.streams import frozen_stream
from edgevtn.training.train import recipes_of

#: Settings of `edgevtn.training.recipe.Recipe`.
RECIPES: dict[str, dict[str, Any]] = {
    # People act for seconds there, and only a few hundred clips teach: long windows, few leading components. They are
    # small in the picture, and the camera is one and the same: the maximum, and no changed copies.
    "ceiling": {
        "frame_rate": 3.125, "pooling": "max", "difference_interval": 0.08, "variants": 0, "rank": 64,
        "emphasis": 2.0, "noise": 0.4, "label_smoothing": 0.1, "learning_rate": 3e-3, "weight_decay": 0.1,
        "steps": 300,
    },
    "weizmann": {"drawn": 40, "stills": 0.25, "emphasis": 1.5, "steps": 1000},
    # As `edgevtn train` has it, without mirrored copies, which double the time.
    "ucf101": {"variants": 0},
    # Sixteen stored frames for each stroke, cut alike: the window is the clip.
    "thetis": {
        "frame_rate": 10.0, "beginnings": 0.0, "slowest": 0.93, "fastest": 1.0, "rank": 128,
        "emphasis": 1.5, "noise": 0.3, "label_smoothing": 0.1, "learning_rate": 3e-3, "weight_decay": 0.1,
        "steps": 600,
    },
}  # fmt: skip

Views = list[Features]


class Data:
    """The clips' features under each modality: views[modality][clip][view]."""

    def __init__(self, name: str, place: Path, cache: Path | None, split: int) -> None:
        rgb, differences = recipes_of("two-stream", RECIPES[name])
        self.recipes = {RGB: rgb, RGBDIFF: differences}
        if name == "thetis":
            stored = {RGB: [[view] for view in thetis(place)]}
            self.extra: dict[str, Views] = {RGB: []}
        else:
            clips = read_dataset(place, split)
            labels = sorted({clip.label for clip in clips})
            stored, self.extra = {}, {}
            for modality, recipe in self.recipes.items():
                features = frozen_stream(clips, labels, recipe, 0, cache).features
                each = 1 + recipe.variants
                stored[modality] = [features[n * each : (n + 1) * each] for n in range(len(clips))]
                self.extra[modality] = features[len(clips) * each :]
        self.views = stored
        self.names = [views[0].label for views in stored[RGB]]
        self.folds = [views[0].fold or "" for views in stored[RGB]]
        self.labels = sorted(set(self.names))


def thetis(place: Path) -> Iterator[Features]:
    """Stored features of the twelve strokes; their times are of no account, ten frames a second as good as any."""
    values = np.load(next(iter(place.glob("*.np[yz]"))), allow_pickle=False)
    if not isinstance(values, np.ndarray):
        values = values[values.files[0]]
    with (place / "manifest.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            yield Features(values[int(row["row"])], np.arange(values.shape[1]) / 10, row["label12"], row["fold"])


def rows_of(data: Data, fold: str, seed: int) -> dict[str, dict[int, Any]]:
    """For each row of the table, the answers (K,) to the clips of a fold."""
    learned = [n for n, other in enumerate(data.folds) if other != fold]
    asked = [n for n, other in enumerate(data.folds) if other == fold]

    def trained(modality: str, kind: type[Head] = Decoder, teacher: Any = None, **changes: Any) -> tuple[Head, Recipe]:
        recipe = data.recipes[modality].changed(**changes)
        return fit(
            views_of(data, recipe, learned),
            data.labels,
            recipe,
            seed,
            kind=kind,
            teacher=teacher,
            run=Run(progress=False),
        ), recipe

    def logits(model: tuple[Head, Recipe]) -> dict[int, torch.Tensor]:
        head, recipe = model
        return {n: window_logits(head, data.views[recipe.modality][n][0], recipe) for n in asked}

    logits_of = {
        "mean pooling": logits(trained(RGB, MeanPooling, motion="none")),
        "LSTM": logits(trained(RGB, LSTM, motion="none")),
        "VTN decoder": logits(trained(RGB, motion="none")),
    }
    moving = trained(RGB, motion="change")
    logits_of["VTN + embedding difference"] = logits(moving)
    logits_of["VTN + size of embedding difference"] = logits(trained(RGB, motion="size"))
    if RGBDIFF in data.views:
        differences = trained(RGBDIFF)
        logits_of["RGB-difference"] = logits(differences)
        logits_of["two-stream"] = {
            n: both(logits_of["VTN + embedding difference"][n], logits_of["RGB-difference"][n]) for n in asked
        }
        streams = [moving, differences]
    else:  # nothing but features: the teachers are other heads, and one more seed
        streams = [moving, trained(RGB, LSTM, motion="change"), trained(RGB, MeanPooling, motion="change")]
    answers = mean_ending_logits([(head, recipe, views_of(data, recipe, learned)) for head, recipe in streams])
    logits_of["VTN + embedding difference, distilled"] = logits(trained(RGB, teacher=answers, motion="change"))
    logits_of["VTN decoder, distilled"] = logits(trained(RGB, teacher=answers, motion="none"))
    return {row: {n: answer(logit) for n, logit in each.items()} for row, each in logits_of.items()}


def views_of(data: Data, recipe: Recipe, learned: list[int]) -> Views:
    return [view for n in learned for view in data.views[recipe.modality][n]] + data.extra[recipe.modality]


def both(frames: torch.Tensor, differences: torch.Tensor) -> torch.Tensor:
    """Mean logits of two streams, of the windows that both have: the last ones."""
    count = min(len(frames), len(differences))
    return (frames[-count:] + differences[-count:]) / 2


data: Data


def begin(*arguments: Any) -> None:
    """In each process: one thread, and the features."""
    global data
    torch.set_num_threads(1)
    data = Data(*arguments)


def work(job: tuple[str, int]) -> tuple[int, dict[str, dict[int, Any]]]:
    fold, seed = job
    return seed, rows_of(data, fold, seed)


def results(jobs: list[tuple[str, int]], processes: int, arguments: tuple[Any, ...]) -> Iterator[Any]:
    """The result of each job, here or from other processes.

    Those are not forked: a child that inherits torch's threads may hang.
    """
    if processes == 1:
        yield from map(work, jobs)
        return
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=begin, initargs=arguments) as pool:
        yield from pool.map(work, jobs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("place", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--split", type=int, default=1, choices=(1, 2, 3), help="of a dataset with published ones")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--event", default="falling", help="label whose finds and false alarms are counted")
    chosen = parser.parse_args()
    arguments = (chosen.name, chosen.place, chosen.cache, chosen.split)
    begin(*arguments)
    table: dict[str, dict[int, dict[int, Any]]] = {}
    jobs = [(fold, seed) for seed in chosen.seeds for fold in sorted(set(data.folds) - {TRAIN})]
    for seed, rows in results(jobs, chosen.jobs, arguments):
        for row, answers in rows.items():
            table.setdefault(row, {}).setdefault(seed, {}).update(answers)
    asked = [n for n, fold in enumerate(data.folds) if fold != TRAIN]
    wanted = np.array([data.labels.index(data.names[n]) for n in asked])
    print(*map(repr, data.recipes.values()), sep="\n")
    print(f"{len(wanted)} clips, {len(set(data.folds))} folds, seeds {chosen.seeds}\n")
    counted = chosen.event in data.labels
    heading = f" {chosen.event}: found, false |" if counted else ""
    print(f"| | accuracy, mean | of each seed |{heading}\n|---|---|---|{'---|' if counted else ''}")
    for row, seeds in table.items():
        guesses = [np.array([each[n].argmax() for n in asked]) for each in seeds.values()]
        shares = [float((guess == wanted).mean()) for guess in guesses]
        event = ""
        if counted:
            k = data.labels.index(chosen.event)
            event = ", ".join(f"{((g == k) & (wanted == k)).sum()}/{((g == k) & (wanted != k)).sum()}" for g in guesses)
            event = f" {event} |"
        print(f"| {row} | {np.mean(shares):.1%} | {', '.join(f'{share:.1%}' for share in shares)} |{event}")


if __name__ == "__main__":
    main()
