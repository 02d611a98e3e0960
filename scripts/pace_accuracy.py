"""What a lower pace costs in answers: labelled clips at real timestamps, one of one, two and four slots encoded.

Models taught with one fold left out are asked about that fold, and the bundled model about all clips, on which it was
trained. Run with one thread: ``OPENBLAS_NUM_THREADS=1 taskset -c 1 python scripts/pace_accuracy.py MANIFEST CACHE``.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from edgevtn import Recognizer
from edgevtn.datasets import read_dataset, window_probabilities
from edgevtn.pace import FACTORS
from edgevtn.teaching import Example, FeatureCache, teach

#: Hz, one at a time: what `edgevtn teach` chooses between, and what is cheapest.
RATES = (12.5, 6.25, 3.125)


def ask(recognizer, clips, counts):
    """Count windows and clips that are right, by the factor."""
    for factor in FACTORS:
        recognizer.slow_down(factor)
        for clip in clips:
            answers = window_probabilities(recognizer, clip)
            truth = recognizer.labels.index(clip.label)
            windows, right, total = counts.setdefault(factor, ([0, 0], [], []))
            windows[0] += int((answers.argmax(axis=1) == truth).sum())
            windows[1] += len(answers)
            right.append(int(answers.mean(axis=0).argmax()) == truth)
            total.append(float(answers[:, truth].mean()))


def show(name, counts):
    for factor, (windows, right, total) in counts.items():
        print(
            f"{name}, factor {factor}: windows {windows[0]} of {windows[1]}, {windows[0] / windows[1]:.1%}; clips "
            f"{sum(right)} of {len(right)}; mean probability of the true label {np.mean(total):.3f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifest")
    parser.add_argument("cache", help="a folder for features")
    arguments = parser.parse_args()
    clips = read_dataset(arguments.manifest, None)
    counts = {}
    ask(Recognizer(start="repeat", threads=1, stillness=False), clips, counts)
    show("bundled model (trained on these clips)", counts)
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
        show(f"taught at {rate:g} Hz, fold left out", counts)


if __name__ == "__main__":
    main()
