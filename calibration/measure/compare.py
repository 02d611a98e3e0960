"""What quantisation cost: measured on frames that it has not seen."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import numpy as np
import onnx

from edgevtn.arrays import Array
from edgevtn.calibration.agreement import cosines
from edgevtn.calibration.frames import Sample
from edgevtn.calibration.measure.report import Report
from edgevtn.cpu import cpu_name
from edgevtn.graph.facts import as_input, input_size
from edgevtn.graph.run import intermediate_values, outputs, session

#: Inferences behind a median; the two models take turns, so that both see the machine's moods.
TIMED = 50
#: Frames for the signal-to-noise ratios, which run every node on its own, in float.
LAYER_FRAMES = 8
#: Frames on which the features agree least that a report shows.
WORST = 4


def compare(fp32: onnx.ModelProto, int8: onnx.ModelProto, samples: Sequence[Sample]) -> Report:
    """Measure an INT8 encoder against the fp32 one it was made from.

    Parameters
    ----------
    fp32, int8 : onnx.ModelProto
        Encoders of pictures of the same size, uint8 (1, 3, S, S) or by 2x2 blocks, with features float32 (1, W) of
        the same width.
    samples : sequence of Sample
        Frames that were not used for calibration.

    Returns
    -------
    Report
        With the INT8 encoder.

    Raises
    ------
    ValueError
        There are no frames, or the two encoders do not fit each other.
    """
    if not samples:
        raise ValueError("expected frames to compare on, got none")
    models = (fp32, int8)
    sessions = [session(model, threads=1) for model in models]
    sizes = [(input_size(model), s.get_outputs()[0].shape) for model, s in zip(models, sessions, strict=True)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"the two encoders do not fit each other: pictures of {sizes[0][0]} and {sizes[1][0]} pixels, features "
            f"{sizes[0][1]} and {sizes[1][1]}"
        )
    inputs = [[as_input(model, sample.pixels) for sample in samples] for model in models]
    agreement = cosines(*(outputs(running, values) for running, values in zip(sessions, inputs, strict=True)))
    times: tuple[list[float], list[float]] = [], []
    for n in range(TIMED):
        for running, values, measured in zip(sessions, inputs, times, strict=True):
            begin = time.perf_counter()
            outputs(running, [values[n % len(values)]])
            measured.append(1e3 * (time.perf_counter() - begin))
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
        worst=tuple((int(n), samples[n]) for n in worst),
        encoder=int8,
    )


def _signal_to_noise(
    fp32: onnx.ModelProto, int8: onnx.ModelProto, inputs: Sequence[Sequence[Array]]
) -> dict[str, float]:
    """Ratio at the output of each convolution that both graphs have by the same name, dB."""
    tensors = [_convolution_outputs(model) for model in (fp32, int8)]
    names = [name for name in tensors[0] if name in tensors[1]]
    if not names:
        return {}
    signal, noise = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    values = [
        intermediate_values(model, [mapping[name] for name in names], values)
        for model, mapping, values in zip((fp32, int8), tensors, inputs, strict=True)
    ]
    for right, got in zip(*values, strict=True):
        for name in names:
            # Channel by channel: equalisation gives them other sizes, which is no noise.
            wanted, found = right[tensors[0][name]], got[tensors[1][name]]
            sizes = [np.sqrt(np.square(value).sum(axis=(2, 3), keepdims=True)) + 1e-12 for value in (wanted, found)]
            factor = np.where(np.abs(np.log2(sizes[0] / sizes[1])) > 1, sizes[0] / sizes[1], 1)
            signal[name] += float(np.square(wanted).sum())
            noise[name] += float(np.square(found * factor - wanted).sum())
    return {name: 10 * float(np.log10((signal[name] + 1e-12) / (noise[name] + 1e-12))) for name in names}


def _convolution_outputs(model: onnx.ModelProto) -> dict[str, str]:
    """The output of each convolution that has a name; one that is given on the way to editing says nothing."""
    return {node.name: node.output[0] for node in model.graph.node if node.op_type == "Conv" and node.name}
