"""Teaching while recognition goes on: the last seconds become a take of a label, and a taught model takes over."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from edgevtn.arrays import Frame
from edgevtn.errors import EdgeVTNError, OutputError
from edgevtn.prediction import NOTHING, UNKNOWN
from edgevtn.reading import kind_of
from edgevtn.recognizer import Recognizer
from edgevtn.recording import label_folder, likely_mistake
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink
from edgevtn.sources.file import video_files
from edgevtn.video import VideoWriter

#: Seconds of pictures in memory, and how many a second at most: what a take can have.
LONGEST, RATE = 10.0, 15.0
#: Seconds of a take at least: a window's worth.
SHORTEST = 1.0
#: Pixels of a picture's side: twice what an encoder looks at. So a camera's pictures are some 5 MB.
SIDE = 448
#: Seconds without a picture after which what was before is no part of what follows: a camera was lost.
STALE = 2.0
#: JPEG's quality, percent: no loss that an encoder would see.
QUALITY = 92
#: Takes in the folder: whoever presses a button for ever must not fill the disk.
MOST_TAKES = 1000
#: Characters of a label: one line on a phone.
LONGEST_LABEL = 40
#: Seconds between two looks into the folder, into which the user may put takes of other places.
RECOUNT = 2.0
#: How far teaching stands back behind recognition, on Unix's scale to 19.
NICENESS = 10
#: Seconds that `close` waits for what it has told to end.
CLOSING = 5.0


class Lessons(Sink):
    """Keeps the last seconds in memory, writes takes of them, and teaches in a process of its own.

    Takes are in ``FOLDER/takes/LABEL/``, as `edgevtn record` writes them, and the model is ``FOLDER/model``: what was
    taught can be looked at, mended and taught again with `edgevtn teach`.

    Parameters
    ----------
    folder : path
        It is made when the first take is kept.
    load : callable
        Makes a recogniser of a bundle's folder.

    Raises
    ------
    OutputError
        The folder cannot be made, or written.
    """

    def __init__(self, folder: str | Path, load: Callable[[Path], Recognizer]) -> None:
        self._takes, self.model, self._load = Path(folder) / "takes", Path(folder) / "model", load
        _check_place(self._takes, folder)
        self._rings: dict[tuple[str, str], deque[tuple[float, bytes]]] = {}  # by source and region: time, JPEG
        self._heard: dict[tuple[str, str], float] = {}  # `time.monotonic` of the last picture
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._told = self._remark = ""
        self._closing = False
        self._successor: Recognizer | None = None
        self._counted: tuple[float, dict[str, int]] = -math.inf, {}

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Keep what a model sees of it, for some seconds."""
        for region, box in scene.boxes(*frame.shape[:2]).items():
            ring = self._rings.setdefault((scene.source, region), deque())
            with self._lock:
                self._heard[scene.source, region] = time.monotonic()
                if ring and timestamp - ring[-1][0] > STALE:  # the camera was lost: a take is of what came since
                    ring.clear()
            if ring and 0 <= timestamp - ring[-1][0] < 0.9 / RATE:
                continue
            square = box.square.cut(frame)
            if square.shape[0] > SIDE:
                square = cast(Frame, cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
            ok, encoded = cv2.imencode(".jpg", square, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            assert ok
            with self._lock:
                ring.append((timestamp, encoded.tobytes()))
                while not 0 <= timestamp - ring[0][0] <= LONGEST:  # too old, or of a clock that began anew
                    ring.popleft()

    def mark(self, label: str, seconds: float, source: str = "", region: str = "") -> Path:
        """Write the last seconds as a take of a label; any thread may call it.

        Raises
        ------
        ValueError
            The label or the number of seconds is none, or there are no pictures of so many seconds.
        OutputError
            It cannot be written.
        """
        label = " ".join(label.split())
        if not 0 < len(label) <= LONGEST_LABEL or label == UNKNOWN:
            raise ValueError(f"expected a label of 1 to {LONGEST_LABEL} characters other than {UNKNOWN}")
        if not SHORTEST <= seconds <= LONGEST:
            raise ValueError(f"expected {SHORTEST:g} to {LONGEST:g} seconds, got {seconds:g}")
        with self._lock:
            ring = list(self._rings.get((source, region), ()))
            silent = time.monotonic() - self._heard.get((source, region), -math.inf)
        if ring and silent > STALE:
            raise ValueError(f"the camera has given no picture for {silent:.0f} seconds; wait until it is back")
        kept = [(timestamp, jpeg) for timestamp, jpeg in ring if ring[-1][0] - timestamp <= seconds]
        if len(kept) < 2 or kept[-1][0] - kept[0][0] < seconds / 2:
            raise ValueError(f"there are no pictures of the last {seconds:g} seconds yet; wait a little")
        with self._writing:
            if sum(self.counts().values()) >= MOST_TAKES:
                raise OutputError(f"{self._takes}: has {MOST_TAKES} takes, which is enough; remove some")
            folder, moment = label_folder(self._takes, label), time.strftime("%Y%m%d-%H%M%S")
            file = next(
                free for n in range(1, MOST_TAKES + 2) if not (free := folder / f"{moment}-{n:02}.mp4").exists()
            )
            writer = VideoWriter(file, RATE)
            try:
                for timestamp, jpeg in kept:
                    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
                    writer.write(cast(Frame, picture), timestamp)
            except BaseException:
                writer.discard()
                raise
            writer.close()
        self._remark = likely_mistake(label) or ""
        self._counted = time.monotonic(), self.counts()
        return file

    def counts(self) -> dict[str, int]:
        """How many takes each label has."""
        if kind_of(self._takes) != "folder":  # nothing was kept yet
            return {}
        folders = sorted(place for place in self._takes.iterdir() if place.is_dir() and not place.name.startswith("."))
        return {place.name: len(video_files(place)) for place in folders}

    def teach(self) -> None:
        """Begin to teach with all takes; any thread may call it.

        Raises
        ------
        ValueError
            It is taught already, or there are takes of fewer than two actions.
        """
        if sum(count > 0 for label, count in self.counts().items() if label != NOTHING) < 2:
            raise ValueError("expected takes of two actions or more; keep some of another")
        with self._lock:
            if self.teaching or self._closing:
                raise ValueError("it is being taught already")
            self._told = self._remark = ""
            self._thread = threading.Thread(target=self._teach, name="edgevtn lessons", daemon=True)
            self._thread.start()

    @property
    def teaching(self) -> bool:
        """Whether a model is being taught."""
        return self._thread is not None and self._thread.is_alive()

    def record(self) -> dict[str, Any]:
        """What the page tells: labels with their takes, whether it is being taught, and what came of the last time."""
        now = time.monotonic()
        if now - self._counted[0] > RECOUNT:
            self._counted = now, self.counts()
        told = self._remark or self._told
        return {"labels": self._counted[1], "teaching": self.teaching, "told": told, "longest": LONGEST}

    def successor(self) -> Recognizer | None:
        """A recogniser of the model that was taught, once."""
        found, self._successor = self._successor, None
        return found

    def close(self) -> None:
        """End what is being taught; the model before stays."""
        with self._lock:
            self._closing = True
            process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        if self._thread is not None:
            self._thread.join(CLOSING)

    def _teach(self) -> None:
        """What the thread does: teach by the command, so that neither its memory nor its end is recognition's."""
        command = [sys.executable, "-m", "edgevtn", "teach", str(self._takes), "-o", str(self.model)]
        try:
            with self._lock:
                if self._closing:
                    return
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
            with contextlib.suppress(OSError, AttributeError):
                os.setpriority(os.PRIO_PROCESS, self._process.pid, NICENESS)
            out, error = self._process.communicate()
            if self._closing:
                return
            if self._process.returncode:
                self._told = (error.strip().splitlines() or ["it ended without a word"])[-1].rpartition("error: ")[2]
                return
            self._successor = self._load(self.model)
            self._told = "; ".join(out.splitlines()[:2])
        except (OSError, ValueError, EdgeVTNError) as failure:
            self._told = str(failure)


def _check_place(takes: Path, folder: str | Path) -> None:
    """Raise OutputError where takes could not be written, without making anything: the run may fail elsewhere."""
    place = takes
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if kind_of(place) != "folder":
        raise OutputError(f"{folder}: cannot be made a folder ({place} is none); choose another place")
    if not os.access(place, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: cannot be written ({place} is not writable); choose another place")
