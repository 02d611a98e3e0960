"""OpenVINO operations into their ONNX counterparts, but for convolutions and FakeQuantize."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from edgevtn.importing.quantised import CONVOLUTIONS, as_qdq, convolution
from edgevtn.importing.translation import Translation, name_of, padding, shape_of

#: A translation: the shared state, the OpenVINO node, its first output's name, and its inputs as ONNX values.
Operation = Callable[[Translation, Any, str, list[ir.Value]], ir.Value | Sequence[ir.Value]]

#: Operations that ONNX has under another name or the same, without attributes.
ELEMENTWISE = {
    "Abs": "Abs", "Add": "Add", "Divide": "Div", "Erf": "Erf", "Exp": "Exp", "Log": "Log", "Maximum": "Max",
    "Minimum": "Min", "Multiply": "Mul", "Negative": "Neg", "Power": "Pow", "PRelu": "PRelu", "Relu": "Relu",
    "Sigmoid": "Sigmoid", "Sqrt": "Sqrt", "Subtract": "Sub", "Tanh": "Tanh", "HSwish": "HardSwish",
    "Convert": "Identity",  # activations: float16 to float32 or back; all is float32 here
}  # fmt: skip


def _elementwise(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    return to.graph.add(ELEMENTWISE[node.get_type_name()], inputs, name)


def _along_axis(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    return to.graph.add(node.get_type_name(), inputs, name, axis=node.get_attributes()["axis"])


def _clamp(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    attributes = node.get_attributes()
    bounds = [to.graph.constant(f"{name}.{key}", np.float32(attributes[key])) for key in ("min", "max")]
    return to.graph.add("Clip", [inputs[0], *bounds], name)


def _swish(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    scaled = to.graph.add("Mul", inputs, f"{name}.scaled") if len(inputs) == 2 else inputs[0]
    gate = to.graph.add("Sigmoid", [scaled], f"{name}.gate")
    return to.graph.add("Mul", [inputs[0], gate], name)


def _transpose(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    return to.graph.add("Transpose", inputs[:1], name, perm=to.constant(node, 1).tolist())


def _reshape(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    # Shapes are fixed, so the result's own says it all.
    return to.graph.add("Reshape", [inputs[0], to.integers(f"{name}.shape", shape_of(node.output(0)))], name)


def _broadcast(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    return to.graph.add("Expand", [inputs[0], to.integers(f"{name}.shape", shape_of(node.output(0)))], name)


def _tile(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    return to.graph.add("Tile", [inputs[0], to.integers(f"{name}.shape", to.constant(node, 1))], name)


def _gather(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    return to.graph.add("Gather", inputs[:2], name, axis=int(to.constant(node, 2).item()))


def _reduce(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    axes = np.atleast_1d(to.constant(node, 1)).tolist()
    keep = int(node.get_attributes()["keep_dims"])
    if node.get_type_name() == "ReduceSum":  # whose axes are an input in this opset
        return to.graph.add("ReduceSum", [inputs[0], to.integers(f"{name}.axes", axes)], name, keepdims=keep)
    return to.graph.add(node.get_type_name(), inputs[:1], name, axes=axes, keepdims=keep)


def _pool(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    attributes, mean = node.get_attributes(), node.get_type_name() == "AvgPool"
    if mean and list(attributes["kernel"]) == shape_of(node.input(0))[2:]:
        return to.graph.add("GlobalAveragePool", inputs, name)  # the same, and known to the quantised kernels
    more = {"count_include_pad": int(not attributes["exclude-pad"])} if mean else {}
    return to.graph.add(
        "AveragePool" if mean else "MaxPool", inputs, name,
        kernel_shape=list(attributes["kernel"]), strides=list(attributes["strides"]),
        ceil_mode=int(attributes["rounding_type"] != "floor"), **padding(node), **more,
    )  # fmt: skip


def _split(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> Sequence[ir.Value]:
    axis = int(to.constant(node, 1).item())
    names = [name_of(port) for port in node.outputs()]
    sizes = to.integers(f"{name}.sizes", [shape_of(port)[axis] for port in node.outputs()])
    return to.graph.add_outputs("Split", [inputs[0], sizes], names, axis=axis)


def _slice(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    attributes, shape = node.get_attributes(), shape_of(node.input(0))
    begin, end = (to.constant(node, index).astype(np.int64) for index in (1, 2))
    stride = to.constant(node, 3) if len(node.inputs()) > 3 else np.ones(len(begin))
    if any(attributes["new_axis_mask"]) or any(attributes["ellipsis_mask"]) or np.any(stride < 1):
        raise to.bad(node, "has new axes, an ellipsis or steps backwards, which are not translated")

    def masked(name: str, axis: int) -> bool:
        return axis < len(attributes[name]) and bool(attributes[name][axis])

    for axis in range(len(begin)):
        if masked("begin_mask", axis):
            begin[axis] = 0
        if masked("end_mask", axis):
            end[axis] = shape[axis]
        if masked("shrink_axis_mask", axis):
            end[axis] = begin[axis] + 1 or shape[axis]  # -1 + 1 would be the beginning
    parts = {"begin": begin, "end": end, "axes": np.arange(len(begin)), "steps": stride.astype(np.int64)}
    bounds = [to.integers(f"{name}.{key}", value) for key, value in parts.items()]
    return _reshape(to, node, name, [to.graph.add("Slice", [inputs[0], *bounds], f"{name}.kept")])


def _normalise(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    """Mean-variance normalisation over some axes."""
    attributes, add = node.get_attributes(), to.graph.add
    axes = np.atleast_1d(to.constant(node, 1)).tolist()
    mean = add("ReduceMean", inputs[:1], f"{name}.mean", axes=axes, keepdims=1)
    if not attributes["normalize_variance"]:
        return add("Sub", [inputs[0], mean], name)
    centred = add("Sub", [inputs[0], mean], f"{name}.centred")
    squares = add("Mul", [centred, centred], f"{name}.squares")
    variance = add("ReduceMean", [squares], f"{name}.variance", axes=axes, keepdims=1)
    epsilon = to.graph.constant(f"{name}.epsilon", np.float32(attributes["eps"]))
    if attributes["eps_mode"].lower() == "inside_sqrt":
        deviation = add("Sqrt", [add("Add", [variance, epsilon], f"{name}.shifted")], f"{name}.deviation")
    else:
        deviation = add("Add", [add("Sqrt", [variance], f"{name}.root"), epsilon], f"{name}.deviation")
    return add("Div", [centred, deviation], name)


def _matmul(to: Translation, node: Any, name: str, inputs: list[ir.Value]) -> ir.Value:
    operands = []
    for index, key in enumerate(("transpose_a", "transpose_b")):
        operand = inputs[index]
        if node.get_attributes()[key]:
            value = to.constant_value(node.input(index).get_source_output())
            rank = len(node.input(index).get_partial_shape())
            if value is not None:
                operand = to.graph.constant(f"{name}.{key}", value.swapaxes(-1, -2))
            else:
                order = [*range(rank - 2), rank - 1, rank - 2]
                operand = to.graph.add("Transpose", [operand], f"{name}.{key}", perm=order)
        operands.append(operand)
    return to.graph.add("MatMul", operands, name)


#: By OpenVINO's name.
OPERATIONS: dict[str, Operation] = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(("Concat", "Softmax"), _along_axis),
    **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze"), _reshape),
    **dict.fromkeys(("ReduceMax", "ReduceMean", "ReduceProd", "ReduceSum"), _reduce),
    **dict.fromkeys(("AvgPool", "MaxPool"), _pool),
    **dict.fromkeys(("Split", "VariadicSplit"), _split),
    **dict.fromkeys(CONVOLUTIONS, convolution),
    "Broadcast": _broadcast,
    "Clamp": _clamp,
    "FakeQuantize": as_qdq,
    "Gather": _gather,
    "MVN": _normalise,
    "MatMul": _matmul,
    "StridedSlice": _slice,
    "Swish": _swish,
    "Tile": _tile,
    "Transpose": _transpose,
}
