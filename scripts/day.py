"""What a day in front of a camera costs: a scene list through the live path, at real timestamps, without waiting.

Most of it is an empty or waiting scene with a camera's noise; now and then someone walks through or does something.
The processor's time for the frames of either kind is told apart, the camera's own left out, and every labelled event is
looked for. A shorter day is run with everything encoded, too; with ``--peers`` others' ways go through it in the same
run: MoViNet-A0-stream on LiteRT, and Open Model Zoo's MobileNetV2-VTN in OpenVINO. Run with one thread:
``OPENBLAS_NUM_THREADS=1 taskset -c 1 python scripts/day.py DATA``.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

import edgevtn
from edgevtn.cpu import cpu_name
from edgevtn.defaults import SMOOTHING

#: Hz of the camera, and its noise: standard deviation in grey levels, in so many variants that come in random order.
CAMERA_RATE, NOISE, VARIANTS = 25, 2.0, 24
#: Seconds of each event, and the share of the day in which nothing happens.
EVENT, STILL = 6.0, 0.95
#: Half of the events are someone who walks through; the others are these.
WALK, ACTIONS = "walk", ("bend", "jack", "wave1", "wave2", "pjump", "side")
#: A recognised event may begin so many seconds after the labelled one has ended.
LATE = 1.0


class Scene(NamedTuple):
    """A clip that is played, and what is seen before and after it, with the camera's noise."""

    label: str
    moving: list[np.ndarray]
    still: list[np.ndarray]


class Planned(NamedTuple):
    """When a scene is seen, and when something happens in it, in frames of the camera."""

    scene: Scene
    end: int
    begin_event: int
    end_event: int


def scene(file: Path, label: str, rng: np.random.Generator) -> Scene:
    with edgevtn.frames(file) as source:
        moving = [cv2.resize(frame, (640, 480), interpolation=cv2.INTER_LINEAR) for _, frame in source]
    empty = np.median(np.stack(moving), axis=0)
    noise = (NOISE * rng.standard_normal(empty.shape, np.float32) for _ in range(VARIANTS))
    return Scene(label, moving, [np.clip(np.rint(empty + own), 0, 255).astype(np.uint8) for own in noise])


