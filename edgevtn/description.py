"""What runs here: the model's facts, and what was chosen on this machine."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from edgevtn.bundle import Bundle
from edgevtn.cores import big_cores
from edgevtn.cpu import HOST_FEATURES, INT8_FEATURES, cpu_name, default_threads
from edgevtn.encoder import Encoder
from edgevtn.engines import OnnxRuntime
from edgevtn.kernels.cache import cache_folder
from edgevtn.kernels.machine import FP32, INT8, MACHINE
from edgevtn.streams.stillness import LONGEST

#: Characters of a fact of the accuracy, and of all of them, that fit into a line.
LONGEST_FACT, LINE = 40, 60


def _facts(bundle: Bundle) -> dict[str, str]:
    model = bundle.model
    encoder, head = model.encoder, model.head
    compared = "" if encoder.difference_interval is None else f", {1000 * encoder.difference_interval:g} ms apart"
    return {
        "name": model.name,
        "bundle": str(bundle.path),
        "source": model.source,
        "licence": model.license,
        "input": f"{encoder.input_size}x{encoder.input_size} {encoder.color_order}, {encoder.modality}{compared}",
        "window": f"{head.window_len} frames at {model.frame_rate:g} Hz, {head.window_len / model.frame_rate:.2f} s",
        "encoder": f"{len(bundle.encoder) / 1e6:.1f} MB, {encoder.width} features",
        "head": head.describe(),
        "quantization": _flat(model.quantization),
        "accuracy": _short(model.accuracy),
        "labels": f"{len(model.labels)}: {', '.join(model.labels)}",
    }


def describe(streams: Sequence[Bundle], engine: str = OnnxRuntime.name) -> dict[str, dict[str, str]]:
    """Sections of facts, each a name and a text: of every stream's model, and of the machine.

    Parameters
    ----------
    streams : sequence of Bundle
    engine : str
        As `Recognizer` takes it. The encoders are given to it, so what is told is what runs.
    """
    threads, big = default_threads(), big_cores()
    chosen = dict.fromkeys(Encoder(bundle, threads, engine=engine).engine for bundle in streams)
    engines = " and ".join(f"{name} {version(name)}" for name in chosen)
    where = f" on the big cores {', '.join(map(str, big))}" if big else ""
    features = [name for key, name in INT8_FEATURES.items() if key in HOST_FEATURES]
    models = {
        "model" if len(streams) == 1 else f"model, {part.model.encoder.modality}": _facts(part) for part in streams
    }
    return models | {
        "machine": {
            "processor": cpu_name(),
            "architecture": platform.machine(),
            "cores": f"{os.cpu_count()}",
            "int8 instructions": ", ".join(features) or "none that we know",
        },
        "chosen": {
            "encoder": f"{engines}, on the CPU, {threads} threads{where}, not spinning",
            "kernels": f"numba, {MACHINE.name}, tiles {FP32.rows}x{FP32.panel} (fp32), {INT8.rows}x{INT8.panel} (int8)",
            "kernel cache": "on disk" if cache_folder() is not None else "off: no writable folder",
            "prepare": "cython, 1 thread",
            "stillness": f"nothing is encoded while nothing moves, for {LONGEST:g} s at most",
        },
        "versions": {
            "edgevtn": version("edgevtn"),
            "python": sys.version.split()[0],
            "numpy": np.__version__,
            "numba": version("numba"),
            "onnxruntime": onnxruntime.__version__,
            "opencv": f"{cv2.__version__} ({Path(cv2.__file__).parent})",
        },
    }


def _flat(facts: dict[str, object]) -> str:
    return "; ".join(f"{name} {value}" for name, value in facts.items()) or "not stated"


def _short(accuracy: dict[str, object]) -> str:
    """What was measured, in a line: numbers and words; how it was measured is in its model.json."""
    shown = {name: value for name, value in accuracy.items() if len(str(value)) <= LONGEST_FACT}
    line = _flat(shown)
    while len(line) > LINE and len(shown) > 1:
        shown.popitem()
        line = _flat(shown)
    return line if len(shown) == len(accuracy) else f"{line}; model.json has more"
