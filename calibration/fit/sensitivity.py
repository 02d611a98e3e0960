"""Which layers to keep in float: those whose rounding costs the features most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import onnx

from edgevtn.arrays import Array, Float
from edgevtn.calibration.agreement import cosines
from edgevtn.graph.edit import add_constant, convolutions, editable, finished, stored
from edgevtn.graph.run import outputs, session


def gains(
    quantised: onnx.ModelProto, original: onnx.ModelProto, inputs: Sequence[Array], wanted: Float, layers: Iterable[str]
) -> dict[str, float]:
    """Mean cosine of the features with one layer at a time in float: its weights, and what it gives.

    Parameters
    ----------
    quantised, original : onnx.ModelProto
        QDQ and fp32, with convolutions of the same names and the same input.
    inputs : sequence of arrays
    wanted : float32 (N, W)
        The features of `original`.
    layers : iterable of str
        Names of convolutions; a progress bar, perhaps.

    Returns
    -------
    dict of float
        By layer.
    """
    result = {}
    for layer in layers:
        got = outputs(session(_in_float(quantised, original, layer), optimise=False), inputs)
        result[layer] = float(cosines(wanted[: len(got)], got).mean())
    return result


def _in_float(quantised: onnx.ModelProto, original: onnx.ModelProto, layer: str) -> onnx.ModelProto:
    """The QDQ graph with one convolution's weights, bias and output not rounded."""
    model = editable(quantised)
    convolution, source = (
        next(node for node in convolutions(graph) if node.name == layer) for graph in (model, editable(original))
    )
    for index, value in enumerate(source.inputs[1:], 1):
        convolution.replace_input_with(index, add_constant(model, f"{layer}.float.{index}", stored(value)))
    output = convolution.outputs[0]
    users = output.consumers()
    if len(users) == 1 and users[0].op_type in ("Relu", "Clip"):
        output = users[0].outputs[0]
    for quantise in [node for node in output.consumers() if node.op_type == "QuantizeLinear"]:
        for dequantise in quantise.outputs[0].consumers():
            dequantise.outputs[0].replace_all_uses_with(output)
    return finished(model)
