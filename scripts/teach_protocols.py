"""How well `edgevtn.teaching` learns from a few clips of the shared sets, in one table.

Every choice is made by `edgevtn.teaching` inside the clips that it learns from; the others are asked once. Run with one
thread: ``OPENBLAS_NUM_THREADS=1 taskset -c 1 python scripts/teach_protocols.py DATA CACHE``.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from edgevtn.bundle import TWO_STREAM
from edgevtn.heads.linear import STATISTICS, Linear, LinearFacts, rejection, rooted
from edgevtn.novelty import Novelty, doubt, measure
from edgevtn.sources import frames
from edgevtn.teaching import Example, Extractor, FeatureCache, teach
from edgevtn.teaching.choose import Candidate, candidates
from edgevtn.teaching.confidence import probabilities
from edgevtn.teaching.features import STREAMS
from edgevtn.teaching.fit import Fitted, Material, fit
from edgevtn.teaching.windows import Measure, columns, evenly, windows

RATE = 12.5
#: Features of a frame, of the bundled encoder.
WIDTH = 1280
#: Draws of people, and of classes.
DRAWS = 20


class Shown(NamedTuple):
    """A clip: roots of its features by the size of pictures, what it shows, of whom, and what the features are of."""

    views: dict[int, np.ndarray]
    label: str
    group: str
    name: str
    fold: str
    modality: str


def views(extractor: Extractor, source: object) -> dict[int, np.ndarray]:
    found = extractor(source)
    return {size: rooted(found.at(RATE, size, extractor.modality)) for size in extractor.sizes}


def weizmann_and_ceiling(folder: Path, extractor: Extractor, group: str) -> list[Shown]:
    with (folder / "manifest.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [
        Shown(views(extractor, folder / r["clip"]), r["label"], r[group], r["clip"], r["fold"], extractor.modality)
        for r in rows
    ]


def ucf(folder: Path, extractor: Extractor) -> list[Shown]:
    shown = []
    for f in sorted(folder.glob("*/*.avi")):
        label, group = f.parent.name, f.name.split("_")[2]
        shown.append(Shown(views(extractor, f), label, group, f"{label}/{f.name}", "", extractor.modality))
    return shown


def materials(clips: Sequence[Shown]) -> list[Material]:
    labels, groups = sorted({c.label for c in clips}), sorted({c.group for c in clips})
    classes = np.array([labels.index(c.label) for c in clips])
    group_of = np.array([groups.index(c.group) for c in clips])
    known = classes, group_of, RATE, tuple(labels), len(labels)
    return [Material([c.views[size] for c in clips], *known, size, clips[0].modality) for size in clips[0].views]


def logits(fitted: Fitted, clip: dict[int, np.ndarray], windows: int = 0) -> np.ndarray:
    """Logits of a clip's mean statistics (1, K), which are the mean logits of its windows; or of so many windows."""
    candidate, rows = fitted.candidate, clip[fitted.candidate.size]
    measure, which = Measure(candidate.window_len, rows.shape[1]), columns(candidate.statistics, rows.shape[1])
    thinned = rows[:: round(RATE / candidate.rate)]
    found = measure.some(thinned, windows) if windows else measure.clip(thinned)[None]
    found = found[:, which] @ fitted.w + fitted.b
    found[:, -1] += rejection(found[:, :-1] * fitted.temperature) / fitted.temperature
    return found


