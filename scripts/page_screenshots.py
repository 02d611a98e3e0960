#!/usr/bin/env python3
"""Take the pictures of the page that docs/outputs.md shows, in headless Chromium, while the demo clip is recognised.

They are written to docs/page-WIDTH-SCHEME.webp. The model is taught on the demo clip's own parts, so that the moments
that decided are shown, too; it says nothing of how well a model recognises.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from csv import DictReader
from pathlib import Path

import cv2
import numpy as np

import edgevtn
from edgevtn import Recognizer
from edgevtn.arrays import Frame
from edgevtn.defaults import SMOOTHING
from edgevtn.files import write_whole
from edgevtn.sinks import Origin
from edgevtn.sinks.clips import Clips
from edgevtn.sinks.page.sink import Page
from edgevtn.teaching import Example, teach
from edgevtn.teaching.lessons import Lessons

ROOT = Path(__file__).parents[1]
CLIP = ROOT / "edgevtn" / "data" / "demo.mp4"
sys.path.insert(0, str(ROOT / "tests" / "support"))

from chromium import Chromium  # noqa: E402

#: Width and height of the windows: a desktop's, and a phone's.
SIZES = {"wide": (1200, 935), "narrow": (390, 1410)}
#: WebP's quality, percent: text stays sharp.
QUALITY = 80
#: Second of the clip at which to look: the third action goes on, two have ended.
MOMENT = 11.0


def paced(file: Path, stop: threading.Event) -> Iterator[tuple[float, Frame]]:
    """A file as a camera would give it; from `MOMENT` on it stands."""
    began = time.monotonic()
    with edgevtn.frames(file) as source:
        for timestamp, frame in source:
            if timestamp > MOMENT:
                break
            time.sleep(max(0.0, began + timestamp - time.monotonic()))
            yield timestamp, frame
    while not stop.wait(0.04):  # so that all four show the same
        pass


def main() -> None:
    """Write the four pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder, stop, origin = Path(name), threading.Event(), Origin("hall")
        lessons, clips = Lessons(folder / "lessons", Recognizer), Clips(folder / "clips", origin)
        page = Page("127.0.0.1:0", origin, clips=clips.files, lessons=lessons)

        with CLIP.with_suffix(".csv").open() as file:
            parts = [
                Example(CLIP, row["label"], None, float(row["start"]), float(row["end"])) for row in DictReader(file)
            ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # there is one take of each, which is known here
            teach(parts).save(lessons.model, "demo")
        recognizer = Recognizer(lessons.model, smoothing=SMOOTHING)

        def watch() -> None:
            for _ in edgevtn.watch(paced(CLIP, stop), sinks=[lessons, clips, page], recognizer=recognizer):
                pass

        watching = threading.Thread(target=watch)
        watching.start()
        with Chromium(folder) as browser:
            browser.open(page.url)
            browser.until("document.querySelectorAll('.play').length > 0")
            for label in ("walk", "walk", "wave2"):
                lessons.mark(label, 2.0)
            browser.until("document.querySelectorAll('#takes li').length == 2")
            browser.until("document.querySelectorAll('.going').length > 0")
            for width, (columns, rows) in SIZES.items():
                for scheme in ("light", "dark"):
                    browser.look(columns, rows, scheme == "dark")
                    browser.run("new Promise((done) => setTimeout(done, 500))")
                    shot = cv2.imdecode(np.frombuffer(browser.screenshot(), np.uint8), cv2.IMREAD_COLOR)
                    ok, encoded = cv2.imencode(".webp", shot, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
                    assert ok
                    write_whole(ROOT / "docs" / f"page-{width}-{scheme}.webp", encoded.tobytes())
            assert not browser.console, browser.console
        stop.set()
        watching.join()


if __name__ == "__main__":
    main()