def plan(scenes: list[Scene], hours: float, rng: np.random.Generator) -> list[Planned]:
    """A day: scenes of random length, with an event somewhere in the middle of each."""
    count = round(hours * 3600 * (1 - STILL) / EVENT)
    lengths = rng.dirichlet(np.full(count, 3.0)) * hours * 3600 * STILL + EVENT
    walks, others = ([s for s in scenes if (s.label == WALK) == walk] for walk in (True, False))
    found, begin = [], 0
    for n, seconds in enumerate(lengths):
        among = walks if n % 2 else others
        length, event = round(seconds * CAMERA_RATE), round(EVENT * CAMERA_RATE)
        first = begin + round((length - event) * rng.uniform(0.3, 0.7))
        found.append(Planned(among[n // 2 % len(among)], begin + length, first, first + event))
        begin += length
    return found


class Camera:
    """The day's frames, and the processor's time that passed with them, apart for still and moving ones.

    The frames lie ready, so a camera costs nothing here. The clock is read where one kind follows the other: it takes
    longer than a still frame does.
    """

    def __init__(self, day: list[Planned], seed: int) -> None:
        self._day, self._seed = day, seed
        self.used, self.frames = {"still": 0.0, "moving": 0.0}, {"still": 0, "moving": 0}

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        variants = np.random.default_rng(self._seed).integers(0, VARIANTS, 4096)
        n, last, began = 0, "still", time.process_time()
        for planned in self._day:
            forth = planned.scene.moving
            # Walks begin anew, for nobody walks backwards; the rest goes forth and back.
            clip = forth if planned.scene.label == WALK else forth + forth[-2:0:-1]
            for n in range(n, planned.end):  # noqa: B020  goes on counting
                happens = planned.begin_event <= n < planned.end_event
                frame = (
                    clip[(n - planned.begin_event) % len(clip)] if happens else planned.scene.still[variants[n % 4096]]
                )
                kind = "moving" if happens else "still"
                if kind != last:
                    now = time.process_time()
                    self.used[last] += now - began
                    last, began = kind, now
                self.frames[kind] += 1
                yield n / CAMERA_RATE, frame
            n += 1
        self.used[last] += time.process_time() - began


def watched(day: list[Planned], model: str | None, stillness: bool) -> tuple[Camera, list[edgevtn.Event], float]:
    """The camera, the events, and the share of predictions for which nothing was encoded."""
    counts = [0, 0]

    class Counting:
        def prediction(self, prediction: edgevtn.Prediction) -> None:
            counts[prediction.reused] += 1

    recognizer = edgevtn.Recognizer(model, threads=1, smoothing=SMOOTHING, stillness=stillness)
    camera = Camera(day, seed=1)
    events = [e for e in edgevtn.watch(iter(camera), sinks=[Counting()], recognizer=recognizer) if e.end is not None]
    return camera, events, counts[True] / sum(counts)


def found(day: list[Planned], events: list[edgevtn.Event]) -> np.ndarray:
    """Which labelled events were recognised as what they are: bool (n,)."""
    spans = [(p.scene.label, p.begin_event / CAMERA_RATE, p.end_event / CAMERA_RATE) for p in day]
    return np.array(
        [
            any(e.label == label and e.start <= end + LATE and e.end >= begin for e in events)
            for label, begin, end in spans
        ]
    )


def tell(name: str, day: list[Planned], camera: Camera, events: list[edgevtn.Event], reused: float) -> None:
    seconds = {kind: count / CAMERA_RATE for kind, count in camera.frames.items()}
    cost = {kind: camera.used[kind] / seconds[kind] for kind in seconds}
    total, hours = sum(camera.used.values()), sum(seconds.values()) / 3600
    recognised = found(day, events)
    print(
        f"{name}: {hours:.1f} h, {total:.1f} CPU s ({total / hours / 3600:.5f} a second); still "
        f"{1e3 * cost['still']:.3f} ms a second, moving {1e3 * cost['moving']:.2f} ms a second, ratio "
        f"{cost['still'] / cost['moving']:.3f}; {reused:.1%} of predictions without encoding; "
        f"{recognised.sum()} of {len(day)} labelled events found, {len(events)} events in all",
        flush=True,
    )


def tell_peers(folder: Path, day: list[Planned]) -> None:
    """What others' ways use for the same frames; they do the same for each, whether something moves or not."""
    sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / place) for place in ("benchmarks", "support")]
    from peers import MOVINET_RATE, MoViNet, zoo_way

    ways: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
        f"MoViNet-A0-stream, {name}": (CAMERA_RATE // MOVINET_RATE, MoViNet(folder / f"a0_{name}.tflite"))
        for name in ("dynamic", "int8")
    }
    ways["Open Model Zoo, MobileNetV2-VTN, every frame"] = 1, zoo_way("mobilenetv2")
    used = dict.fromkeys(ways, 0.0)
    camera = Camera(day, seed=1)
    for n, (_, frame) in enumerate(camera):
        for name, (each, step) in ways.items():
            if n % each == 0:
                began = time.process_time()
                step(frame)
                used[name] += time.process_time() - began
    seconds = sum(camera.frames.values()) / CAMERA_RATE
    for name, total in used.items():
        print(f"{name}: {seconds / 3600:.2f} h, {total:.1f} CPU s ({total / seconds:.4f} a second)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with weizmann64")
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--compared", type=float, default=0.5, help="hours that are run with everything encoded, too")
    parser.add_argument("--peers", type=Path, help="folder of MoViNet's files, a0_dynamic.tflite and a0_int8.tflite")
    parser.add_argument("--model", help="bundle (default: the bundled model)")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    with (arguments.data / "weizmann64" / "manifest.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    chosen = [row for label in ACTIONS for row in [r for r in rows if r["label"] == label][:1]]
    chosen += [row for row in rows if row["label"] == WALK][:2]
    scenes = [scene(arguments.data / "weizmann64" / row["clip"], row["label"], rng) for row in chosen]
    print(f"{cpu_name()}, one thread", flush=True)
    short, long = (plan(scenes, hours, np.random.default_rng(2)) for hours in (arguments.compared, arguments.hours))
    every = {}
    for stillness in (False, True):
        camera, events, reused = watched(short, arguments.model, stillness)
        every[stillness] = [(e.label, e.start, e.end) for e in events]
        tell("with stillness" if stillness else "everything encoded", short, camera, events, reused)
    same = sum(
        any(label == other and abs(start - o_start) < 0.5 for other, o_start, _ in every[False])
        for label, start, _ in every[True]
    )
    print(f"{same} of {len(every[True])} events begin where they begin without stillness ({len(every[False])})")
    if arguments.peers is not None:
        tell_peers(arguments.peers, short)
    tell("the day", long, *watched(long, arguments.model, stillness=True))


if __name__ == "__main__":
    main()
