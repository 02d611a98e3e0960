"""The front of an imported INT8 encoder: the pixel itself for what was rounded from it."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir

from edgevtn.graph.edit import convolutions, editable, finished, set_constant, stored
from edgevtn.graph.front import find_affine


def pixels_first(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """Feed the first convolution of a QDQ encoder with its uint8 pixels, less a whole number.

    Published encoders subtract a mean from the pixels in float and round the result to steps a little larger than
    one, which costs work and adds noise. The integer weights stay as they are; the means move into the bias.

    Parameters
    ----------
    encoder : onnx.ModelProto
        uint8 (1, 3, S, S); its first node is the DequantizeLinear of its pixels.

    Returns
    -------
    onnx.ModelProto
        Or `encoder` itself where its front is of another kind.
    """
    model = editable(encoder)
    first = next(iter(convolutions(model)), None)
    found = None if first is None else _quantised_inputs(first)
    if first is None or found is None:
        return encoder
    rounded, weight, bias = found
    try:
        affine = find_affine(encoder, rounded.name)
    except ValueError:  # not of this kind
        return encoder
    gain = float(affine.gain[0])
    if np.ptp(affine.gain) > 1e-4 * gain or affine.source != (0, 1, 2):
        return encoder
    scale = stored(weight.inputs[1])
    w = stored(weight.inputs[0]).astype(np.float32) * scale.reshape(-1, 1, 1, 1)
    zero_point = affine.zero_point()
    shift = w.sum(axis=(2, 3)) @ (gain * zero_point + affine.offset)
    moved = stored(bias.inputs[0]) * stored(bias.inputs[1]) + shift
    fresh = gain * scale  # the bias's scale: the first tensor's times the weights'
    set_constant(bias.inputs[0], np.rint(moved / fresh).astype(np.int32))
    set_constant(bias.inputs[1], fresh.astype(np.float32))
    front = model.graph[0]
    set_constant(front.inputs[1], np.array(gain, np.float32))
    set_constant(front.inputs[2], np.array(zero_point, np.uint8))
    first.replace_input_with(0, front.outputs[0])
    return finished(model)


def _quantised_inputs(convolution: ir.Node) -> tuple[ir.Value, ir.Node, ir.Node] | None:
    """What is rounded to be a quantised convolution's input, which nothing else reads; and the nodes that dequantise
    its weights and its bias. None where it is not quantised so."""
    nodes = [None if value is None else value.producer() for value in convolution.inputs]
    if len(nodes) != 3 or any(node is None or node.op_type != "DequantizeLinear" for node in nodes):
        return None
    dequantise, weight, bias = nodes
    assert dequantise is not None
    assert weight is not None
    assert bias is not None
    integers = dequantise.inputs[0]
    rounding = None if integers is None else integers.producer()
    if rounding is None or rounding.op_type != "QuantizeLinear" or len(dequantise.outputs[0].uses()) != 1:
        return None
    rounded = rounding.inputs[0]
    return None if rounded is None else (rounded, weight, bias)
