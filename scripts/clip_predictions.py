#!/usr/bin/env python3
"""Features and predictions of clips on two processors: write them on each, then compare.

::

    clip_predictions.py decode FRAMES.npz CLIP ...       # on one of them
    clip_predictions.py write FRAMES.npz OUT.npz [MODEL] # on each; needs the installed package alone
    clip_predictions.py compare ONE.npz OTHER.npz        # exit status 1 where they differ
    clip_predictions.py decoders FRAMES.npz CLIP ...     # on the other: how much its decoder differs

Frames are decoded once, because decoders differ: FFmpeg converts colours by other instructions on each processor, and
rounds them by up to two grey levels otherwise.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np

#: Seconds of each clip: thirteen frames at the bundled model's rate, enough under an emulator.
SECONDS = 1.0
#: Features of INT8 encoders differ by rounding between processors; below this the kernels would be wrong.
LEAST_COSINE = 0.999
PRECISIONS = ("int8", "fp32")


def decoded(clips: list[str]) -> dict[str, np.ndarray]:
    """Times (N,) and frames, uint8 (N, H, W, 3), of each clip's first second."""
    import edgevtn

    results: dict[str, np.ndarray] = {}
    for clip in clips:
        with edgevtn.frames(clip) as source:
            shown = list(itertools.takewhile(lambda item: item[0] <= SECONDS, source))
        results[f"{Path(clip).stem} times"] = np.array([timestamp for timestamp, _ in shown])
        results[f"{Path(clip).stem} frames"] = np.stack([frame for _, frame in shown])
    return results


def measured(given: dict[str, np.ndarray], model: str = "default") -> dict[str, np.ndarray]:
    """Features (N, W) of each clip and, for each precision of the head, its probabilities (N, K)."""
    import edgevtn
    from edgevtn.teaching.cache import FeatureCache
    from edgevtn.teaching.features import Extractor

    extractor = Extractor(cache=FeatureCache(None), threads=1)
    recognizers = {
        precision: edgevtn.Recognizer(model, threads=1, precision=precision, start="repeat", stillness=False)
        for precision in PRECISIONS
    }
    results: dict[str, np.ndarray] = {}
    for key in [key for key in given if key.endswith(" frames")]:
        name = key.removesuffix(" frames")
        shown = list(zip(given[f"{name} times"].tolist(), given[key], strict=True))
        results[f"{name} features"] = extractor(shown).rows.astype(np.float32)
        for precision, recognizer in recognizers.items():
            recognizer.reset()
            rows = [prediction.probabilities for prediction in recognizer.stream(shown)]
            results[f"{name} {precision}"] = np.stack(rows)
        print(f"{name}: {len(rows)} predictions", flush=True)
    return results


def decoders(given: dict[str, np.ndarray], clips: list[str]) -> str:
    """How far this machine's decoded frames are from those that were given."""
    ours = decoded(clips)
    names = [name for name in ours if name.endswith(" frames")]
    apart = np.concatenate([np.abs(ours[name].astype(np.int16) - given[name]).ravel() for name in names])
    share, most, mean = (apart > 0).mean(), apart.max(), apart.mean()
    return f"decoders: {share:.0%} of values differ, by at most {most}, by {mean:.2f} on the mean"


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
    parser.add_argument("task", choices=("decode", "write", "compare", "decoders"))
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    first, *others = arguments.files
    if arguments.task == "decode":
        np.savez(first, **decoded(others))
        sys.exit()
    with np.load(first) as archive:
        kept = dict(archive)
    if arguments.task == "write":
        np.savez(others[0], **measured(kept, *others[1:]))
    elif arguments.task == "decoders":
        print(decoders(kept, others))
    else:
        with np.load(others[0]) as archive:
            found = differences(kept, dict(archive))
        print(*(found or ["every prediction has the same label"]), sep="\n")
        sys.exit(bool(found))
