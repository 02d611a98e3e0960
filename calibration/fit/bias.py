"""Bias correction: what quantisation shifts in a channel's mean, the bias gives back.

After Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", arXiv 1906.04721,
section 4.2, with the means measured on frames. One layer at a time, in order, because each correction changes
what the next layer sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import onnx
from onnx import numpy_helper

from edgevtn.graph.edit import (
    Array,
    Float,
    constants,
    convolutions,
    intermediate_values,
    set_constant,
)


def correct_biases(
    quantised: onnx.ModelProto, original: onnx.ModelProto, inputs: Sequence[Array], progress: Iterable[int]
) -> None:
    """Correct every convolution's bias in `quantised`, in place.

    Parameters
    ----------
    quantised : onnx.ModelProto
        QDQ, int32 biases; its convolutions have the names of the original's.
    original : onnx.ModelProto
        fp32, the same float input.
    inputs : sequence of float32 (1, 3, S, S)
    progress : iterable of int
        Counts the convolutions; a progress bar's range.
    """
    layers = convolutions(original)
    outputs = [node.output[0] for node in layers]
    wanted: dict[str, Float] = dict.fromkeys(outputs, np.float32(0))  # type: ignore[arg-type]
    for values in intermediate_values(original, outputs, inputs):
        for name, value in values.items():
            wanted[name] = wanted[name] + value.mean(axis=(0, 2, 3)) / len(inputs)
    by_name = {node.name: node for node in convolutions(quantised)}
    producer = {name: node for node in quantised.graph.node for name in node.output}
    stored = constants(quantised)
    for index in progress:
        layer = by_name[layers[index].name]
        output = layer.output[0]
        got = sum(
            values[output].mean(axis=(0, 2, 3)) for values in intermediate_values(quantised, [output], inputs)
        ) / len(inputs)
        if layer.input[2] in stored:  # a layer that stays in float
            bias = stored[layer.input[2]]
            set_constant(bias, numpy_helper.to_array(bias) + (wanted[outputs[index]] - got).astype(np.float32))
            continue
        dequantise = producer[layer.input[2]]
        bias, scale = stored[dequantise.input[0]], numpy_helper.to_array(stored[dequantise.input[1]])
        steps = np.rint((wanted[outputs[index]] - got) / scale).astype(np.int32)
        set_constant(bias, numpy_helper.to_array(bias) + steps)
