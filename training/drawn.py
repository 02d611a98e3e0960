"""Drawn clips to train beside the real ones: other looks, clean pictures, and scenes where nothing happens."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from edgevtn.training.features import Extractor, Features, Frame
from edgevtn.training.figure import Color, Look, background, clip
from edgevtn.training.fit import NOTHING

FRAME_RATE = 25.0


def random_look(rng: np.random.Generator) -> Look:
    """A figure of random size, place, speed, build, colours and wall."""

    def color(low: int, high: int) -> Color:
        blue, green, red = (int(channel) for channel in rng.integers(low, high, 3))
        return blue, green, red

    wall = int(rng.integers(90, 220))
    skin = rng.uniform(0.45, 1.05)
    return Look(
        height=rng.uniform(0.5, 0.75),
        center=rng.uniform(0.42, 0.58),
        ground=rng.uniform(0.86, 0.97),
        tempo=rng.uniform(0.8, 1.25),
        facing=int(rng.choice([-1, 1])),
        thickness=rng.uniform(0.8, 1.25),
        shirt=color(20, 230),
        trousers=color(20, 180),
        skin=(int(130 * skin), int(160 * skin), int(205 * skin)),
        hair=color(10, 90),
        wall=tuple(int(np.clip(wall + shift, 0, 255)) for shift in rng.integers(-20, 20, 3)),  # type: ignore[arg-type]
        floor=color(60, 170),
        texture=rng.uniform(2, 14),
        seed=int(rng.integers(2**31)),
        swing=rng.uniform(0.85, 1.1),
    )


def drawn_clips(labels: Sequence[str], per_label: int, seed: int = 0) -> Iterator[tuple[str, list[Frame]]]:
    """Label and frames at 25 Hz: `per_label` clips of each action, and as many in which nothing happens.

    Nothing happens where a figure stands still or there is none.
    """
    rng = np.random.default_rng(seed)
    for label in labels:
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
        stored = extractor.cached(content, partial(_values, extractor, decoded))
        times = np.arange(len(decoded)) / FRAME_RATE
        result.append(Features(stored["values"], times, label, None))
    return result


def _values(extractor: Extractor, decoded: list[Frame]) -> dict[str, npt.NDArray[Any]]:
    return {"values": extractor.encode(decoded)}
