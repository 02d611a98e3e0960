"""Bias correction: what quantisation shifts in a channel's mean, the bias gives back.

After Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", arXiv 1906.04721,
section 4.2, with the means measured on frames. One layer at a time, in order, because each correction changes
what the next layer sees.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnx_ir as ir

from edgevtn.arrays import Array, Float
from edgevtn.errors import require
from edgevtn.graph.edit import constant, convolutions, editable, finished, set_constant, stored
from edgevtn.graph.run import intermediate_values

#: Frames for the bias correction, which runs every layer on all of them: more change the result no further.
BIAS_FRAMES = 24


def correct_biases(
    quantised: onnx.ModelProto, original: onnx.ModelProto, inputs: Sequence[Array], progress: bool
) -> onnx.ModelProto:
    """The quantised graph with the biases of its convolutions corrected.

    Parameters
    ----------
    quantised : onnx.ModelProto
        QDQ, int32 biases; its convolutions have the names of the original's.
    original : onnx.ModelProto
        fp32, the same float input.
    inputs : sequence of float32 (1, 3, S, S)
        The first `BIAS_FRAMES` are used.
    progress : bool
        Show a progress bar.

    Returns
    -------
    onnx.ModelProto
    """
    inputs = inputs[:BIAS_FRAMES]
    outputs = {node.name: str(node.outputs[0].name) for node in convolutions(editable(original))}
    wanted = _means(original, list(outputs.values()), inputs)
    model = editable(quantised)
    bar = require("tqdm", "calibration").tqdm(convolutions(model), "correcting biases", disable=not progress)
    for layer in bar:
        if len(layer.inputs) < 3:
            continue
        output = str(layer.outputs[0].name)
        shift = wanted[outputs[layer.name]] - _means(ir.to_proto(model), [output], inputs)[output]
        bias = layer.inputs[2]
        if constant(bias) is None:  # integers
            dequantise = bias.producer()
            bias, shift = dequantise.inputs[0], np.rint(shift / stored(dequantise.inputs[1]))
        before = stored(bias)
        set_constant(bias, before + shift.astype(before.dtype))
    return finished(model)


def _means(model: onnx.ModelProto, names: Sequence[str], inputs: Sequence[Array]) -> dict[str, Float]:
    """Means over frames and places of each channel, of the named tensors (1, C, H, W)."""
    means: dict[str, Float] = {}
    for values in intermediate_values(model, names, inputs):
        for name, value in values.items():
            mean = value.mean(axis=(0, 2, 3)) / len(inputs)
            means[name] = means[name] + mean if name in means else mean
    return means
