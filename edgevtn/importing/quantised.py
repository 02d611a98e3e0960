"""OpenVINO convolutions, in float or with FakeQuantize, into ONNX ones, in float or QDQ."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from edgevtn.graph.edit import set_constant, stored
from edgevtn.importing.grids import Grid, activation_grid, weight_grid
from edgevtn.importing.translation import Array, Translation, name_of, padding, shape_of

CONVOLUTIONS = ("Convolution", "GroupConvolution")


def convolution(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    """A convolution; with integer weights where its input is quantised."""
    attributes, value = node.get_attributes(), to.constant(node, 1)
    grouped = node.get_type_name() == "GroupConvolution"
    w = value.reshape(-1, *value.shape[2:]) if grouped else value
    x = inputs[0]
    factor = to.factors.get(x)
    if factor is not None:
        w = w / factor.reshape(-1, 1, 1, 1)  # x's channels were multiplied; only a depthwise one gets here
    if x in to.grids:
        grid = weight_grid(node.input(1).get_source_output(), to.constant_value, w, factor)
        weight = _dequantised(to, f"{name}.weight", grid.quantise(w), grid)
        to.grids[weight] = grid
    else:
        weight = to.graph.constant(f"{name}.weight", w.astype(np.float32))
    return to.graph.add(
        "Conv", [x, weight], name, group=value.shape[0] if grouped else 1, strides=list(attributes["strides"]),
        dilations=list(attributes["dilations"]), **padding(node),
    )  # fmt: skip


def as_bias(to: Translation, node: Any) -> ir.Value | None:
    """An Add of a constant per channel as the bias of the convolution before it; None if it is none."""
    before, after = (entry.get_source_output() for entry in node.inputs())
    if to.is_constant(before):
        before, after = after, before
    value, shape = to.constant_value(after), shape_of(before)
    if (
        value is None
        or before.get_node().get_type_name() not in CONVOLUTIONS
        or len(before.get_target_inputs()) != 1
        or value.size != shape[1]
        or (value.ndim > 1 and value.shape[-len(shape) + 1 :][0] != shape[1])
    ):
        return None
    sums = to.value(before)
    x, w = _inputs(sums)
    b = value.reshape(-1).astype(np.float32)
    name = f"{name_of(before)}.bias"
    if x in to.grids:
        scale = to.grids[x].scale * to.grids[w].scale
        bias = _dequantised(to, name, np.rint(b / scale).astype(np.int32), Grid(scale, np.int32(0)))
    else:
        bias = to.graph.constant(name, b)
    to.graph.append_input(sums, bias)
    return sums


def as_qdq(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    """An activation's FakeQuantize as QuantizeLinear and DequantizeLinear with the same grid."""
    values = [to.constant(node, index) for index in range(1, 5)]
    grid = activation_grid(node.get_attributes()["levels"], *values)
    if grid is None:
        raise to.bad(node, "has ranges that are not those of 8 bits with one grid for input and output")
    factor = None
    if np.ndim(grid.scale):
        grid, factor = _one_grid(to, node, inputs[0], grid)
    facts = [
        to.graph.constant(f"{name}.scale", np.float32(grid.scale)),
        to.graph.constant(f"{name}.zero_point", grid.zero_point),
    ]
    integers = to.graph.add("QuantizeLinear", [inputs[0], *facts], f"{name}.integers")
    result = to.graph.add("DequantizeLinear", [integers, *facts], name)
    to.grids[result] = grid
    if factor is not None:
        to.factors[result] = factor
    return result


def _one_grid(to: Translation, node: Any, x: ir.Value, grid: Grid) -> tuple[Grid, Array]:
    """A grid per channel, as before depthwise convolutions, into one for all, and the channels' factors.

    onnxruntime has one scale for an activation. What comes from a convolution, perhaps through a ReLU, and goes
    to depthwise convolutions alone can be multiplied, channel by channel, by the quotient of the scales: into
    the weights before, out of the weights after. The integers stay what they were.
    """
    producer = x.producer()
    if producer is not None and producer.op_type == "Relu" and producer.inputs[0] is not None:
        producer = producer.inputs[0].producer()
    users = [entry.get_node() for entry in node.output(0).get_target_inputs()]
    alone = len(node.input(0).get_source_output().get_target_inputs()) == 1
    depthwise = all(
        user.get_type_name() == "GroupConvolution" and shape_of(user.input(1))[0] == np.size(grid.scale)
        for user in users
    )
    if producer is None or producer.op_type != "Conv" or not alone or not depthwise or np.any(grid.zero_point):
        raise to.bad(node, "has one range per channel where only one for all can be used")
    largest = np.float32(np.max(grid.scale))
    factor = (largest / np.asarray(grid.scale)).reshape(-1).astype(np.float32)
    for part in producer.inputs[1:]:
        assert part is not None
        dequantise = part.producer()
        target = part if dequantise is None else dequantise.inputs[1]  # of integers: their scale
        value = stored(target)
        set_constant(target, (value * factor.reshape(-1, *[1] * (value.ndim - 1))).astype(np.float32))
    return Grid(largest, np.uint8(0)), factor


def _dequantised(to: Translation, name: str, values: Array, grid: Grid) -> ir.Value:
    """A constant that is stored as integers; a grid of arrays has one entry for each of its rows."""
    inputs = [
        to.graph.constant(f"{name}.integers", values),
        to.graph.constant(f"{name}.scale", np.asarray(grid.scale, np.float32)),
        to.graph.constant(f"{name}.zero_point", np.zeros(np.shape(grid.scale), values.dtype)),
    ]
    return to.graph.add("DequantizeLinear", inputs, name, **({"axis": 0} if np.ndim(grid.scale) else {}))


def _inputs(sums: ir.Value) -> tuple[ir.Value, ir.Value]:
    """What the convolution that gives `sums` convolves, and its weights."""
    producer = sums.producer()
    assert producer is not None
    x, w = producer.inputs[:2]
    assert x is not None
    assert w is not None
    return x, w
