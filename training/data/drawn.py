"""Drawn clips to train beside the real ones: other looks, clean pictures, and scenes where nothing happens."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from edgevtn.arrays import Frame
from edgevtn.training.data.features import Extractor, Features
from edgevtn.training.data.figure import ACTIONS, background, clip, random_look
from edgevtn.training.recipe import NOTHING

FRAME_RATE = 25.0


def drawn_clips(labels: Sequence[str], per_label: int, seed: int = 0) -> Iterator[tuple[str, list[Frame]]]:
    """Label and frames at 25 Hz: `per_label` clips of each action, and as many in which nothing happens.

    There are none of labels that the figure cannot act; if it can act none of them, there are no clips at all.
    Nothing happens where a figure stands still or there is none.
    """
    rng = np.random.default_rng(seed)
    acted = [label for label in labels if label in ACTIONS]
    if not acted:
        return
    for label in acted:
        for _ in range(per_label):
            look = random_look(rng)
            # Who travels is gone after a while; longer clips would show an empty wall.
            seconds = 2.6 / look.tempo if label in ("walk", "side", "jump") else 1.5 if label == "run" else 3.2
            yield label, clip(label, seconds, look, FRAME_RATE)
    for n in range(per_label):
        look = random_look(rng)
        if n % 3:
            yield NOTHING, clip("stand", 2.0, look, FRAME_RATE)
        else:
            yield NOTHING, [background(240, 240, look)] * 2


def drawn_features(extractor: Extractor, labels: Sequence[str], per_label: int, seed: int = 0) -> list[Features]:
    """`drawn_clips` under an encoder."""
    result = []
    for label, decoded in drawn_clips(labels, per_label, seed):
        content = hashlib.sha256(np.stack(decoded).tobytes()).hexdigest()
        times = np.arange(len(decoded)) / FRAME_RATE
        result.append(Features(extractor.kept(content, decoded, times), times, label, None))
    return result
