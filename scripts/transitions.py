"""How a recipe does where actions follow one another without a pause: clips of people who were not learned from.

The people of ``weizmann64`` are in three parts. A head learns from two of them; the clips of each person of the third
are shown one after the other, in three random orders, cut hard. Counted are the events that fit no action, the actions
without an event, and the predictions: those whose window's middle is near a change may be of either side or "unknown".
``OPENBLAS_NUM_THREADS=1 taskset -c 1 python scripts/transitions.py DATA CACHE joins=0.2 joins=0``
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

import edgevtn
from edgevtn.datasets import Clip, evaluate, read_dataset
from edgevtn.training.recipe import Recipe
from edgevtn.training.streams import Facts, fit_stream, frozen_stream, save_streams

PARTS, ORDERS, FRAME_RATE = 3, 3, 25
#: The bundled model's; what a recipe says comes on top.
BUNDLED = {
    "motion": "change", "input_size": 160, "frame_rate": 5, "window_len": 6, "drawn": 40, "stills": 0.25,
    "emphasis": 1.5, "steps": 1000,
}  # fmt: skip
#: Seconds: nearer to a change a prediction may be of either side; an event has its action if they share so much.
NEAR, SHARED = 0.5, 0.3


class Segment(NamedTuple):
    """An action from when to when, seconds."""

    label: str
    start: float
    end: float


def sequences(clips: list[Clip]) -> Iterator[tuple[list[tuple[float, np.ndarray]], list[Segment]]]:
    """One person's clips, one after the other, in random orders: timed frames, and what they show."""
    rng = np.random.default_rng(5)
    for _ in range(ORDERS):
        shown: list[tuple[float, np.ndarray]] = []
        truth: list[Segment] = []
        for n in rng.permutation(len(clips)):
            begin = len(shown)
            with edgevtn.frames(clips[n].path) as source:
                shown += [((begin + k) / FRAME_RATE, frame) for k, (_, frame) in enumerate(source)]
            again = bool(truth) and truth[-1].label == clips[n].label
            start = truth.pop().start if again else begin / FRAME_RATE
            truth.append(Segment(clips[n].label, start, len(shown) / FRAME_RATE))
        yield shown, truth


def together(segment: Segment, event: edgevtn.Event) -> bool:
    end = segment.end if event.end is None else event.end
    return segment.label == event.label and min(end, segment.end) - max(event.start, segment.start) > SHARED


def count(bundle: Path, shown: list[tuple[float, np.ndarray]], truth: list[Segment]) -> Counter[str]:
    found: Counter[str] = Counter(actions=len(truth))
    recognizer = edgevtn.Recognizer(bundle, threads=1)
    for prediction in recognizer.stream(shown):
        middle = prediction.timestamp - recognizer.window_duration / 2
        near = any(abs(segment.start - middle) <= NEAR for segment in truth[1:])
        reach = NEAR if near else 0.0
        labels = {s.label for s in truth if s.start - reach <= middle < s.end + reach} | (
            {"unknown"} if near else set()
        )
        kind = "near" if near else "within"
        found[kind] += 1
        found[f"right {kind}"] += prediction.label in labels
    events = edgevtn.recognize(shown, bundle)
    found["wrong events"] = sum(not any(together(segment, event) for segment in truth) for event in events)
    found["missed"] = sum(not any(together(segment, event) for event in events) for segment in truth)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with weizmann64")
    parser.add_argument("cache", type=Path, help="folder for features")
    parser.add_argument("recipes", nargs="+", metavar="NAME=VALUE[,...]", help="beside the bundled model's recipe")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    clips = read_dataset(arguments.data / "weizmann64")
    people = sorted({str(clip.fold) for clip in clips})
    labels = sorted({clip.label for clip in clips})
    in_parts = [replace(clip, fold=str(people.index(str(clip.fold)) % PARTS)) for clip in clips]
    for text in arguments.recipes:
        recipe = Recipe.model_validate(BUNDLED | dict(setting.split("=") for setting in text.split(",")))
        stream = frozen_stream(in_parts, labels, recipe, arguments.seed, arguments.cache)
        total: Counter[str] = Counter()
        for part in range(PARTS):
            head = fit_stream(stream, labels, arguments.seed, tested=str(part))
            with tempfile.TemporaryDirectory() as temporary:
                bundle = Path(temporary) / "bundle"
                save_streams(bundle, [stream], [head], Facts("part", "cross-validation", "none", labels, {}))
                shown = evaluate(
                    edgevtn.Recognizer(bundle, start="repeat", threads=1), [c for c in in_parts if c.fold == str(part)]
                )
                total.update({"clips": shown.confusion.sum(), "right clips": np.trace(shown.confusion)})
                total.update({"windows": shown.windows[1], "right windows": shown.windows[0]})
                for person in people[part::PARTS]:
                    for frames, truth in sequences([clip for clip in clips if clip.fold == person]):
                        total.update(count(bundle, frames, truth))
        shares = {kind: total[f"right {kind}"] / total[kind] for kind in ("windows", "within", "near")}
        print(
            f"{text}: clips {total['right clips']} of {total['clips']}, single windows {shares['windows']:.1%}; "
            f"in a row: {total['wrong events']} wrong events, {total['missed']} of {total['actions']} actions missed; "
            f"predictions within an action {shares['within']:.1%}, near a change {shares['near']:.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
