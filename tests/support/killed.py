"""What is killed, and what must be there afterwards: videos, takes, taught models, fetched models. For `killing`."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cameras
import cv2
import numpy as np
from killing import Operation
from spooling import MqttSpool, WebhookSpool, background
from tiny import moving_frames, random_head, tiny_encoder, tiny_facts

import edgevtn
from edgevtn.bundle import load_bundle, write_bundle
from edgevtn.cli.main import main
from edgevtn.sources.file import video_files
from edgevtn.video import VideoWriter, incomplete


def video(file: Path, count: int) -> None:
    """A video of so many frames at 25 Hz."""
    file.parent.mkdir(parents=True, exist_ok=True)
    writer = VideoWriter(file, 25)
    for n, frame in enumerate(moving_frames(count)):
        writer.write(frame, n / 25)
    writer.close()


def tiny(folder: Path) -> None:
    """A bundle of three classes."""
    facts = tiny_facts()
    write_bundle(folder, facts, tiny_encoder().SerializeToString(), random_head(facts))


def length(file: Path) -> int:
    """Frames that can be decoded."""
    capture, count = cv2.VideoCapture(str(file)), 0
    while capture.read()[0]:
        count += 1
    capture.release()
    return count


def only(folder: Path, *names: str) -> None:
    """There is nothing else, but for what is hidden."""
    seen = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    assert seen == sorted(names), seen


class Save(Operation):
    """``edgevtn run --save`` over an older video."""

    OLD, NEW = 5, 12

    def prepare(self, folder: Path) -> None:
        tiny(folder / "model")
        video(folder / "clip.mp4", self.NEW)
        video(folder / "out.mp4", self.OLD)

    def run(self, folder: Path) -> int:
        return main(["run", f"{folder}/clip.mp4", "--model", f"{folder}/model", "--save", f"{folder}/out.mp4"])

    def check(self, folder: Path, ended: bool) -> None:
        only(folder, "model", "clip.mp4", "out.mp4")
        count = length(folder / "out.mp4")
        assert count in ([self.NEW] if ended else [self.OLD, self.NEW]), count
        assert incomplete(folder / "out.mp4", count, count) is None


class Record(Operation):
    """``edgevtn record`` of two takes from a camera, beside an older one."""

    def start(self, place: Path) -> None:
        self._camera = cameras.MjpegCamera(rate=60)

        def serve() -> None:
            self._camera.start()
            signal.pause()

        self._server = background(serve)

    def stop(self) -> None:
        os.kill(self._server, signal.SIGKILL)
        os.waitpid(self._server, 0)

    def prepare(self, folder: Path) -> None:
        video(folder / "jump" / "20200101-000000-01.mp4", 10)

    def run(self, folder: Path) -> int:
        from edgevtn import recording

        recording.COUNT_DOWN = 0
        address = ["--source", self._camera.address]
        return main(["record", str(folder), "--label", "jump", *address, "--takes", "2", "--seconds", "0.5", "--yes"])

    def check(self, folder: Path, ended: bool) -> None:
        takes = video_files(folder)
        assert length(folder / "jump" / "20200101-000000-01.mp4") == 10
        assert len(takes) >= (3 if ended else 1), takes
        for take in takes:
            count = length(take)
            assert count >= 1, take  # a camera on a busy machine may give no more
            assert incomplete(take, count, count) is None, take


class Teach(Operation):
    """``edgevtn teach -o`` over a model of two other labels, or ``--add-to`` that model."""

    def __init__(self, add: bool) -> None:
        self._add = add

    def start(self, place: Path) -> None:
        import edgevtn.cli.teach  # noqa: F401  (slow, so here)
        import edgevtn.teaching  # noqa: F401
        import edgevtn.training.data.figure  # noqa: F401

        self._cache = place / "cache"

    def prepare(self, folder: Path) -> None:
        from edgevtn.training.data.figure import Look, clip

        for label in ("bend", "jack", "wave1"):
            for n, who in enumerate(("ann", "bob")):
                file = folder / ("more" if label == "jack" else "clips") / label / f"{who}.avi"
                file.parent.mkdir(parents=True, exist_ok=True)
                writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 25, (160, 120))
                for frame in clip(label, 1.5, Look(seed=n, shirt=(40 + 90 * n, 60, 160)), size=(160, 120)):
                    writer.write(frame)
                writer.release()
        self._quickly()
        assert main(["teach", f"{folder}/clips", "-o", f"{folder}/mine"]) == 0
        shutil.copytree(folder / "clips", folder / "all")
        shutil.copytree(folder / "more" / "jack", folder / "all" / "jack")

    def run(self, folder: Path) -> int:
        self._quickly()
        if self._add:
            # Twice is no harm: what is there twice counts twice.
            return main(["teach", f"{folder}/more", "--add-to", f"{folder}/mine"])
        return main(["teach", f"{folder}/all", "-o", f"{folder}/mine"])

    def check(self, folder: Path, ended: bool) -> None:
        from edgevtn.teaching import Taught

        self._quickly()
        only(folder, "clips", "more", "all", "mine")
        labels = list(Taught.load(folder / "mine").report.labels)
        new = ["bend", "jack", "wave1"]
        assert labels in ([new] if ended else [new, ["bend", "wave1"]]), labels
        recognizer = edgevtn.Recognizer(folder / "mine", threads=1, start="repeat")
        assert recognizer(np.zeros((48, 64, 3), np.uint8), 0.0) is not None

    def _quickly(self) -> None:
        """Features are cached for all copies: they are the same clips."""
        os.environ["EDGEVTN_CACHE"] = str(self._cache)


class Fetch(Operation):
    """``edgevtn fetch`` from a server, over an older bundle; no checksum is published, so that one is remembered."""

    def start(self, place: Path) -> None:
        import requests  # noqa: F401  (slow, so here)
        import torch  # noqa: F401

        import edgevtn.cli.fetch  # noqa: F401
        import edgevtn.importing  # noqa: F401

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments: Any) -> None:
                super().__init__(*arguments, directory=str(place / "served"))

            def copyfile(self, source: Any, outputfile: Any) -> None:
                with contextlib.suppress(OSError):
                    while piece := source.read(2**13):
                        outputfile.write(piece)
                        time.sleep(0.002)  # a network, of 4 MB a second

            def log_message(self, *arguments: object) -> None:
                pass

        (place / "served").mkdir()
        self._file = place / "served" / "model.pth"
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._address = f"http://127.0.0.1:{server.server_address[1]}"
        self._server = background(server.serve_forever)
        server.server_close()

    def stop(self) -> None:
        os.kill(self._server, signal.SIGKILL)
        os.waitpid(self._server, 0)

    def prepare(self, folder: Path) -> None:
        from published import VTN, resnet, save

        save(VTN(resnet((1, 1, 1, 1), False, 16), 128, 64, 5, heads=4, layers=1), self._file)
        tiny(folder / "bundle")

    def run(self, folder: Path) -> int:
        from edgevtn.importing import published

        entry = {"file": "model.pth", "url": "http://127.0.0.1:9/", "size": None, "sha384": None}
        model = {"source": "a test", "license": "none", "labels": None, "precisions": {"FP32": [entry]}}
        published.registry = lambda: {"small": model}
        os.environ["EDGEVTN_CACHE"] = str(folder / "cache")
        return main(["fetch", "small", "--mirror", self._address, "-o", f"{folder}/bundle"])

    def check(self, folder: Path, ended: bool) -> None:
        own = ["bundle", *(["cache"] if (folder / "cache").exists() else [])]
        only(folder, *own)
        count = len(load_bundle(folder / "bundle").model.labels)
        assert count in ([5] if ended else [3, 5]), count
        digest, place = hashlib.sha384(self._file.read_bytes()).hexdigest(), folder / "cache" / "small" / "FP32"
        if (place / "pins.json").exists():
            assert json.loads((place / "pins.json").read_text()) == {"model.pth": digest}
        if (place / "model.pth").exists():
            assert hashlib.sha384((place / "model.pth").read_bytes()).hexdigest() == digest


def warm(place: Path) -> None:
    """Load what every run loads, kernels above all, before anything is forked; one thread, as others do not survive."""
    tiny(place / "warm")
    edgevtn.Recognizer(place / "warm", threads=1, start="repeat")(np.zeros((48, 64, 3), np.uint8), 0.0)


OPERATIONS: dict[str, Callable[[], Operation]] = {
    "save": Save,
    "record": Record,
    "teach": lambda: Teach(add=False),
    "add-to": lambda: Teach(add=True),
    "fetch": Fetch,
    "webhook": WebhookSpool,
    "mqtt": MqttSpool,
}
