"""What quantisation cost: measured on frames that it has not seen."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from edgevtn.calibration.files import input_size
from edgevtn.calibration.measure.report import Report
from edgevtn.cpu import cpu_name
from edgevtn.graph.edit import Float, as_input, convolutions, intermediate_values, session

Pixels = npt.NDArray[np.uint8]

#: Inferences behind a median; the two models take turns, so that both see the machine's moods.
TIMED = 50
#: Frames for the signal-to-noise ratios, which run every node on its own, in float.
LAYER_FRAMES = 8
#: Frames on which the embeddings agree least that a report shows.
WORST = 4


def cosines(a: Float, b: Float) -> Float:
    """Cosine of the angle between each row of a (N, D) and of b (N, D): float32 (N,)."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    result: Float = (a * b).sum(axis=1) / np.maximum(lengths, 1e-30)
    return result


def compare(fp32: onnx.ModelProto, int8: onnx.ModelProto, pixels: Sequence[Pixels]) -> Report:
    """Measure an INT8 encoder against the fp32 one it was made from.

    Parameters
    ----------
    fp32, int8 : onnx.ModelProto
        Encoders of pictures of the same size, uint8 (1, 3, S, S) or by 2x2 blocks, with embeddings float32 (1, W) of
        the same width.
    pixels : sequence of uint8 (1, 3, S, S)
        Frames that were not used for calibration.

    Raises
    ------
    ValueError
        There are no frames, or the two encoders do not fit each other.
    """
    if not pixels:
        raise ValueError("expected frames to compare on, got none")
    sessions = [session(model, threads=1) for model in (fp32, int8)]
    sizes = [(input_size(model), s.get_outputs()[0].shape) for model, s in zip((fp32, int8), sessions, strict=True)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"the two encoders do not fit each other: pictures of {sizes[0][0]} and {sizes[1][0]} pixels, embeddings "
            f"{sizes[0][1]} and {sizes[1][1]}"
        )
    entry = sessions[0].get_inputs()[0].name, sessions[1].get_inputs()[0].name
    inputs = [[as_input(model, value) for value in pixels] for model in (fp32, int8)]
    embeddings = [
        np.vstack([running.run(None, {name: value})[0] for value in values])
        for running, name, values in zip(sessions, entry, inputs, strict=True)
    ]
    agreement = cosines(*embeddings)
    times: tuple[list[float], list[float]] = [], []
    for n in range(TIMED):
        for running, name, values, taken in zip(sessions, entry, inputs, times, strict=True):
            begin = time.perf_counter()
            running.run(None, {name: values[n % len(values)]})
            taken.append(1e3 * (time.perf_counter() - begin))
    worst = np.argsort(agreement)[:WORST]
    return Report(
        machine=cpu_name(),
        fp32_bytes=fp32.ByteSize(),
        int8_bytes=int8.ByteSize(),
        fp32_ms=statistics.median(times[0]),
        int8_ms=statistics.median(times[1]),
        cosine_mean=float(agreement.mean()),
        cosine_min=float(agreement.min()),
        cosines=tuple(float(cosine) for cosine in agreement),
        layers=_signal_to_noise(fp32, int8, [values[:LAYER_FRAMES] for values in inputs]),
        worst=tuple((int(n), pixels[n][0]) for n in worst),
    )


def _signal_to_noise(fp32: onnx.ModelProto, int8: onnx.ModelProto, inputs: Sequence[Any]) -> dict[str, float]:
    outputs = [{node.name: node.output[0] for node in convolutions(model)} for model in (fp32, int8)]
    names = [name for name in outputs[0] if name and name in outputs[1]]
    if not names:
        return {}
    signal, noise = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    values = [
        intermediate_values(model, [mapping[name] for name in names], values)
        for model, mapping, values in zip((fp32, int8), outputs, inputs, strict=True)
    ]
    for right, got in zip(*values, strict=True):
        for name in names:
            # Channel by channel: equalisation gives them other sizes, which is no noise.
            wanted, found = right[outputs[0][name]], got[outputs[1][name]]
            sizes = [np.sqrt(np.square(value).sum(axis=(2, 3), keepdims=True)) + 1e-12 for value in (wanted, found)]
            factor = np.where(np.abs(np.log2(sizes[0] / sizes[1])) > 1, sizes[0] / sizes[1], 1)
            signal[name] += float(np.square(wanted).sum())
            noise[name] += float(np.square(found * factor - wanted).sum())
    return {name: 10 * float(np.log10((signal[name] + 1e-12) / (noise[name] + 1e-12))) for name in names}
