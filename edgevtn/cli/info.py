"""What runs here: the model's facts, and what was chosen on this machine."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numba
import numpy as np
import onnxruntime

import edgevtn
from edgevtn.bundle.load import Bundle
from edgevtn.cpu import HOST_FEATURES, INT8_FEATURES, cpu_name, default_threads
from edgevtn.heads.vtn import resolve_precision
from edgevtn.kernels import jit as _jit
from edgevtn.kernels.machine import FP32, INT8, MACHINE


def _facts(bundle: Bundle) -> dict[str, str]:
    model = bundle.model
    clip = model.clip_len / model.frame_rate
    shape = f"{model.layers} blocks, {model.heads} heads, D {model.embed_dim}, F {model.ffn_dim}"
    native = f"{shape}, layer norm {model.layer_norm}{', motion input' if model.motion else ''}"
    compared = f", {1000 * model.difference_interval:g} ms apart" if model.modality == "rgbdiff" else ""
    return {
        "name": model.name,
        "bundle": str(bundle.path),
        "source": model.source,
        "licence": model.license,
        "input": f"{model.input_size}x{model.input_size} {model.color_order}, {model.modality}{compared}",
        "clip": f"{model.clip_len} frames at {model.frame_rate:g} Hz, {clip:.2f} s",
        "decoder": f"ONNX graph, D {model.embed_dim}" if bundle.onnx_decoder else native,
        "encoder": f"{len(bundle.encoder) / 1e6:.1f} MB",
        "quantization": _flat(model.quantization),
        "accuracy": _flat(model.accuracy),
        "labels": f"{len(model.labels)}: {', '.join(model.labels)}",
    }


def _decoder_choice(streams: Sequence[Bundle]) -> str:
    if all(part.onnx_decoder for part in streams):
        return "onnxruntime, float32, 1 thread"
    if resolve_precision("auto", streams[0].model.embed_dim) == "int8":
        return f"numba {MACHINE.name}, {INT8.rows}x{INT8.panel} register tile, int8 products, 1 thread"
    return f"numba {MACHINE.name}, {FP32.rows}x{FP32.panel} register tile, float32, 1 thread"


def describe(streams: Sequence[Bundle]) -> dict[str, dict[str, str]]:
    """Sections of facts, each a name and a text: of every stream's model, and of the machine."""
    features = [name for key, name in INT8_FEATURES.items() if key in HOST_FEATURES]
    models = {"model" if len(streams) == 1 else f"model, {part.model.modality}": _facts(part) for part in streams}
    return models | {
        "machine": {
            "processor": cpu_name(),
            "architecture": platform.machine(),
            "cores": f"{os.cpu_count()}",
            "int8 instructions": ", ".join(features) or "none that we know",
        },
        "chosen": {
            "encoder": f"onnxruntime CPUExecutionProvider, {default_threads()} threads, not spinning",
            "decoder": _decoder_choice(streams),
            "kernel cache": "on disk" if _jit.cache_enabled else "off: no writable folder",
            "prepare": "cython, 1 thread",
        },
        "versions": {
            "edgevtn": edgevtn.__version__,
            "python": sys.version.split()[0],
            "numpy": np.__version__,
            "numba": numba.__version__,
            "onnxruntime": onnxruntime.__version__,
            "opencv": f"{cv2.__version__} ({Path(cv2.__file__).parent})",
        },
    }


def _flat(facts: dict[str, object]) -> str:
    return "; ".join(f"{name} {value}" for name, value in facts.items()) or "not stated"
