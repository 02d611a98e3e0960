#!/usr/bin/env python3
"""Draw the demo clip, edgevtn/data/demo.mp4, and its ground truth, demo.csv.

Run it from the repository root with edgevtn installed: python scripts/make_demo_clip.py
"""

import csv
import io
from pathlib import Path

import cv2

from edgevtn.files import replacing, write_whole
from edgevtn.training.data.figure import Look, clip

DATA = Path(__file__).parents[1] / "edgevtn" / "data"
FRAME_RATE, SIZE = 25.0, (256, 192)
#: A plain wall compresses better: the clip is part of the package.
TEXTURE = 2.5
#: Action, seconds, direction. Who runs is soon gone, and comes back from the other side.
SCENES = [
    ("walk", 3.6, 1),
    ("wave2", 4.0, 1),
    ("bend", 5.2, 1),
    ("jack", 4.0, 1),
    ("run", 1.32, 1),
    ("run", 1.32, -1),
    ("run", 1.32, 1),
]


def main() -> None:
    """Write both files."""
    with replacing(DATA / "demo.mp4") as part:
        truth = draw(part)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["start", "end", "label"])
    lines.writerows([begin / FRAME_RATE, end / FRAME_RATE, label] for label, begin, end in truth)
    write_whole(DATA / "demo.csv", text.getvalue().encode())


def draw(file: Path) -> list[tuple[str, int, int]]:
    """Write the clip; returns each action with its first frame and the one after its last."""
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")
    video = cv2.VideoWriter(str(file), cv2.CAP_FFMPEG, fourcc, FRAME_RATE, SIZE)
    truth: list[tuple[str, int, int]] = []
    count = 0
    for action, seconds, facing in SCENES:
        frames = clip(action, seconds, Look(facing=facing, texture=TEXTURE), FRAME_RATE, SIZE)
        for frame in frames:
            video.write(frame)
        if truth and truth[-1][0] == action:
            truth[-1] = (action, truth[-1][1], count + len(frames))
        else:
            truth.append((action, count, count + len(frames)))
        count += len(frames)
    video.release()
    return truth


if __name__ == "__main__":
    main()
