"""Accuracy against processor time: pictures of several sizes, at several rates.

On each rung a `linear` head is taught; its statistics, window and strength are chosen inside the part that it learns
from, by clips left out of that. Encoding, which is expensive, is kept in CACHE. Run with one thread:
``OPENBLAS_NUM_THREADS=1 taskset -c 1 python scripts/ladder.py DATA CACHE OUT``; OUT gets ladder.json and ladder.png.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from teach_protocols import Shown, accuracy, folds, lists, materials, subjects, ucf, weizmann_and_ceiling

import edgevtn
from edgevtn.bundle import load_bundle, write_bundle
from edgevtn.cpu import cpu_name
from edgevtn.files import write_whole
from edgevtn.heads.linear import ROOT, LinearFacts
from edgevtn.teaching import Extractor, FeatureCache
from edgevtn.teaching.choose import candidates
from edgevtn.teaching.fit import fit

SIZES, RATES = (224, 192, 160, 128), (12.5, 6.25, 3.125)
Splits = list[tuple[list[Shown], list[Shown]]]
#: CPU milliseconds that are marked in the plot.
TICKS = (5, 10, 20, 40, 80)
#: Hz, and seconds, of the video whose cost is measured; and how often that is done.
CAMERA_RATE, SECONDS, REPEATS = 30, 4, 5


def protocols(data: Path, extractor: Extractor) -> Iterator[tuple[str, Splits]]:
    people = weizmann_and_ceiling(data / "weizmann64", extractor, "subject")
    yield "weizmann64", [(learn, ask) for ask, learn in subjects(people, 1)]  # leave one person out
    yield "ceiling", list(folds(weizmann_and_ceiling(data / "ceiling", extractor, "recording")))
    yield "ucf101_10", list(lists(ucf(data / "ucf101_10", extractor), data / "ucf101_10" / "lists"))


def share(splits: Splits, size: int, rate: float) -> float:
    """Share of clips recognised on a rung, splits weighed by their clips."""
    right, total = 0.0, 0
    for learn, ask in splits:
        own = next(material for material in materials(learn) if material.size == size)
        among = candidates([len(clip) / own.rate for clip in own.clips], size, [rate])
        fitted, learned = fit([own], make_nothing=False, among=among)
        right += accuracy(fitted, learned, ask) * len(ask)
        total += len(ask)
    return right / total


def rung(size: int, rate: float) -> edgevtn.Recognizer:
    """A recogniser with a head of the size that is taught, of random numbers; everything is encoded."""
    bundle = load_bundle("default")
    names = ("mean", "spread", "change")
    head = LinearFacts(bundle.model.encoder.width, 10, round(2.56 * rate), names, ROOT, 0.2)
    facts = bundle.model.to_dict() | {
        "labels": [f"label {n}" for n in range(10)], "frame_rate": rate, "head": head.to_dict(),
        "encoder": replace(bundle.model.encoder, input_size=size).to_dict(),
    }  # fmt: skip
    rng = np.random.default_rng(0)
    arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in head.shapes().items()}
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(Path(folder) / "rung", facts, bundle.encoder, arrays)
        return edgevtn.Recognizer(Path(folder) / "rung", threads=1, stillness=False)


def cpu_seconds(recognizer: edgevtn.Recognizer, frames: Sequence[np.ndarray]) -> float:
    """Processor time for a second of video."""
    recognizer.reset()
    began = time.process_time()
    for n in range(CAMERA_RATE * SECONDS):
        recognizer(frames[n % len(frames)], n / CAMERA_RATE)
    return (time.process_time() - began) / SECONDS


def costs(frames: Sequence[np.ndarray]) -> list[dict[str, float]]:
    """Every rung with its processor time, the median of several, measured in turns."""
    places = list(itertools.product(SIZES, RATES))
    recognizers = [rung(size, rate) for size, rate in places]
    used = [[cpu_seconds(recognizer, frames) for recognizer in recognizers] for _ in range(1 + REPEATS)]
    medians = np.median(used[1:], axis=0)
    return [{"size": size, "rate": rate, "cpu": float(cpu)} for (size, rate), cpu in zip(places, medians, strict=True)]


def camera(data: Path) -> list[np.ndarray]:
    """Frames of 640x480 of a real video."""
    with edgevtn.frames(data / "clips" / "vtest.avi") as source:
        return [cv2.resize(frame, (640, 480)) for _, frame in itertools.islice(source, 60)]


def pareto(rows: Sequence[dict[str, float]]) -> list[bool]:
    """Whether each rung is one that no cheaper one equals."""

    def beaten(row: dict[str, float], by: dict[str, float]) -> bool:
        return by["cpu"] <= row["cpu"] and by["mean"] >= row["mean"] and by is not row

    return [not any(beaten(row, by) for by in rows) for row in rows]


def table(rows: Sequence[dict[str, float]], names: Sequence[str]) -> str:
    """As it stands in the documentation."""
    lines = [f"| pixels | Hz | CPU s/s | {' | '.join(names)} | mean | |", "| --- " * (len(names) + 5) + "|"]
    for row, kept in zip(rows, pareto(rows), strict=True):
        shares = " | ".join(f"{row[name]:.1%}" for name in (*names, "mean"))
        lines.append(f"| {row['size']} | {row['rate']:g} | {row['cpu']:.4f} | {shares} | {'Pareto' if kept else ''} |")
    return "\n".join(lines).replace("%", " %")


def plot(rows: Sequence[dict[str, float]], names: Sequence[str], file: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(names) + 1, figsize=(14, 3.6), sharex=True, layout="constrained")
    for panel, name in zip(panels, (*names, "mean"), strict=True):
        for rate in RATES:
            own = [row for row in rows if row["rate"] == rate]
            panel.plot([1e3 * r["cpu"] for r in own], [100 * r[name] for r in own], "o-", label=f"{rate:g} Hz")
            for row in own:
                panel.annotate(f"{row['size']}", (1e3 * row["cpu"], 100 * row[name]), fontsize=7, xytext=(2, 3),
                               textcoords="offset points")  # fmt: skip
        panel.set_xscale("log")
        panel.set_xticks(TICKS, [f"{tick}" for tick in TICKS])
        panel.set_xticks([], minor=True)
        panel.set_title(name)
        panel.set_xlabel("CPU milliseconds for a second of video")
    panels[0].set_ylabel("clips recognised, %")
    panels[0].legend()
    figure.savefig(file, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with weizmann64, ceiling, ucf101_10 and clips")
    parser.add_argument("cache", type=Path, help="folder for features")
    parser.add_argument("output", type=Path, help="folder for ladder.json and ladder.png")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    frames = camera(arguments.data)
    rows = costs(frames)
    print("\n".join(f"{row['size']} {row['rate']:g} Hz: {row['cpu']:.4f}" for row in rows), flush=True)
    extractor = Extractor(cache=FeatureCache(arguments.cache), threads=1, sizes=SIZES)
    names = []
    for name, splits in protocols(arguments.data, extractor):
        names.append(name)
        for row in rows:
            row[name] = share(splits, row["size"], row["rate"])
            print(f"{name} {row['size']} {row['rate']:g} Hz: {row[name]:.1%}", flush=True)
    for row in rows:
        row["mean"] = float(np.mean([row[name] for name in names]))
    print(f"{cpu_name()}, one thread\n\n{table(rows, names)}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    write_whole(arguments.output / "ladder.json", json.dumps(rows, indent=1).encode())
    plot(rows, names, arguments.output / "ladder.png")


if __name__ == "__main__":
    main()
