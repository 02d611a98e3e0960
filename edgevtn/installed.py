"""Whether the libraries that run here do: each is tried in a process of its own, which may crash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

#: Seconds for one import: reading a library from a slow card the first time takes tens of them.
PATIENCE = 180
#: Names of packages whose versions belong in a report.
PACKAGES = (
    "edgevtn", "numpy", "numba", "llvmlite", "onnxruntime", "opencv-python-headless", "opencv-python",
    "picamera2", "paho-mqtt", "starlette", "av",
)  # fmt: skip
#: What each trial runs; the last encodes a black picture by the bundled model, which uses what the processor has.
TRIALS = {
    "numpy": "import numpy; numpy.ones((8, 8)) @ numpy.ones((8, 8))",
    "numba": "import numba; numba.njit(lambda x: x + 1)(1)",
    "opencv": "import cv2",
    "onnxruntime": """
import numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.log_severity_level = 4
session = onnxruntime.InferenceSession({encoder!r}, options, providers=["CPUExecutionProvider"])
for value in session.get_inputs():
    shape = [size if isinstance(size, int) else 128 if n > 1 else 1 for n, size in enumerate(value.shape)]
pixels = numpy.zeros(shape, numpy.uint8 if "uint8" in value.type else numpy.float32)
assert numpy.isfinite(session.run(None, {{value.name: pixels}})[0]).all()
""",
}
CAMERA_TRIAL = """
import json, sys
found = {}
import libcamera
found["libcamera"] = str(getattr(getattr(libcamera, "CameraManager", None), "version", "") or "?")
import picamera2
from importlib.metadata import PackageNotFoundError, version
try:
    found["picamera2"] = version("picamera2")
except PackageNotFoundError:
    found["picamera2"] = "?"
print(json.dumps(found))
"""


class Trial(NamedTuple):
    """What a trial came to: "works", "absent", or "fails" and why."""

    outcome: str
    reason: str = ""

    @property
    def works(self) -> bool:
        """Whether it did."""
        return self.outcome == "works"


def versions() -> dict[str, str]:
    """Versions of what is installed, without importing it."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def try_code(code: str, environment: Mapping[str, str] | None = None) -> tuple[Trial, str]:
    """Run code in a new Python; also gives what it printed.

    A crash is told by its signal's name, an exception by its last line.
    """
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1", **(environment or {})}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PATIENCE, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return Trial("fails", f"not done after {PATIENCE} s"), ""
    if done.returncode < 0:
        return Trial("fails", signal.Signals(-done.returncode).name), ""
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason was given"]
        absent = lines[-1].startswith("ModuleNotFoundError")
        return Trial("absent" if absent else "fails", lines[-1]), ""
    return Trial("works"), done.stdout


def try_libraries(encoder: Path) -> dict[str, Trial]:
    """Each library of `TRIALS`; `encoder` is the graph that onnxruntime is tried with."""
    return {name: try_code(code.format(encoder=str(encoder)))[0] for name, code in TRIALS.items()}


def try_camera_stack() -> tuple[Trial, dict[str, str]]:
    """Whether picamera2 can be imported with the libcamera that is there, and their versions."""
    trial, text = try_code(CAMERA_TRIAL)
    return trial, json.loads(text.strip().splitlines()[-1]) if trial.works else {}
