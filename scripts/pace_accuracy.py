"""What a lower pace costs in answers: labelled clips at real timestamps, one of one, two and four slots encoded.

Models taught with one fold (a person) left out are asked about that fold, and the bundled model about all clips, on
which it was trained. Run with one thread:
``OPENBLAS_NUM_THREADS=1 taskset -c 1 python scripts/pace_accuracy.py MANIFEST CACHE``.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from edgevtn import UNKNOWN, Recognizer
from edgevtn.datasets import read_dataset, window_probabilities
from edgevtn.pace import FACTORS
from edgevtn.teaching import Example, FeatureCache, teach

#: Hz, one at a time: what `edgevtn teach` chooses between, and what is cheapest.
RATES = (12.5, 6.25, 3.125)


def ask(recognizer, clips, counts):
    """By the factor: windows that are told right, those told wrong, those called unknown; clips that are right, all."""
    labels, least = recognizer.labels, recognizer.model.head.threshold
    for factor in FACTORS:
        recognizer.slow_down(factor)
        count = counts.setdefault(factor, np.zeros(5, int))
        for clip in clips:
            answers = window_probabilities(recognizer, clip)
            told = [labels[row.argmax()] if row.max() >= least else UNKNOWN for row in answers]
            right, unknown = told.count(clip.label), told.count(UNKNOWN)
            named = [k for k, label in enumerate(labels) if label != UNKNOWN]
            best = labels[named[int(answers.mean(axis=0)[named].argmax())]]
            count += [right, len(told) - right - unknown, unknown, best == clip.label, 1]


def show(name, counts):
    for factor, (right, wrong, unknown, clips, every) in counts.items():
        shares = " | ".join(f"{count / (right + wrong + unknown):.1%}" for count in (right, wrong, unknown))
        print(f"| {name} | {factor} | {shares} | {clips} of {every} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifest")
    parser.add_argument("cache", help="a folder for features")
    arguments = parser.parse_args()
    clips = read_dataset(arguments.manifest)
    print("| model | factor | windows right | wrong | unknown | clips |\n| --- | --- | --- | --- | --- | --- |")
    counts = {}
    ask(Recognizer(start="repeat", threads=1, stillness=False), clips, counts)
    show("bundled, trained on these clips", counts)
    for rate in RATES:
        counts = {}
        for fold in sorted({clip.fold for clip in clips}):
            others = [Example(clip.path, clip.label, clip.fold) for clip in clips if clip.fold != fold]
            cache = FeatureCache(Path(arguments.cache))
            model = teach(others, cache=cache, threads=1, rates=(rate,), make_nothing=False)
            with tempfile.TemporaryDirectory() as temporary:
                model.save(Path(temporary) / "taught")
                recognizer = Recognizer(Path(temporary) / "taught", start="repeat", threads=1, stillness=False)
                ask(recognizer, [clip for clip in clips if clip.fold == fold], counts)
        show(f"taught at {rate:g} Hz, a person left out", counts)


if __name__ == "__main__":
    main()
