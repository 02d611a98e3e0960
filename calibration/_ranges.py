"""Activation ranges: where to cut each tensor so that 8 bits lose least."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from edgevtn.calibration._graph import Array, Float, intermediate_values

Range = tuple[float, float]

#: Values kept of each tensor and frame: enough for a mean square error, few enough for memory.
SAMPLES = 1024
#: Shares of the observed range that are tried as cuts.
LOWER_CUTS = np.linspace(0.3, 1, 15)
UPPER_CUTS = np.linspace(0.3, 1, 29)


def activation_ranges(model: onnx.ModelProto, inputs: Sequence[Array], seed: int = 0) -> dict[str, Range]:
    """For every node's output the range that quantises it with the least mean square error.

    Parameters
    ----------
    model : onnx.ModelProto
        fp32, with a float input.
    inputs : sequence of float32 (1, 3, S, S)

    Returns
    -------
    dict of (low, high), low <= 0 <= high
    """
    rng = np.random.default_rng(seed)
    names = [name for node in model.graph.node for name in node.output]
    lows, highs = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    samples: dict[str, list[Float]] = {name: [] for name in names}
    for values in intermediate_values(model, names, inputs):
        for name, value in values.items():
            lows[name] = min(lows[name], float(value.min()))
            highs[name] = max(highs[name], float(value.max()))
            flat = value.ravel()
            samples[name].append(flat[rng.integers(0, len(flat), min(SAMPLES, len(flat)))])
    return {name: _best_range(np.concatenate(samples[name]), lows[name], highs[name]) for name in names}


def _best_range(values: Float, low: float, high: float) -> Range:
    best, least = (low, high), np.inf
    # What a ReLU left at zero stays exact under any cut: searching it again for each lower cut is wasted.
    for lower in low * LOWER_CUTS if low < 0 else [0.0]:
        for upper in high * UPPER_CUTS if high > 0 else [0.0]:
            if upper == lower:
                continue
            scale = (upper - lower) / 255
            zero_point = np.rint(-lower / scale)
            quantised = np.clip(np.rint(values / scale) + zero_point, 0, 255)
            error = float(np.square((quantised - zero_point) * scale - values).mean())
            if error < least:
                best, least = (float(lower), float(upper)), error
    return best
