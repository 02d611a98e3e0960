#!/usr/bin/env python3
"""Make the demo's clips of real people, edgevtn/data/people/, from GMDCSA-24 in the shared data folder.

Run it from the repository root with edgevtn[video] installed: python scripts/make_demo_people.py
"""

import os
from pathlib import Path

import cv2

import edgevtn
from edgevtn.video import VideoWriter

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("EDGEVTN_SHARED", ROOT.parent / "shared"))
PEOPLE = ROOT / "edgevtn" / "data" / "people"
#: Clip of the dataset, and its name here. The parts that are taught and asked are in people/manifest.csv.
CLIPS = {
    "Subject2_12": "taught-1",
    "Subject2_13": "taught-2",
    "Subject3_19": "asked-1",
    "Subject3_16": "asked-2",
}
#: Pixels: the clips are part of the package, and the model sees 224.
HEIGHT = 240


def main() -> None:
    """Write the clips, smaller and at their own rate."""
    for clip, name in CLIPS.items():
        with edgevtn.frames(SHARED / "data" / "gmdcsa24" / "fall" / f"{clip}.mp4") as source:
            writer = VideoWriter(PEOPLE / f"{name}.mp4", 15.0)
            for timestamp, frame in source:
                size = round(frame.shape[1] * HEIGHT / frame.shape[0] / 2) * 2, HEIGHT
                writer.write(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), timestamp)
            writer.close()


if __name__ == "__main__":
    main()
