"""Activation ranges: where to cut each tensor so that 8 bits lose least, by four measures of loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import onnx

from edgevtn.arrays import Array, Float
from edgevtn.graph.run import intermediate_values

Range = tuple[float, float]

#: Ways to choose a range; which one is best differs from model to model, so all are tried and measured.
METHODS = ("mse", "percentile", "entropy", "min-max")
#: Values kept of each tensor and frame: enough for a mean square error, few enough for memory.
SAMPLES = 1024
#: Shares of the observed range that are tried as cuts.
LOWER_CUTS = np.linspace(0.3, 1, 15)
UPPER_CUTS = np.linspace(0.3, 1, 29)
#: Per cent of the values that stay inside, half of the rest cut off at either end.
PERCENTILE = 99.99
#: Bins of the histogram whose entropy is compared, and the steps into which it is merged for that.
BINS, STEPS = 2048, 128


class Observed(NamedTuple):
    """What a tensor's values were."""

    low: float
    high: float
    values: Float  # (samples,)
    channels: Float  # (C,) largest magnitude of each channel; empty if the tensor is no picture


def observe(model: onnx.ModelProto, inputs: Sequence[Array], seed: int = 0) -> dict[str, Observed]:
    """Run a float model and keep extremes and samples of every node's output.

    Parameters
    ----------
    model : onnx.ModelProto
        fp32, with a float input.
    inputs : sequence of float32 (1, 3, S, S)
    seed : int
        Seed of the choice of samples.

    Returns
    -------
    dict of Observed
        By the tensor's name.
    """
    rng = np.random.default_rng(seed)
    names = [name for node in model.graph.node for name in node.output]
    lows, highs = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    samples: dict[str, list[Float]] = {name: [] for name in names}
    channels: dict[str, Float] = {}
    for values in intermediate_values(model, names, inputs):
        for name, value in values.items():
            lows[name] = min(lows[name], float(value.min()))
            highs[name] = max(highs[name], float(value.max()))
            flat = value.ravel()
            samples[name].append(flat[rng.integers(0, len(flat), min(SAMPLES, len(flat)))])
            if value.ndim == 4:
                largest = np.abs(value).max(axis=(0, 2, 3))
                channels[name] = np.maximum(channels.get(name, largest), largest)
    none = np.empty(0, np.float32)
    return {
        name: Observed(lows[name], highs[name], np.concatenate(samples[name]), channels.get(name, none))
        for name in names
    }


def choose_range(seen: Observed, method: str) -> Range:
    """The range for a tensor.

    Parameters
    ----------
    seen : Observed
    method : str
        One of `METHODS`.

    Returns
    -------
    (low, high) : float
        ``low <= 0 <= high``.
    """
    low, high = seen.low, seen.high
    if method == "mse":
        return _least_error(seen.values, low, high)
    if method == "percentile":
        tail = (100 - PERCENTILE) / (2 if low < 0 else 1)
        upper = float(np.percentile(seen.values, 100 - tail))
        lower = float(np.percentile(seen.values, tail)) if low < 0 else 0.0
        # Samples may have missed all of a rare tensor's values.
        return (min(lower, 0.0), max(upper, 0.0)) if upper > lower else (low, high)
    if method == "entropy":
        return _least_divergence(seen.values, low, high)
    return low, high


def _least_error(values: Float, low: float, high: float) -> Range:
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


def _least_divergence(values: Float, low: float, high: float) -> Range:
    """The cut of the magnitudes at which the quantised distribution diverges least from the whole one.

    After Migacz, "8-bit Inference with TensorRT", 2017, on magnitudes: a signed tensor is cut at both ends alike.
    """
    largest = max(-low, high)
    magnitudes = np.abs(values[values != 0])  # zeros are exact at any scale
    if largest == 0 or len(magnitudes) < 2:
        return low, high
    counts = np.histogram(magnitudes, BINS, (0, largest))[0].astype(np.float64)
    best, least = BINS, np.inf
    for end in range(STEPS, BINS + 1, STEPS // 8):
        whole = counts[:end].copy()
        whole[-1] += counts[end:].sum()
        group = np.arange(end) * STEPS // end
        filled = counts[:end] > 0
        total = np.bincount(group, counts[:end], STEPS)
        shared = np.bincount(group, filled, STEPS)
        merged = np.where(filled, (total / np.maximum(shared, 1))[group], 0)
        if merged.sum() == 0:
            continue
        # Smoothed: otherwise the divergence has no value where something was cut into an empty bin.
        p, q = (whole + 1e-4) / (whole + 1e-4).sum(), (merged + 1e-4) / (merged + 1e-4).sum()
        divergence = float((p * np.log(p / q)).sum())
        if divergence < least:
            best, least = end, divergence
    cut = largest * best / BINS
    return max(low, -cut), min(high, cut)
