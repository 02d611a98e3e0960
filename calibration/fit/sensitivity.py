"""Which layers to keep in float: those whose rounding costs the embedding most."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

import numpy as np
import onnx

from edgevtn.calibration.measure.compare import cosines
from edgevtn.graph.edit import Array, Float, constants, convolutions, session


def gains(
    quantised: onnx.ModelProto, original: onnx.ModelProto, inputs: Sequence[Array], wanted: Float, layers: Iterable[str]
) -> dict[str, float]:
    """Mean cosine of the embeddings with one layer at a time in float: its weights, and what it gives.

    Parameters
    ----------
    quantised, original : onnx.ModelProto
        QDQ and fp32, with convolutions of the same names and the same input.
    inputs : sequence of arrays
    wanted : float32 (N, D)
        The embeddings of `original`.
    layers : iterable of str
        Names of convolutions; a progress bar, perhaps.
    """
    result = {}
    for layer in layers:
        running = session(_in_float(quantised, original, layer), optimise=False)
        name = running.get_inputs()[0].name
        got = [running.run(None, {name: value})[0] for value in inputs]
        result[layer] = float(cosines(wanted[: len(got)], np.vstack(got)).mean())
    return result


def _in_float(quantised: onnx.ModelProto, original: onnx.ModelProto, layer: str) -> onnx.ModelProto:
    """The QDQ graph with one convolution's weights, bias and output not rounded."""
    model = copy.deepcopy(quantised)
    node = next(one for one in convolutions(model) if one.name == layer)
    source = next(one for one in convolutions(original) if one.name == layer)
    stored = constants(original)
    for index in range(1, len(source.input)):
        tensor = copy.deepcopy(stored[source.input[index]])
        tensor.name = f"{tensor.name}.float"
        model.graph.initializer.append(tensor)
        node.input[index] = tensor.name
    output = node.output[0]
    users = [one for one in model.graph.node if output in one.input]
    if len(users) == 1 and users[0].op_type in ("Relu", "Clip"):
        output = users[0].output[0]
    for quantise in [one for one in model.graph.node if one.op_type == "QuantizeLinear" and one.input[0] == output]:
        for dequantise in [one for one in model.graph.node if quantise.output[0] in one.input]:
            for user in model.graph.node:
                for index, name in enumerate(user.input):
                    if name == dequantise.output[0]:
                        user.input[index] = output
    return model
