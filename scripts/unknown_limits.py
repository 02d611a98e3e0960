#!/usr/bin/env python3
"""Measure the limits of edgevtn/unknown.py on the bundled model's training clips, made darker, smaller, moved, stopped.

python scripts/unknown_limits.py $EDGEVTN_SHARED/data/weizmann64
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

import edgevtn
from edgevtn.datasets import read_dataset
from edgevtn.prediction import UNKNOWN
from edgevtn.unknown import Picture

#: Grey levels: the noise of a camera in a dim room.
NOISE = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clips", type=Path)
    clips = []
    for clip in read_dataset(parser.parse_args().clips)[::2]:
        with edgevtn.frames(clip.path) as source:
            clips.append([cv2.resize(frame, (192, 192)) for _, frame in source])
    recognizer = edgevtn.Recognizer(threads=1, start="repeat", smoothing=0.3)
    changes: dict[str, tuple[Sequence[float], Callable[[np.ndarray, float], np.ndarray]]] = {
        "gain": ((1, 0.5, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03), darker),
        "size": ((1, 0.7, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15), smaller),
        "aside": ((0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), aside),
    }
    print("change  value  known  light  moving  height  inside (medians of the clips; least of moving and height)")
    for name, (values, change) in changes.items():
        for value in values:
            known, pictures = [], []
            for frames in clips:
                recognizer.reset()
                picture = Picture()
                for n, frame in enumerate(frames):
                    changed = change(frame, value)
                    prediction = recognizer(changed, n / 25)
                    if prediction is not None:
                        known.append(prediction.label != UNKNOWN)
                        picture.take(changed)
                pictures.append(picture)
            rows = [[np.median(v) if len(v) else np.nan for v in (p.light, p.heights, p.inside)] for p in pictures]
            columns = [[value for value in column if np.isfinite(value)] for column in zip(*rows, strict=True)]
            light, height, inside = (np.median(column) if column else np.nan for column in columns)
            moving = [np.mean(p.moving) for p in pictures]
            least = np.nanmin([row[1] for row in rows]) if np.isfinite(height) else np.nan
            print(
                f"{name:6} {value:6.2f} {np.mean(known):6.2f} {light:6.1f}  {np.median(moving):.2f} "
                f"({min(moving):.2f}) {height:6.2f} ({least:.2f}) {inside:6.2f}"
            )


def darker(frame: np.ndarray, gain: float) -> np.ndarray:
    """Less light on the sensor, whose noise stays."""
    noise = np.random.default_rng(int(frame[0, 0, 0])).normal(0, NOISE if gain < 1 else 0, frame.shape)
    return np.clip(frame * gain + noise + 0.5, 0, 255).astype(np.uint8)


def smaller(frame: np.ndarray, scale: float) -> np.ndarray:
    """Farther away: the picture's edge goes on."""
    side = round(192 * scale)
    edge = (192 - side) // 2
    small = cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, edge, 192 - side - edge, edge, 192 - side - edge, cv2.BORDER_REPLICATE)


def aside(frame: np.ndarray, shift: float) -> np.ndarray:
    """The person's square begins so many of its sides to the right of that which the model sees."""
    wide = cv2.copyMakeBorder(frame, 0, 0, 192, 192, cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(np.roll(wide, round(192 * shift), axis=1))


if __name__ == "__main__":
    main()
