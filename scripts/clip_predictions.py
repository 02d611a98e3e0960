#!/usr/bin/env python3
"""Features and predictions of clips on two processors: write them on each, then compare.

::

    clip_predictions.py write OUT.npz CLIP ...       # needs the installed package alone
    clip_predictions.py compare ONE.npz OTHER.npz    # exit status 1 where they differ
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

#: Seconds of each clip: thirteen frames at the bundled model's rate, enough under an emulator.
SECONDS = 1.0
#: Features of INT8 encoders differ by rounding between processors; below this the kernels would be wrong.
LEAST_COSINE = 0.999
PRECISIONS = ("int8", "fp32")


def measured(clips: list[str]) -> dict[str, np.ndarray]:
    """Features (N, W) of each clip and, for each precision of the head, its probabilities (N, K)."""
    import edgevtn
    from edgevtn.teaching.cache import FeatureCache
    from edgevtn.teaching.features import Extractor

    extractor = Extractor(cache=FeatureCache(None), threads=1)
    recognizers = {
        precision: edgevtn.Recognizer(threads=1, precision=precision, start="repeat", stillness=False)
        for precision in PRECISIONS
    }
    results: dict[str, np.ndarray] = {}
    for clip in clips:
        name = Path(clip).stem
        results[f"{name} features"] = extractor(clip, end=SECONDS).rows.astype(np.float32)
        with edgevtn.frames(clip) as source:
            shown = [(timestamp, frame) for timestamp, frame in source if timestamp <= SECONDS]
        for precision, recognizer in recognizers.items():
            recognizer.reset()
            rows = [prediction.probabilities for prediction in recognizer.stream(shown)]
            results[f"{name} {precision}"] = np.stack(rows)
        print(f"{name}: {len(rows)} predictions", flush=True)
    return results


def differences(ours: dict[str, np.ndarray], others: dict[str, np.ndarray]) -> list[str]:
    """What differs more than it may; a line of figures is printed."""
    if set(ours) != set(others) or not ours:
        return [f"expected the same clips, got {sorted(set(ours) ^ set(others))}"]
    wrong, cosines, gaps, predictions = [], [], [], 0
    for name, rows in ours.items():
        theirs = others[name]
        if rows.shape != theirs.shape:
            wrong.append(f"{name}: {rows.shape} and {theirs.shape}")
        elif name.endswith(" features"):
            dots = (rows * theirs).sum(1) / np.linalg.norm(rows, axis=1) / np.linalg.norm(theirs, axis=1)
            cosines += dots.tolist()
            wrong += [f"{name}: cosine {dots.min():.5f}"] * bool(dots.min() < LEAST_COSINE)
        else:
            predictions += len(rows)
            gaps.append(np.abs(rows - theirs).max())
            changed = int((rows.argmax(1) != theirs.argmax(1)).sum())
            wrong += [f"{name}: {changed} of {len(rows)} predictions have another label"] * bool(changed)
    print(
        f"{len(cosines)} frames, lowest cosine of features {min(cosines):.5f}; "
        f"{predictions} predictions, largest difference of a probability {max(gaps):.4f}"
    )
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("task", choices=("write", "compare"))
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    if arguments.task == "write":
        np.savez(arguments.files[0], **measured(arguments.files[1:]))
    else:
        with np.load(arguments.files[0]) as first, np.load(arguments.files[1]) as second:
            found = differences(dict(first), dict(second))
        print(*(found or ["every prediction has the same label"]), sep="\n")
        sys.exit(bool(found))
