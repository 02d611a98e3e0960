"""The front of an imported INT8 encoder: the pixel itself for what was rounded from it."""

from __future__ import annotations

import copy

import numpy as np
import onnx
from onnx import numpy_helper

from edgevtn.graph.edit import constants, set_constant
from edgevtn.graph.front import drop_unused, find_affine


def pixels_first(model: onnx.ModelProto) -> onnx.ModelProto:
    """Feed the first convolution of a QDQ encoder with its uint8 pixels, less a whole number.

    Published encoders subtract a mean from the pixels in float and round the result to steps a little larger than
    one: work, and noise. The integer weights stay as they are; the means move into the bias. A model whose front is
    of another kind is returned as it is.

    Parameters
    ----------
    model : onnx.ModelProto
        uint8 (1, 3, S, S); its first node is the DequantizeLinear of its pixels.
    """
    result = copy.deepcopy(model)
    graph = result.graph
    nodes = {name: node for node in graph.node for name in node.output}
    first = next((node for node in graph.node if node.op_type == "Conv"), None)
    if first is None or len(first.input) != 3:
        return model
    stored = constants(result)
    try:
        dequantise, weight, bias = (nodes[name] for name in first.input)
        rounding = nodes[dequantise.input[0]]
        affine = find_affine(model, rounding.input[0])
    except (KeyError, ValueError):  # not quantised, or not of this kind
        return model
    gain = float(affine.gain[0])
    if rounding.op_type != "QuantizeLinear" or np.ptp(affine.gain) > 1e-4 * gain or affine.source != (0, 1, 2):
        return model
    users = [node for node in graph.node if dequantise.output[0] in node.input]
    if len(users) != 1:
        return model
    integers, scale = (numpy_helper.to_array(stored[name]) for name in weight.input[:2])
    w = integers.astype(np.float32) * scale.reshape(-1, 1, 1, 1)
    old, old_scale = (numpy_helper.to_array(stored[name]) for name in bias.input[:2])
    zero_point = int(np.clip(np.rint(np.mean(-affine.offset / gain)), 0, 255))
    shift = w.sum(axis=(2, 3)) @ (gain * zero_point + affine.offset)
    fresh = gain * scale  # of the bias: the first tensor's scale by the weights'
    set_constant(stored[bias.input[0]], np.rint((old * old_scale + shift) / fresh).astype(np.int32))
    set_constant(stored[bias.input[1]], fresh.astype(np.float32))
    front = graph.node[0]
    set_constant(stored[front.input[1]], np.array(gain, np.float32))
    set_constant(stored[front.input[2]], np.array(zero_point, np.uint8))
    first.input[0] = front.output[0]
    # What fed only the rounding is left without users, one after the other.
    changed = True
    while changed:
        read = {name for node in graph.node for name in node.input} | {graph.output[0].name}
        idle = [node for node in graph.node if not read & set(node.output)]
        for node in idle:
            graph.node.remove(node)
        changed = bool(idle)
    drop_unused(result)
    onnx.checker.check_model(result, full_check=True)
    return result
