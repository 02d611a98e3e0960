"""Whether stillness hides anything: answers with and without it on labelled clips, window by window.

Each clip is sampled, compared and encoded as a recogniser does it. Its features, and the same with those that would
have been used again, go through two heads: the bundled one, and one that was taught on the set's other folds. Run with
one thread: ``OPENBLAS_NUM_THREADS=1 taskset -c 1 python scripts/stillness.py DATA CACHE``.
"""

from __future__ import annotations

import argparse
import csv
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from edgevtn.bundle import load_bundle
from edgevtn.heads import Head
from edgevtn.heads.linear import ROOT, LinearFacts
from edgevtn.sampler import Sampler
from edgevtn.smoothing import softmax
from edgevtn.sources import frames
from edgevtn.streams import Stillness
from edgevtn.teaching import Extractor, FeatureCache
from edgevtn.teaching.features import RATE
from edgevtn.teaching.fit import Material, fit

#: Hz, at which taught heads look.
RATES = (12.5, 6.25)
#: From this probability on an answer counts: below, `edgevtn` says "unknown".
CERTAIN = 0.5


class Clip(NamedTuple):
    """A file, and the part of it, in seconds, that shows `label`; its group is never learned from and asked at once."""

    file: Path
    label: str
    group: str
    begin: float = 0.0
    end: float | None = None


def clips(data: Path, name: str) -> list[Clip]:
    folder = data / name
    if name == "ucf101_10":
        found = sorted(folder.glob("*/*.avi"))
        return [Clip(f, f.parent.name, str(int(f.name.split("_")[2][1:]) % 5)) for f in found]
    table = folder / ("segments.csv" if name == "gmdcsa24" else "manifest.csv")
    with table.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    part = [(float(row.get("start", 0)), float(row["end"]) if "end" in row else None) for row in rows]
    return [Clip(folder / row["clip"], row["label"], row["fold"], *own) for row, own in zip(rows, part, strict=True)]


def held(file: Path, rates: Sequence[float]) -> dict[float, np.ndarray]:
    """By the rate, for each slot whether its features would be those of the slot before: bool (n,)."""
    ways = {rate: (Sampler(rate), Stillness()) for rate in rates}
    found: dict[float, list[bool]] = {rate: [] for rate in rates}
    with frames(file) as source:
        for timestamp, frame in source:
            for rate, (sampler, stillness) in ways.items():
                slots = sampler.slots(timestamp)
                if slots:
                    whole = np.ascontiguousarray(frame)
                    still = stillness(whole, timestamp)
                    if not still:
                        stillness.keep(whole, timestamp)
                    found[rate] += [True] * (slots - 1) + [
                        still
                    ]  # a slot without a frame repeats the one before, anyway
    return {rate: np.array(own) for rate, own in found.items()}


def answers(head: Head, rows: np.ndarray) -> np.ndarray:
    """Probabilities of each window, from the first frame on: float32 (n, K)."""
    head.clear()
    found = []
    for row in rows:
        head.push(row[None])
        while not head.window.full:
            head.repeat()
        found.append(softmax(head()))
    return np.stack(found)


def taught(rows: dict[Path, np.ndarray], learn: list[Clip]) -> tuple[Head, float]:
    """A head for clips, its candidate chosen among them, and its rate in Hz."""
    labels, groups = sorted({c.label for c in learn}), sorted({c.group for c in learn})
    parts = [rows[c.file][round(c.begin * RATE) : None if c.end is None else round(c.end * RATE)] for c in learn]
    roots = [np.copysign(np.sqrt(np.abs(part)), part) for part in parts]
    classes = np.array([labels.index(c.label) for c in learn])
    of = np.array([groups.index(c.group) for c in learn])
    fitted, _ = fit([Material(roots, classes, of, RATE, tuple(labels), len(labels), 0)])
    candidate, W = fitted.candidate, roots[0].shape[1]
    facts = LinearFacts(W, len(fitted.b), candidate.window_len, candidate.statistics, ROOT, fitted.temperature)
    return facts.build({"w_classes": fitted.w, "b_classes": fitted.b}, Path("taught"), "fp32"), candidate.rate


def compare(data: Path, name: str, extractor: Extractor, as_bundled: Extractor) -> Iterator[str]:
    model, folder = extractor.bundle.model, extractor.bundle.path
    rates = sorted({*RATES, model.frame_rate}, reverse=True)
    every = clips(data, name)
    files = sorted({c.file for c in every})
    features = {file: extractor(file) for file in files}
    rows = {file: own.at(RATE) for file, own in features.items()}
    still = {file: held(file, rates) for file in files}
    own = model.head.build(extractor.bundle.head, folder, "fp32")
    counts: Counter[str] = Counter()
    for group in sorted({c.group for c in every}):
        head, rate = taught(rows, [c for c in every if c.group != group])
        for file in sorted({c.file for c in every if c.group == group}):
            ways = (
                ("bundled", own, model.frame_rate, as_bundled(file).at(model.frame_rate)),
                ("taught", head, rate, features[file].at(rate)),
            )
            for kind, asked, hertz, seen in ways:
                mask = still[file][hertz][: len(seen)]
                last = np.maximum.accumulate(np.where(mask, 0, np.arange(len(mask))))
                without, with_it = answers(asked, seen), answers(asked, seen[last])
                differ = without.argmax(axis=1) != with_it.argmax(axis=1)
                certain = differ & (np.maximum(without.max(axis=1), with_it.max(axis=1)) >= CERTAIN)
                counts[f"{kind}, windows"] += len(without)
                counts[f"{kind}, other"] += differ.sum()
                counts[f"{kind}, certain"] += certain.sum()
                if differ.any():
                    moved = np.abs(with_it - without)[differ].max()
                    yield (
                        f"  {file.relative_to(data)}, {kind}: {differ.sum()} of {len(without)} windows differ, "
                        f"{certain.sum()} of them certain; probabilities by {moved:.3f} at most"
                    )
    shares = [np.concatenate([own[rate] for own in still.values()]).mean() for rate in rates]
    told = "; ".join(
        f"{kind} head {1 - counts[f'{kind}, other'] / counts[f'{kind}, windows']:.2%} of "
        f"{counts[f'{kind}, windows']} windows agree, {counts[f'{kind}, certain']} others are certain"
        for kind in ("bundled", "taught")
    )
    used = ", ".join(f"{share:.1%} at {rate:g} Hz" for rate, share in zip(rates, shares, strict=True))
    yield f"{name}, {len(files)} clips: of the slots used again {used}; {told}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with weizmann64, ceiling, ucf101_10 and gmdcsa24")
    parser.add_argument("cache", type=Path, help="folder for features")
    parser.add_argument("--only", nargs="*", default=["weizmann64", "gmdcsa24", "ceiling", "ucf101_10"])
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore")
    model, cache = load_bundle().model, FeatureCache(arguments.cache)
    extractor = Extractor(cache=cache, threads=1)
    as_bundled = Extractor(rate=model.frame_rate, cache=cache, threads=1, sizes=[model.encoder.input_size])
    for name in arguments.only:
        began = time.perf_counter()
        for line in compare(arguments.data, name, extractor, as_bundled):
            print(line, flush=True)
        print(f"  {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