def streams_of(rows: np.ndarray) -> list[np.ndarray]:
    """Features, not their roots, of each stream."""
    return np.split(np.copysign(np.square(rows), rows), max(1, rows.shape[1] // WIDTH), axis=1)


def novelty_of(clips: Sequence[Shown], size: int) -> list[Novelty | None]:
    """What a bundle of these clips would know of them, for each stream."""
    groups = sorted({c.group for c in clips})
    every = [streams_of(c.views[size]) for c in clips]
    return [measure(own, [groups.index(c.group) for c in clips]) for own in zip(*every, strict=True)]


def doubts(known: Sequence[Novelty | None], fitted: Fitted, clip: dict[int, np.ndarray], count: int) -> np.ndarray:
    """What the probabilities of so many windows are divided by, by the newest frame of each: (n, 1)."""
    thinned = clip[fitted.candidate.size][:: round(RATE / fitted.candidate.rate)]
    seen = windows(thinned, fitted.candidate.window_len)[:, -1]
    frames_seen = zip(*streams_of(seen[evenly(len(seen), count)]), strict=True)
    return np.array([[doubt([k(own) for k, own in zip(known, each, strict=True) if k])] for each in frames_seen])


def accuracy(fitted: Fitted, learned: Material, asked: Sequence[Shown]) -> float:
    right = [learned.labels[int(logits(fitted, c.views)[0, : learned.named].argmax())] == c.label for c in asked]
    return float(np.mean(right))


def short(candidate: Candidate) -> str:
    return f"{'+'.join(candidate.statistics)} T{candidate.window_len} {candidate.rate:g} Hz {candidate.size}"


def closed(name: str, splits: Iterator[tuple[list[Shown], list[Shown]]], hindsight: bool = True) -> None:
    """Mean accuracy over splits, and what the best fixed candidate would have had."""
    told, got, plain, fixed, chosen = [], [], [], {}, {}
    for learn, ask in splits:
        every = materials(learn)
        fitted, learned = fit(every)
        chosen[short(fitted.candidate)] = chosen.get(short(fitted.candidate), 0) + 1
        got.append(accuracy(fitted, learned, ask))
        plain.append(accuracy(fit([learned], make_nothing=False, among=[fitted.candidate])[0], learned, ask))
        known = learned.classes
        if learned.comparable:
            right = fitted.scores[:, : learned.named].argmax(axis=1) == known
            judged = np.unique(known[learned.judged])
            told.append(float(np.mean([right[known == k].mean() for k in judged])))
        for own in every if hindsight else []:
            for candidate in candidates([len(c) / RATE for c in own.clips], own.size, modality=own.modality):
                only = fit([own], make_nothing=False, among=[candidate])[0]
                fixed.setdefault(candidate, []).append(accuracy(only, own, ask))
    line = f"{name}: {np.mean(got):.1%} (without made nothing {np.mean(plain):.1%}; "
    line += f"told {np.mean(told):.1%})" if told else "nothing could be told)"
    common = {c: np.mean(v) for c, v in fixed.items() if len(v) == len(got)}
    if common:
        best = max(common, key=lambda c: common[c])
        line += f"; best fixed {common[best]:.1%} ({short(best)})"
    print(f"{line}; splits {len(got)}, sd {np.std(got):.1%}; chosen {chosen}", flush=True)


def subjects(clips: list[Shown], count: int) -> Iterator[tuple[list[Shown], list[Shown]]]:
    people = sorted({c.group for c in clips})
    rng = np.random.default_rng(2024)
    draws = [[p] for p in people] if count == 1 else [list(rng.permutation(people)[:count]) for _ in range(DRAWS)]
    for drawn in draws:
        yield [c for c in clips if c.group in drawn], [c for c in clips if c.group not in drawn]


def folds(clips: list[Shown]) -> Iterator[tuple[list[Shown], list[Shown]]]:
    for fold in sorted({c.fold for c in clips}):
        yield [c for c in clips if c.fold != fold], [c for c in clips if c.fold == fold]


def lists(clips: list[Shown], folder: Path) -> Iterator[tuple[list[Shown], list[Shown]]]:
    for n in (1, 2, 3):
        parts = []
        for part in ("train", "test"):
            lines = (folder / f"{part}list0{n}.txt").read_text().splitlines()
            names = {line.split()[0] for line in lines if line.strip()}
            parts.append([c for c in clips if c.name in names])
        yield parts[0], parts[1]


def empty(folder: Path, extractor: Extractor) -> list[dict[int, np.ndarray]]:
    """Scenes without a person: medians over time of clips in which someone crosses it, held for two seconds."""
    found = []
    for file in sorted((folder / "walk").glob("*.avi")) + sorted((folder / "run").glob("*.avi")):
        with frames(file) as source:
            picture = np.median(np.stack([frame for _, frame in source]), axis=0).astype(np.uint8)
        still = views(extractor, [(0.0, picture)])
        found.append({size: np.repeat(rows, 25, axis=0) for size, rows in still.items()})
    return found


def open_set(
    clips: list[Shown], foreign: list[dict[int, np.ndarray]], scenes: list[dict[int, np.ndarray]], count: int
) -> None:
    """Six labels of so many people are taught."""
    labels, people = sorted({c.label for c in clips}), sorted({c.group for c in clips})
    rng, results = np.random.default_rng(2024), []
    for _ in range(DRAWS):
        taught, drawn = set(rng.permutation(labels)[:6]), set(rng.permutation(people)[:count])
        learn = [c for c in clips if c.label in taught and c.group in drawn]
        fitted, learned = fit(materials(learn))
        known = novelty_of(learn, fitted.candidate.size)

        def answers(
            rows: dict[int, np.ndarray], most: int, fitted: Fitted = fitted, known: list[Novelty | None] = known
        ) -> np.ndarray:
            found = probabilities(logits(fitted, rows, most).astype(np.float64), 1.0)
            return found / doubts(known, fitted, rows, most)  # what is taken off is "unknown"

        def refused(rows: dict[int, np.ndarray], fitted: Fitted = fitted, learned: Material = learned) -> np.ndarray:
            return answers(rows, 200, fitted)[:, : learned.named].max(axis=1) < 0.5

        kept, live = [], []
        for c in clips:
            if c.label in taught and c.group not in drawn:
                every, k = answers(c.views, 200), learned.labels.index(c.label)
                mean = every.mean(axis=0)
                kept.append(mean.argmax() == k and mean[k] >= 0.5)
                live.append(((every.argmax(axis=1) == k) & (every[:, k] >= 0.5)).mean())
        others = np.concatenate([refused(c.views) for c in clips if c.label not in taught])
        away = [refused(rows).mean() for rows in foreign]
        nobody = np.concatenate([refused(rows) for rows in scenes])
        results.append((np.mean(kept), np.mean(live), others.mean(), np.mean(away), nobody.mean()))
    mean = np.mean(results, axis=0)
    print(
        f"open set, {count} taught: known clips right and certain {mean[0]:.1%} (windows {mean[1]:.1%}); refused: "
        f"other actions {mean[2]:.1%}, other scenes {mean[3]:.1%}, empty scenes {mean[4]:.1%}, "
        f"mean {mean[2:].mean():.1%}",
        flush=True,
    )


def speed(folder: Path, cache: Path, modality: str) -> None:
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and p.name != "lists")[:6]
    examples = [
        Example(f, c.name, f.name.split("_")[2], 0.0, 3.0) for c in classes for f in sorted(c.glob("*.avi"))[:10]
    ]
    for how, kept in (("encoding", FeatureCache(cache / "speed")), ("cached", FeatureCache(cache / "speed"))):
        began = time.perf_counter()
        teach(examples, cache=kept, threads=1, modalities=[modality])
        print(f"6 x 10 clips of 3 s, {how}: {time.perf_counter() - began:.2f} s", flush=True)
    for file in (cache / "speed").glob("*.npz"):
        file.unlink()
    rng = np.random.default_rng(0)
    for T in (16, 32, 64):
        facts = LinearFacts(1280, 10, T, tuple(STATISTICS), "root", 0.2)
        head = Linear(facts, {n: rng.standard_normal(s).astype(np.float32) for n, s in facts.shapes().items()})
        row, times = rng.random((1, 1280), np.float32), []
        for _ in range(500):
            began = time.perf_counter()
            head.push(row)
            head()
            times.append(time.perf_counter() - began)
        print(f"head, all statistics, T {T}, 10 labels: {1e3 * np.median(times):.3f} ms a frame", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with weizmann64, ceiling, ucf101_10 and clips")
    parser.add_argument("cache", type=Path, help="folder for features")
    parser.add_argument("--only", nargs="*", default=["speed", "weizmann", "open", "ucf", "ceiling"])
    parser.add_argument("--sizes", type=int, nargs="*", help="of pictures, to choose among (default: the encoder's)")
    parser.add_argument("--modality", choices=STREAMS, default=TWO_STREAM, help="what is looked at")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    cache, data = FeatureCache(arguments.cache), arguments.data
    extractor = Extractor(cache=cache, threads=1, sizes=arguments.sizes, modality=arguments.modality)
    if "speed" in arguments.only:
        speed(data / "ucf101_10", arguments.cache, arguments.modality)
    if {"weizmann", "open"} & set(arguments.only):
        clips = weizmann_and_ceiling(data / "weizmann64", extractor, "subject")
    if "weizmann" in arguments.only:
        closed("weizmann64, 1 subject", subjects(clips, 1), hindsight=True)
        closed("weizmann64, 5 subjects", subjects(clips, 5))
    if "open" in arguments.only:
        foreign = [views(extractor, f) for f in sorted((data / "clips").iterdir())]
        scenes = empty(data / "weizmann64", extractor)
        for count in (5, 1):
            open_set(clips, foreign, scenes, count)
    if "ucf" in arguments.only:
        closed("ucf101_10", lists(ucf(data / "ucf101_10", extractor), data / "ucf101_10" / "lists"))
    if "ceiling" in arguments.only:
        closed("ceiling", folds(weizmann_and_ceiling(data / "ceiling", extractor, "recording")))


if __name__ == "__main__":
    main()
