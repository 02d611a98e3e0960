"""`edgevtn bench`: what each stage costs on this machine."""

from __future__ import annotations

import itertools
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from edgevtn.arrays import Frame
from edgevtn.cpu import cpu_name, temperature
from edgevtn.recognizer import Recognizer
from edgevtn.sources import frames

CLIP = Path(__file__).parent / "data" / "demo.mp4"
#: Frames of the clip that are used again and again; enough that no picture is always the same.
FRAMES = 64
#: Hz: the camera for which CPU seconds are stated.
CAMERA_RATE = 30.0


@dataclass(frozen=True)
class Profile:
    """What was measured.

    Attributes
    ----------
    machine : str
    threads : int
    engine : str
        What ran the encoder.
    precision : str
        Precision of the head's matrix products.
    frame : tuple of int
        Height and width of the frames.
    milliseconds : dict of str to (float, float, float)
        Median, 95th and 99th percentile of each stage and of everything, for one sampled frame.
    frames_per_second : float
        Sampled frames that could be recognised in a second.
    cpu_seconds : float
        Processor time for one second of 30 Hz video, sampling included.
    reused : float
        Share of that video's sampled frames, 0 to 1, in which nothing had moved, so that they were not encoded.
    peak_megabytes : float
        Most memory that the process had.
    temperature : tuple of float, optional
        Degrees Celsius before and after, where the board tells.
    throttled : str, optional
        What the board says of throttling: "no", or the flags of `vcgencmd get_throttled`.
    """

    machine: str
    threads: int
    engine: str
    precision: str
    frame: tuple[int, int]
    milliseconds: dict[str, tuple[float, float, float]]
    frames_per_second: float
    cpu_seconds: float
    reused: float
    peak_megabytes: float
    temperature: tuple[float, float] | None
    throttled: str | None

    def to_json(self) -> str:
        """All of it, as JSON."""
        return json.dumps(asdict(self), indent=1)

    def __str__(self) -> str:
        """A table, as text."""
        lines = [
            f"{self.machine}, {self.threads} encoder threads, {self.engine}, {self.precision} head, "
            f"frames of {self.frame[1]}x{self.frame[0]}",
            "",
            f"{'a sampled frame':16}  median      95 %      99 %",
        ]
        for stage, values in self.milliseconds.items():
            lines.append(f"{stage:16}" + "".join(f"{value:7.2f} ms" for value in values))
        degrees = "not told" if self.temperature is None else "{:.0f} to {:.0f} C".format(*self.temperature)
        lines += [
            "",
            f"{self.frames_per_second:.0f} frames a second at most",
            f"{self.cpu_seconds:.3f} CPU seconds for a second of {CAMERA_RATE:g} Hz video, "
            f"{self.reused:.0%} of whose sampled frames were still and not encoded",
            f"{self.peak_megabytes:.0f} MB of memory at most",
            f"temperature: {degrees}",
            "throttled: " + (self.throttled or "not told"),
        ]
        return "\n".join(lines)


def bench(recognizer: Recognizer, seconds: float, source: str | Path | None = None) -> Profile:
    """Measure a recogniser.

    Parameters
    ----------
    recognizer : Recognizer
        Is reset.
    seconds : float
        How long to measure, above 0.
    source : path, optional
        A clip to take frames from; the bundled one if None.

    Raises
    ------
    SourceError
        The clip cannot be read.
    """
    with frames(CLIP if source is None else source) as opened:
        pictures: list[Frame] = [frame for _, frame in itertools.islice(opened, FRAMES)]
    recognizer.reset()
    before = temperature()
    interval = 1 / recognizer.model.frame_rate
    encoding = recognizer.another(stillness=False)
    parts = encoding.stages()
    encoding.reset()
    durations: dict[str, list[float]] = {stage: [] for stage in (*parts, "everything")}
    clock = itertools.count()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not durations["everything"]:
        # In turns: each stage alone, and all of it as a stream has it.
        picture = pictures[next(clock) % len(pictures)]
        for stage, function in parts.items():
            durations[stage].append(_timed(lambda function=function, picture=picture: function(picture)))  # type: ignore[misc]
        at = len(durations["everything"]) * interval
        durations["everything"].append(_timed(lambda picture=picture, at=at: encoding(picture, at)))  # type: ignore[misc]
    milliseconds = {}
    for stage, values in durations.items():
        median, high, highest = (float(1e3 * value) for value in np.percentile(values, (50, 95, 99)))
        milliseconds[stage] = (median, high, highest)
    after = temperature()
    used, reused = _cpu_seconds(recognizer, pictures, min(seconds, 4.0))
    return Profile(
        machine=cpu_name(),
        threads=recognizer.threads,
        engine=recognizer.engine,
        precision=recognizer.precision,
        frame=(pictures[0].shape[0], pictures[0].shape[1]),
        milliseconds=milliseconds,
        frames_per_second=1e3 / milliseconds["everything"][0],
        cpu_seconds=used,
        reused=reused,
        # Kilobytes on Linux.
        peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e3 if sys.platform != "darwin" else 1e6),
        temperature=None if before is None or after is None else (before, after),
        throttled=throttled(),
    )


def _timed(function: Callable[[], object]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def _cpu_seconds(recognizer: Recognizer, pictures: list[Frame], seconds: float) -> tuple[float, float]:
    """Processor time for a second of video, frames that are not sampled included, and the share that was still."""
    recognizer.reset()
    count = max(int(CAMERA_RATE), int(seconds * CAMERA_RATE))
    begin = time.process_time()
    found = [recognizer.predictions(pictures[n % len(pictures)], n / CAMERA_RATE) for n in range(count)]
    used = time.process_time() - begin
    recognizer.reset()
    still = [prediction.reused for each in found for prediction in each]
    return used * CAMERA_RATE / count, float(np.mean(still)) if still else 0.0


def throttled() -> str | None:
    """What a Raspberry Pi says of throttling; None elsewhere."""
    try:
        done = subprocess.run(["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    flags = done.stdout.strip().partition("=")[2]
    return "no" if flags == "0x0" else flags or None
