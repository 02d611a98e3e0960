"""An OpenVINO graph into an ONNX one: each operation into its counterpart, FakeQuantize into QDQ."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgevtn.errors import ModelFileError
from edgevtn.graph.build import IR_VERSION, OPSET
from edgevtn.importing.constants import Constants
from edgevtn.importing.grids import Grid, activation_grid, weight_grid

Array = npt.NDArray[Any]

#: Operations that ONNX has under another name or the same, without attributes.
ELEMENTWISE = {
    "Abs": "Abs", "Add": "Add", "Divide": "Div", "Erf": "Erf", "Exp": "Exp", "Log": "Log", "Maximum": "Max",
    "Minimum": "Min", "Multiply": "Mul", "Negative": "Neg", "Power": "Pow", "PRelu": "PRelu", "Relu": "Relu",
    "Sigmoid": "Sigmoid", "Sqrt": "Sqrt", "Subtract": "Sub", "Tanh": "Tanh", "HSwish": "HardSwish",
}  # fmt: skip
REDUCTIONS = {"ReduceMean": "ReduceMean", "ReduceMax": "ReduceMax", "ReduceProd": "ReduceProd"}
CONVOLUTIONS = ("Convolution", "GroupConvolution")
SAME = {"same_upper": "SAME_UPPER", "same_lower": "SAME_LOWER"}


class Translator:
    """Builds the ONNX graph node by node; names are OpenVINO's, which are unique.

    Parameters
    ----------
    file : str
        For messages.
    """

    def __init__(self, file: str) -> None:
        self.constant_value = Constants()
        self._file = file
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: dict[str, onnx.TensorProto] = {}
        self._grids: dict[str, Grid] = {}  # of tensors that are quantised, by their name
        self._factors: dict[str, Array] = {}  # by which a tensor's channels were multiplied, by its name

    def translate(self, model: Any, *, pixels: bool) -> onnx.ModelProto:
        """The whole graph; with `pixels` its input becomes uint8 and its output (1, D).

        Raises
        ------
        ModelFileError
            It has an operation that is not known here, or a shape that is not fixed.
        """
        (source,), (sink,) = model.inputs, model.outputs
        for node in model.get_ordered_ops():
            kind = node.get_type_name()
            if kind in ("Parameter", "Result", "Constant") or self.constant_value(node.output(0)) is not None:
                continue
            self._node(node, kind)
        name = _name(source)
        shape_in, shape_out = (list(port.get_partial_shape().to_shape()) for port in (source, sink))
        kind_in, output = TensorProto.FLOAT, self._input(sink.get_node().input(0))
        if pixels:
            # As a dequantisation, not a cast: quantisation may then begin with the pixel itself.
            one, zero = self.tensor("pixels.scale", np.float32(1)), self.tensor("pixels.zero_point", np.uint8(0))
            first = helper.make_node("DequantizeLinear", ["pixels", one, zero], [name], name="pixels.float")
            self._nodes.insert(0, first)
            name, kind_in = "pixels", TensorProto.UINT8
            shape_out = [1, int(np.prod(shape_out))]
            self._add("Flatten", [output], "embedding")
        else:
            self._add("Identity", [output], "logits")
        used = {entry for node in self._nodes for entry in node.input}
        graph = helper.make_graph(
            self._nodes,
            model.get_friendly_name() or "model",
            [helper.make_tensor_value_info(name, kind_in, shape_in)],
            [helper.make_tensor_value_info(self._nodes[-1].output[0], TensorProto.FLOAT, shape_out)],
            [tensor for key, tensor in self._tensors.items() if key in used],
        )
        result = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="edgevtn"
        )
        onnx.checker.check_model(result, full_check=True)
        return result

    def tensor(self, name: str, value: npt.ArrayLike) -> str:
        """Store a constant; returns its name."""
        self._tensors[name] = numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name)
        return name

    def _add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))

    def _input(self, entry: Any) -> str:
        """Name of what feeds an input; constants are stored on the way."""
        output = entry.get_source_output()
        name, value = _name(output), self.constant_value(output)
        if value is not None and name not in self._tensors:
            self.tensor(name, value)
        return name

    def _bad(self, node: Any, reason: str) -> ModelFileError:
        return ModelFileError(f"{self._file}: {node.get_type_name()} {node.get_friendly_name()!r} {reason}")

    def _constant(self, node: Any, index: int) -> Array:
        value = self.constant_value(node.input(index).get_source_output())
        if value is None:
            raise self._bad(node, f"has an input {index} that is computed; only a constant can be translated")
        return value

    def _node(self, node: Any, kind: str) -> None:
        name, attributes = _name(node.output(0)), node.get_attributes()
        if not all(port.get_partial_shape().is_static for port in node.outputs()):
            raise self._bad(node, "has a shape that is not fixed; export the model with a fixed input shape")
        if kind == "Add" and self._bias(node, name):
            return
        inputs = [self._input(entry) for entry in node.inputs()]
        if kind in ELEMENTWISE:
            self._add(ELEMENTWISE[kind], inputs, name)
        elif kind == "FakeQuantize":
            self._fake_quantize(node, name, inputs[0])
        elif kind in CONVOLUTIONS:
            self._convolution(node, name, inputs[0], kind == "GroupConvolution")
        elif kind == "MatMul":
            self._matmul(node, name, inputs)
        elif kind == "Clamp":
            bounds = [self.tensor(f"{name}.{key}", np.float32(attributes[key])) for key in ("min", "max")]
            self._add("Clip", [inputs[0], *bounds], name)
        elif kind == "Softmax":
            self._add("Softmax", inputs, name, axis=attributes["axis"])
        elif kind == "Swish":
            scaled = inputs[0]
            if len(inputs) == 2:
                scaled = f"{name}.scaled"
                self._add("Mul", inputs, scaled)
            self._add("Sigmoid", [scaled], f"{name}.gate")
            self._add("Mul", [inputs[0], f"{name}.gate"], name)
        elif kind == "Transpose":
            self._add("Transpose", inputs[:1], name, perm=self._constant(node, 1).tolist())
        elif kind in ("Reshape", "Squeeze", "Unsqueeze"):
            # Shapes are fixed, so the result's own says it all.
            self._shape("Reshape", inputs[0], name, node.output(0).get_partial_shape().to_shape())
        elif kind == "Broadcast":
            self._shape("Expand", inputs[0], name, node.output(0).get_partial_shape().to_shape())
        elif kind == "Tile":
            self._shape("Tile", inputs[0], name, self._constant(node, 1))
        elif kind == "Concat":
            self._add("Concat", inputs, name, axis=attributes["axis"])
        elif kind == "Gather":
            self._add("Gather", inputs[:2], name, axis=int(self._constant(node, 2).item()))
        elif kind in REDUCTIONS:
            axes = np.atleast_1d(self._constant(node, 1)).tolist()
            self._add(REDUCTIONS[kind], inputs[:1], name, axes=axes, keepdims=int(attributes["keep_dims"]))
        elif kind == "ReduceSum":
            axes = self.tensor(f"{name}.axes", np.atleast_1d(self._constant(node, 1)).astype(np.int64))
            self._add("ReduceSum", [inputs[0], axes], name, keepdims=int(attributes["keep_dims"]))
        elif kind in ("AvgPool", "MaxPool"):
            self._pool(node, name, inputs[0], kind)
        elif kind in ("Split", "VariadicSplit"):
            self._split(node, inputs[0])
        elif kind == "StridedSlice":
            self._slice(node, name, inputs[0])
        elif kind == "MVN":
            self._normalise(node, name, inputs[0])
        elif kind == "Convert":
            self._add("Identity", inputs, name)  # activations: float16 to float32 or back; all is float32 here
        else:
            raise self._bad(node, "is not an operation that can be translated")

    def _shape(self, kind: str, x: str, name: str, shape: Any) -> None:
        stored = self.tensor(f"{name}.shape", np.array(list(shape), np.int64))
        self._add(kind, [x, stored], name)

    def _split(self, node: Any, x: str) -> None:
        axis = int(self._constant(node, 1).item())
        outputs = [_name(port) for port in node.outputs()]
        sizes = [port.get_partial_shape().to_shape()[axis] for port in node.outputs()]
        stored = self.tensor(f"{outputs[0]}.sizes", np.array(sizes, np.int64))
        self._nodes.append(helper.make_node("Split", [x, stored], outputs, name=outputs[0], axis=axis))

    def _slice(self, node: Any, name: str, x: str) -> None:
        attributes, shape = node.get_attributes(), node.input(0).get_partial_shape().to_shape()
        begin, end = (self._constant(node, index).astype(np.int64) for index in (1, 2))
        stride = self._constant(node, 3) if len(node.inputs()) > 3 else np.ones(len(begin))
        if any(attributes["new_axis_mask"]) or any(attributes["ellipsis_mask"]) or np.any(stride < 1):
            raise self._bad(node, "has new axes, an ellipsis or steps backwards, which are not translated")
        for axis in range(len(begin)):
            if axis < len(attributes["begin_mask"]) and attributes["begin_mask"][axis]:
                begin[axis] = 0
            if axis < len(attributes["end_mask"]) and attributes["end_mask"][axis]:
                end[axis] = shape[axis]
            if axis < len(attributes["shrink_axis_mask"]) and attributes["shrink_axis_mask"][axis]:
                end[axis] = begin[axis] + 1 or shape[axis]  # -1 + 1 would be the beginning
        parts = {"begin": begin, "end": end, "axes": np.arange(len(begin)), "steps": stride}
        stored = [self.tensor(f"{name}.{key}", value.astype(np.int64)) for key, value in parts.items()]
        self._add("Slice", [x, *stored], f"{name}.kept")
        self._shape("Reshape", f"{name}.kept", name, node.output(0).get_partial_shape().to_shape())

    def _normalise(self, node: Any, name: str, x: str) -> None:
        """Mean-variance normalisation over some axes."""
        attributes = node.get_attributes()
        axes = np.atleast_1d(self._constant(node, 1)).tolist()
        epsilon = self.tensor(f"{name}.epsilon", np.float32(attributes["eps"]))
        self._add("ReduceMean", [x], f"{name}.mean", axes=axes, keepdims=1)
        self._add("Sub", [x, f"{name}.mean"], f"{name}.centred" if attributes["normalize_variance"] else name)
        if not attributes["normalize_variance"]:
            return
        self._add("Mul", [f"{name}.centred", f"{name}.centred"], f"{name}.squares")
        self._add("ReduceMean", [f"{name}.squares"], f"{name}.variance", axes=axes, keepdims=1)
        inside = attributes["eps_mode"].lower() == "inside_sqrt"
        steps = [("Add", "shifted"), ("Sqrt", "deviation")] if inside else [("Sqrt", "root"), ("Add", "deviation")]
        value = f"{name}.variance"
        for kind, part in steps:
            self._add(kind, [value, epsilon] if kind == "Add" else [value], f"{name}.{part}")
            value = f"{name}.{part}"
        self._add("Div", [f"{name}.centred", value], name)

    def _matmul(self, node: Any, name: str, inputs: list[str]) -> None:
        attributes = node.get_attributes()
        operands = []
        for index, key in enumerate(("transpose_a", "transpose_b")):
            operand = inputs[index]
            if attributes[key]:
                value = self.constant_value(node.input(index).get_source_output())
                rank = len(node.input(index).get_partial_shape())
                operand = f"{name}.{key}"
                if value is not None:
                    self.tensor(operand, value.swapaxes(-1, -2))
                else:
                    self._add("Transpose", [inputs[index]], operand, perm=[*range(rank - 2), rank - 1, rank - 2])
            operands.append(operand)
        self._add("MatMul", operands, name)

    def _pool(self, node: Any, name: str, x: str, kind: str) -> None:
        attributes = node.get_attributes()
        more: dict[str, Any] = {"count_include_pad": int(not attributes["exclude-pad"])} if kind == "AvgPool" else {}
        if kind == "AvgPool" and list(attributes["kernel"]) == list(node.input(0).get_partial_shape().to_shape())[2:]:
            self._add("GlobalAveragePool", [x], name)  # the same, and known to the quantised kernels
            return
        self._add(
            "AveragePool" if kind == "AvgPool" else "MaxPool", [x], name,
            kernel_shape=list(attributes["kernel"]), strides=list(attributes["strides"]),
            ceil_mode=int(attributes["rounding_type"] != "floor"), **self._padding(node), **more,
        )  # fmt: skip

    def _padding(self, node: Any) -> dict[str, Any]:
        attributes = node.get_attributes()
        if attributes["auto_pad"] in SAME:
            return {"auto_pad": SAME[attributes["auto_pad"]]}
        if attributes["auto_pad"] == "valid":
            return {}
        return {"pads": [*attributes["pads_begin"], *attributes["pads_end"]]}

    def _convolution(self, node: Any, name: str, x: str, grouped: bool) -> None:
        attributes, value = node.get_attributes(), self._constant(node, 1)
        groups = value.shape[0] if grouped else 1
        w = value.reshape(-1, *value.shape[2:]) if grouped else value
        factor = self._factors.get(x)
        if factor is not None:
            w = w / factor.reshape(-1, 1, 1, 1)  # x's channels were multiplied; only a depthwise one gets here
        if x in self._grids:
            grid = weight_grid(node.input(1).get_source_output(), self.constant_value, w, factor)
            weight = self._quantised(f"{name}.weight", grid.quantise(w), grid, axis=0)
            self._grids[f"{name}.weight"] = grid
        else:
            weight = self.tensor(f"{name}.weight", w.astype(np.float32))
        self._add(
            "Conv", [x, weight], name, group=groups, strides=list(attributes["strides"]),
            dilations=list(attributes["dilations"]), **self._padding(node),
        )  # fmt: skip

    def _bias(self, node: Any, name: str) -> bool:
        """Make an Add of a constant per channel the bias of the convolution before it."""
        before, after = (entry.get_source_output() for entry in node.inputs())
        if self.constant_value(before) is not None:
            before, after = after, before
        value = self.constant_value(after)
        shape = before.get_partial_shape().to_shape()
        if (
            value is None
            or before.get_node().get_type_name() not in CONVOLUTIONS
            or len(before.get_target_inputs()) != 1
            or value.size != shape[1]
            or (value.ndim > 1 and value.shape[-len(shape) + 1 :][0] != shape[1])
        ):
            return False
        (convolution,) = (one for one in self._nodes if _name(before) in one.output)
        b = value.reshape(-1).astype(np.float32)
        x, w = convolution.input[0], f"{_name(before)}.weight"
        if x in self._grids:
            scale = self._grids[x].scale * self._grids[w].scale
            bias = self._quantised(
                f"{_name(before)}.bias", np.rint(b / scale).astype(np.int32), Grid(scale, np.int32(0)), axis=0
            )
        else:
            bias = self.tensor(f"{_name(before)}.bias", b)
        convolution.input.append(bias)
        convolution.output[0] = name
        self._nodes.remove(convolution)
        self._nodes.append(convolution)  # after the bias' own DequantizeLinear
        return True

    def _quantised(self, name: str, values: Array, grid: Grid, axis: int) -> str:
        """A constant that is stored as integers."""
        zeros = np.zeros(np.shape(grid.scale), values.dtype)
        inputs = [
            self.tensor(f"{name}.integers", values),
            self.tensor(f"{name}.scale", np.asarray(grid.scale, np.float32)),
            self.tensor(f"{name}.zero_point", zeros),
        ]
        self._add("DequantizeLinear", inputs, name, **({"axis": axis} if np.ndim(grid.scale) else {}))
        return name

    def _fake_quantize(self, node: Any, name: str, x: str) -> None:
        values = [self._constant(node, index) for index in range(1, 5)]
        grid = activation_grid(node.get_attributes()["levels"], *values)
        if grid is None:
            raise self._bad(node, "has ranges that are not those of 8 bits with one grid for input and output")
        if np.ndim(grid.scale):
            grid = self._one_grid(node, name, x, grid)
        inputs = [
            self.tensor(f"{name}.scale", np.float32(grid.scale)),
            self.tensor(f"{name}.zero_point", grid.zero_point),
        ]
        self._add("QuantizeLinear", [x, *inputs], f"{name}.integers")
        self._add("DequantizeLinear", [f"{name}.integers", *inputs], name)
        self._grids[name] = grid

    def _one_grid(self, node: Any, name: str, x: str, grid: Grid) -> Grid:
        """A grid per channel, as before depthwise convolutions, into one for all.

        onnxruntime has one scale for an activation. What comes from a convolution, perhaps through a ReLU, and goes
        to depthwise convolutions alone can be multiplied, channel by channel, by the quotient of the scales: into
        the weights before, out of the weights after. The integers stay what they were.
        """
        producer = next(one for one in self._nodes if x in one.output)
        if producer.op_type == "Relu":
            producer = next(one for one in self._nodes if producer.input[0] in one.output)
        users = [entry.get_node() for entry in node.output(0).get_target_inputs()]
        alone = len(node.input(0).get_source_output().get_target_inputs()) == 1
        depthwise = all(
            user.get_type_name() == "GroupConvolution"
            and user.input(1).get_partial_shape().to_shape()[0] == np.size(grid.scale)
            for user in users
        )
        if producer.op_type != "Conv" or not alone or not depthwise or np.any(grid.zero_point):
            raise self._bad(node, "has one range per channel where only one for all can be used")
        largest = np.float32(np.max(grid.scale))
        factor = (largest / np.asarray(grid.scale)).reshape(-1).astype(np.float32)
        for part in producer.input[1:]:
            stored = self._tensors.get(f"{part}.scale", self._tensors.get(part))
            assert stored is not None
            value = numpy_helper.to_array(stored)
            scaled = value * factor.reshape(-1, *[1] * (value.ndim - 1))
            stored.CopyFrom(numpy_helper.from_array(scaled.astype(np.float32), stored.name))
        self._factors[name] = factor
        return Grid(largest, np.uint8(0))


def _name(output: Any) -> str:
    return f"{output.get_node().get_friendly_name()}:{output.get_index()}"
