#!/usr/bin/env python3
"""Make docs/demo.webp, the moving picture at the top of the README, from what `edgevtn demo` writes.

Run it from the repository root with edgevtn[plots,video] installed: python scripts/make_demo_webp.py
"""

import tempfile
from pathlib import Path

import cv2
from PIL import Image

import edgevtn
from edgevtn.cli.people import ASKED, parts, recognise_people, teach_people
from edgevtn.drawing import PAPER

ROOT = Path(__file__).parents[1]
#: Pixels; Hz; WebP's quality from 0 to 100: a megabyte at most.
WIDTH, RATE, QUALITY = 480, 10, 62
#: Seconds for which the last picture of a clip stands.
HOLD = 1.0


def main() -> None:
    """Write it."""
    pictures: list[Image.Image] = []
    durations: list[int] = []  # ms
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder)
        teach_people(output / "falls", None)
        recognise_people(output / "falls", output, None, "onnxruntime")
        for n, _ in enumerate(dict.fromkeys(part.clip for part in parts(ASKED)), 1):
            with edgevtn.frames(output / f"people-{n}.mp4") as source:
                due = 0.0
                for timestamp, frame in source:
                    if timestamp >= due:
                        due += 1 / RATE
                        pictures.append(scaled(frame))
                        durations.append(round(1000 / RATE))
            durations[-1] += round(1000 * HOLD)
    size = max(picture.size for picture in pictures)
    pictures = [fitted(picture, size) for picture in pictures]
    file = ROOT / "docs" / "demo.webp"
    pictures[0].save(
        file, save_all=True, append_images=pictures[1:], duration=durations, loop=0, quality=QUALITY, method=6
    )
    print(f"{file}: {len(pictures)} pictures, {file.stat().st_size / 1e3:.0f} kB")


def scaled(frame):
    """A frame as wide as the moving picture."""
    height = round(frame.shape[0] * WIDTH / frame.shape[1])
    return Image.fromarray(cv2.resize(frame, (WIDTH, height), interpolation=cv2.INTER_AREA)[..., ::-1].copy())


def fitted(picture, size):
    """A picture of that size, with a margin of the band's color above it."""
    canvas = Image.new("RGB", size, PAPER[::-1])
    canvas.paste(picture, (0, size[1] - picture.height))
    return canvas


if __name__ == "__main__":
    main()
