"""Several live cameras in one process: predictions a second of each, processor time, and memory.

A process of its own serves a recorded clip as Motion JPEG over HTTP at 25 Hz, for each camera from another moment on.
``edgevtn run`` watches them as it would watch real ones; the first seconds, while it loads, are not counted:
``python scripts/several_cameras.py CLIP --cameras 8``. Every picture moves, so that nothing is spared by stillness.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import psutil

from edgevtn.sources import frames

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from cameras import MjpegCamera

#: Pictures a second that a camera sends, and their size.
RATE, SIZE = 25.0, (640, 480)
#: Seconds of the clip, which is played forth and back.
LENGTH = 20.0
#: Seconds until all cameras are watched and kernels are loaded.
SETTLING = 10.0


class Recorded(MjpegCamera):
    """Shows these JPEGs again and again, from one of them on."""

    def __init__(self, pictures: Sequence[bytes], first: int) -> None:
        super().__init__(RATE)
        self._pictures, self._first = pictures, first

    def picture(self, number: int) -> bytes:
        return self._pictures[(self._first + number) % len(self._pictures)]


def serve(clip: str, count: int, told: Connection) -> None:
    """So many cameras that show the clip, until the process is killed; tells their addresses."""
    pictures = []
    with frames(clip) as source:
        for timestamp, frame in source:
            if timestamp > LENGTH:
                break
            pictures.append(cv2.imencode(".jpg", cv2.resize(frame, SIZE))[1].tobytes())
    pictures += pictures[-2:0:-1]
    cameras = [Recorded(pictures, n * len(pictures) // count) for n in range(count)]
    for camera in cameras:
        camera.start()
    told.send([camera.address for camera in cameras])


def watch(addresses: Sequence[str], model: str, seconds: float) -> None:
    """Run, and print what it did."""
    command = [sys.executable, "-m", "edgevtn", "run", *addresses, "--model", model, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        print(f"{len(addresses)} cameras: {measured(process, seconds)}", flush=True)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def measured(process: subprocess.Popen[str], seconds: float) -> str:
    """What there is to say of a running one after so long."""
    assert process.stdout is not None
    about, counts = psutil.Process(process.pid), Counter[str]()
    settled = time.monotonic() + SETTLING
    counting: tuple[float, float] | None = None  # the clock and the processor's time, when counting began
    for line in process.stdout:
        now, used = time.monotonic(), sum(about.cpu_times()[:2])
        if now < settled:
            continue
        counting = counting or (now, used)
        record = json.loads(line)
        if "top" in record:  # a prediction, and no event
            counts[record.get("source", "")] += 1
        if now > counting[0] + seconds:
            passed = now - counting[0]
            return (
                f"{min(counts.values()) / passed:.2f} to {max(counts.values()) / passed:.2f} predictions a second of "
                f"each, {(used - counting[1]) / passed:.2f} s of processor time a second, "
                f"{about.memory_info().rss / 1e6:.0f} MB"
            )
    raise SystemExit("it ended by itself")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", help="a video in which something always moves")
    parser.add_argument("--cameras", type=int, nargs="*", default=[8])
    parser.add_argument("--model", default="default")
    parser.add_argument("--seconds", type=float, default=30.0, help="that are counted")
    arguments = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    most = max(arguments.cameras)
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(arguments.clip, most, theirs))
    server.start()
    try:
        addresses = ours.recv()
        for count in arguments.cameras:
            watch(addresses[:count], arguments.model, arguments.seconds)
    finally:
        server.kill()
        server.join()


if __name__ == "__main__":
    main()
