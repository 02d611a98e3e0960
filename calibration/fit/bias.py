"""Bias correction: what quantisation shifts in a channel's mean, the bias gives back.

After Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", arXiv 1906.04721,
section 4.2, with the means measured on frames. One layer at a time, in order, because each correction changes
what the next layer sees. What the layers before gave is kept as long as a later one needs it, so that every layer runs
twice: before its correction and after.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnx_ir as ir

from edgevtn.arrays import Array, Float
from edgevtn.errors import require
from edgevtn.graph.edit import constant, convolutions, editable, finished, set_constant, stored
from edgevtn.graph.run import intermediate_values, session

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
    layers = convolutions(model)
    stops = {*model.graph.inputs, *(layer.outputs[0] for layer in layers)}
    sources = [_sources(layer, stops) for layer in layers]
    last_use = {value: n for n, needed in enumerate(sources) for value in needed}
    known: dict[ir.Value, Sequence[Array]] = {model.graph.inputs[0]: inputs}
    bar = require("tqdm", "calibration").tqdm(layers, "correcting biases", disable=not progress)
    for n, layer in enumerate(bar):
        output = layer.outputs[0]
        needed = {value: known[value] for value in sources[n]}
        given = _run(model, needed, output)
        if len(layer.inputs) > 2:
            _add(layer.inputs[2], wanted[outputs[layer.name]] - _mean(given))
            given = _run(model, needed, output)
        known[output] = given
        for value in [value for value in known if last_use.get(value, -1) <= n]:
            del known[value]
    return finished(model)


def _sources(layer: ir.Node, stops: set[ir.Value]) -> list[ir.Value]:
    """Those of `stops` from which a layer's output can be computed: the nearest ones, in the order found."""
    found: dict[ir.Value, None] = {}
    ahead, seen = list(layer.inputs), set()
    while ahead:
        value = ahead.pop()
        if value is None or value in seen:
            continue
        seen.add(value)
        if value in stops:
            found[value] = None
        elif (node := value.producer()) is not None:
            ahead += node.inputs
    return list(found)


def _run(model: ir.Model, known: dict[ir.Value, Sequence[Array]], output: ir.Value) -> list[Float]:
    """What a tensor is for every frame, from the tensors that are known."""
    part = ir.convenience.extract(model.graph, list(known), [output])
    for value, arrays in zip(part.inputs, known.values(), strict=True):
        value.type, value.shape = ir.TensorType(ir.DataType.FLOAT), ir.Shape(arrays[0].shape)
    running = session(ir.to_proto(ir.Model(part, ir_version=model.ir_version)), optimise=False)
    names = [value.name for value in part.inputs]
    return [running.run(None, dict(zip(names, arrays, strict=True)))[0] for arrays in zip(*known.values(), strict=True)]


def _add(bias: ir.Value | None, shift: Float) -> None:
    """Add to a stored bias, in place; to integers in their own steps."""
    assert bias is not None
    if constant(bias) is None:  # integers
        dequantise = bias.producer()
        assert dequantise is not None
        bias, shift = dequantise.inputs[0], np.rint(shift / stored(dequantise.inputs[1]))
    before = stored(bias)
    set_constant(bias, before + shift.astype(before.dtype))


def _mean(arrays: Sequence[Float]) -> Float:
    """Mean over frames and places of each channel of a tensor, (1, C, H, W) for each frame."""
    mean: Float = np.sum([array.mean(axis=(0, 2, 3)) / len(arrays) for array in arrays], axis=0)
    return mean


def _means(model: onnx.ModelProto, names: Sequence[str], inputs: Sequence[Array]) -> dict[str, Float]:
    """`_mean` of the named tensors, without keeping them."""
    means: dict[str, Float] = {}
    for values in intermediate_values(model, names, inputs):
        for name, value in values.items():
            mean = value.mean(axis=(0, 2, 3)) / len(inputs)
            means[name] = means[name] + mean if name in means else mean
    return means
