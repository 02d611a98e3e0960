#!/usr/bin/env python3
"""Take the pictures of docs/tour.md: terminals as SVG, an annotated video's frame, and pages in headless Chromium.

Run it from the repository root with edgevtn[report,test,training,video] installed: python scripts/tour_pictures.py
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from terminal_picture import svg

import edgevtn
from edgevtn.arrays import Frame
from edgevtn.files import write_whole
from edgevtn.training.pretrained import pretrained_encoder

ROOT = Path(__file__).parents[1]
DATA = ROOT / "edgevtn" / "data"
sys.path.insert(0, str(ROOT / "tests" / "support"))

from chromium import Chromium  # noqa: E402
from terminals import Terminal  # noqa: E402

#: Columns of the terminals.
COLUMNS = 100
#: WebP's qualities, percent, from the best to the least that is legible; and bytes that a picture may have.
QUALITIES, MOST = (85, 75, 65, 55, 45), 60_000
#: Seconds of the demo's second clip of people at which the overlay is shown: the fall's end.
FALLEN = 2.9
#: Width and height of the windows.
REPORT, TIMELINE, CALIBRATION = (900, 980), (900, 880), (900, 980)


def kept(picture: Frame, name: str) -> None:
    """Write docs/tour-NAME.webp, as good as it may be."""
    for quality in QUALITIES:
        ok, encoded = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])
        assert ok
        if encoded.size <= MOST:
            break
    else:
        raise ValueError(f"tour-{name}.webp: expected at most {MOST} bytes, got {encoded.size}")
    write_whole(ROOT / "docs" / f"tour-{name}.webp", encoded.tobytes())
    print(f"tour-{name}.webp: {encoded.size / 1e3:.0f} kB at {quality} %")


def terminals() -> None:
    """`edgevtn run` while it goes on and at its end; what `teach` says; a file of which all is unknown."""
    environment = {"TERM": "xterm-256color", "NO_COLOR": "", "COLUMNS": ""}

    def typed(command: str, name: str, label: str = "") -> None:
        with Terminal(["-m", "edgevtn", *command.split()[1:]], COLUMNS, **environment) as terminal:
            if label:  # while it goes on, and that is the best one
                terminal.until(
                    lambda: re.search(rf"left +{label} +[6-9]\d%", terminal.lines[-1] if terminal.lines else "")
                )
            else:
                assert terminal.finish(180.0) == 0, terminal.lines
            write_whole(ROOT / "docs" / f"tour-{name}.svg", svg(terminal.screen, command).encode())

    typed("edgevtn run clip.mp4", "run", "jack")
    typed("edgevtn run clip.mp4", "end")
    typed("edgevtn run room.mp4", "unknown")
    typed("edgevtn teach people/manifest.csv -o mine --report mine.html", "teach")


def overlay(folder: Path) -> None:
    """A frame of an annotated video of the demo."""
    with edgevtn.frames(folder / "edgevtn-demo" / "people-1.mp4") as source:
        picture = next(frame for timestamp, frame in source if timestamp >= FALLEN)
    kept(picture, "overlay")


def pages(folder: Path) -> None:
    """The report of `teach`, the timeline of several files, and the report of a calibration."""
    command = (
        "run edgevtn-demo/people-1-clean.mp4 edgevtn-demo/people-2-clean.mp4 --model edgevtn-demo/falls --out results"
    )
    edgevtn_in(folder, *command.split())
    write_whole(folder / "encoder.onnx", pretrained_encoder("lite0").SerializeToString())
    edgevtn_in(folder, "calibrate", "encoder.onnx", "--clips", "people", "-o", "int8.onnx")
    shown = (
        ("report", "mine.html", REPORT), ("timeline", "results/timeline.html", TIMELINE),
        ("calibration", "int8.html", CALIBRATION),
    )  # fmt: skip
    with Chromium(folder) as browser:
        for name, file, size in shown:
            browser.open((folder / file).as_uri())
            for scheme in ("light", "dark"):
                browser.look(*size, scheme == "dark")
                browser.run("new Promise((done) => setTimeout(done, 500))")
                kept(cv2.imdecode(np.frombuffer(browser.screenshot(), np.uint8), cv2.IMREAD_COLOR), f"{name}-{scheme}")


def edgevtn_in(folder: Path, *words: str) -> None:
    """Run a command there."""
    subprocess.run([sys.executable, "-m", "edgevtn", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Write them all."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        folder = Path(name)
        shutil.copy(DATA / "demo.mp4", folder / "clip.mp4")
        shutil.copytree(DATA / "people", folder / "people")
        shutil.copy(DATA / "people" / "taught-1.mp4", folder / "room.mp4")
        edgevtn_in(folder, "demo")
        terminals()
        overlay(folder)
        pages(folder)


if __name__ == "__main__":
    main()
