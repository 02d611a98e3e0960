"""What stands before the camera in scripts/journeys: films put together from clips of the shared data folder."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

import edgevtn
from edgevtn.arrays import Frame
from edgevtn.video import VideoWriter

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("EDGEVTN_SHARED", ROOT.parent / "shared")) / "data"
PEOPLE, FALLS = SHARED / "weizmann64", SHARED / "gmdcsa24"
#: Who acts while takes are recorded, and who is recognised: others.
ACTORS, OTHERS = ("daria", "denis", "eli", "ido", "ira", "lena"), ("lyova", "moshe", "shahar")
#: Pixels: clips of 64 by 64 as a camera would give them.
SIDE = 240
#: Seconds of a film to record five takes from: each has a count-down of three seconds and lasts three.
LONG = 35.0
#: Falls to learn from, of two people in one room as a household would record them, and one to be told of, which is not
#: taught. Each begins at the second in segments.csv, lasts so long, and so long after it the person lies.
TAUGHT = ("Subject2_12", "Subject2_13", "Subject2_14", "Subject3_15", "Subject3_16", "Subject3_20")
ASKED = "Subject3_19"
FALL, LIES = 1.6, 2.0  # seconds


def pictures(clip: Path) -> Iterator[Frame]:
    """A clip's frames, larger."""
    with edgevtn.frames(clip) as source:
        for _, frame in source:
            yield cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def film(file: Path, clips: Iterable[Path], seconds: float = 0.0) -> None:
    """Put clips together at 25 Hz, again and again until there are so many seconds."""
    shown = [picture for clip in clips for picture in pictures(clip)]
    writer = VideoWriter(file, 25.0)
    for n in range(max(len(shown), round(seconds * 25))):
        writer.write(shown[n % len(shown)], n / 25)
    writer.close()


def empty_room(file: Path) -> None:
    """Where nobody is: the median of a clip in which somebody walks by, and a camera's noise."""
    room = np.median(list(pictures(PEOPLE / "walk" / "daria_walk.avi")), axis=0)
    noise, writer = np.random.default_rng(1), VideoWriter(file, 25.0)
    for n in range(round(LONG * 25)):
        writer.write(np.clip(room + noise.normal(0, 4, room.shape), 0, 255).astype(np.uint8), n / 25)
    writer.close()


def films_to_teach(folder: Path) -> None:
    """`wave.mp4`, `bend.mp4` and `nothing.mp4` to record takes from; `room.mp4` with others who do the same."""
    for label, action in {"wave": "wave2", "bend": "bend"}.items():
        film(folder / f"{label}.mp4", [PEOPLE / action / f"{name}_{action}.avi" for name in ACTORS], LONG)
    empty_room(folder / "nothing.mp4")
    film(folder / "room.mp4", [PEOPLE / a / f"{name}_{a}.avi" for a in ("wave2", "bend") for name in OTHERS])


def part(clip: Path, file: Path, start: float, end: float) -> None:
    """A part of a clip as a take."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with edgevtn.frames(clip) as source:
        writer = VideoWriter(file, source.frame_rate or 25.0)
        for timestamp, frame in source:
            if start <= timestamp < end:
                writer.write(frame, timestamp)
        writer.close()


def takes_of_falls(folder: Path) -> None:
    """`takes/fall`, `lie`, `upright` and `nothing` of two people, and `room.mp4` with a fall that is not taught."""
    with (FALLS / "segments.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if Path(row["clip"]).stem in TAUGHT]
    for row in rows:
        clip, start = FALLS / row["clip"], float(row["start"])
        if row["label"] == "falling":
            part(clip, folder / "takes" / "fall" / f"{clip.stem}.mp4", start, start + FALL)
            part(clip, folder / "takes" / "lie" / f"{clip.stem}.mp4", start + LIES, float("inf"))
        elif float(row["end"]) - start > 1:
            part(clip, folder / "takes" / "upright" / f"{clip.stem}.mp4", start, float(row["end"]))
    for clip in sorted((FALLS / "adl").glob("Subject[23]_*.mp4")):
        part(clip, folder / "takes" / "nothing" / clip.name, 0.0, 5.0)
    shutil.copy(FALLS / "fall" / f"{ASKED}.mp4", folder / "room.mp4")
