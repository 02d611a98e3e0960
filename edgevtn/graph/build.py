"""Collects the nodes of an encoder: normalisation, convolutions with their batch norm folded in, pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir

from edgevtn.arrays import Float
from edgevtn.graph.edit import finished, new_constant, new_node

Weights = Mapping[str, Float]

OPSET = 17  # every onnxruntime since 1.13 runs it, and the quantiser needs nothing newer
IR_VERSION = 8  # what opset 17 came with; newer ones are refused by older runtimes
BATCH_NORM_EPSILON = 1e-5  # PyTorch's default


def fold(weights: Weights, convolution: str, norm: str, epsilon: float = BATCH_NORM_EPSILON) -> tuple[Float, Float]:
    """Weight and bias of a convolution with the batch norm that follows it.

    Parameters
    ----------
    weights : dict of arrays
    convolution, norm : str
        The beginnings of their tensors' names.
    epsilon : float
        The norm's.

    Returns
    -------
    w : float32 (outputs, inputs / groups, k, k)
    b : float32 (outputs,)

    Raises
    ------
    KeyError
        One of the tensors is missing; the message is its name.
    ValueError
        Their shapes do not fit together.
    """
    w = weights[f"{convolution}.weight"]
    parts = [weights[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
    if w.ndim != 4 or any(part.shape != w.shape[:1] for part in parts):
        raise ValueError(f"{convolution}.weight {w.shape} and {norm} {parts[0].shape} do not fit together")
    gain, bias, mean, variance = parts
    factor = gain / np.sqrt(variance + np.float32(epsilon))
    return w * factor[:, None, None, None], bias - mean * factor


class Graph:
    """An ONNX graph under construction; every method that adds a node returns its output."""

    def __init__(self) -> None:
        self._inputs: list[ir.Value] = []
        self._nodes: list[ir.Node] = []
        self._constants: dict[str, ir.Value] = {}

    def input(self, name: str, kind: ir.DataType, shape: Sequence[int]) -> ir.Value:
        """An input of the graph."""
        self._inputs.append(ir.val(name, kind, shape))
        return self._inputs[-1]

    def constant(self, name: str, value: npt.ArrayLike) -> ir.Value:
        """A stored constant; the one that has this name already, if there is one."""
        return self._constants.setdefault(name, new_constant(name, value))

    def add(self, kind: str, inputs: Sequence[ir.Value], output: str, **attributes: Any) -> ir.Value:
        """Add a node with one output; both have the name `output`."""
        return self.add_outputs(kind, inputs, [output], **attributes)[0]

    def add_outputs(
        self, kind: str, inputs: Sequence[ir.Value], outputs: Sequence[str], **attributes: Any
    ) -> Sequence[ir.Value]:
        """Add a node with several outputs; it has the first one's name."""
        self._nodes.append(new_node(kind, inputs, outputs, attributes))
        return self._nodes[-1].outputs

    def append_input(self, output: ir.Value, more: ir.Value) -> None:
        """Give the node of an output one more input, which may have come later: the node moves to the end."""
        node = output.producer()
        assert node is not None
        node.resize_inputs(len(node.inputs) + 1)
        node.replace_input_with(len(node.inputs) - 1, more)
        self._nodes.remove(node)
        self._nodes.append(node)

    def pixels(self, size: int, mean: Sequence[float], std: Sequence[float], difference: bool = False) -> ir.Value:
        """Normalised pixels, or with `difference` those of a frame less those of the frame before it.

        Where one whole mean and one deviation serve all channels, the normalisation is a DequantizeLinear, and in
        INT8 the pixel *is* the first quantised tensor.

        Parameters
        ----------
        size : int
            S, of the graph's input ``pixels``, uint8 (1, 3, S, S), and of ``previous``.
        mean, std : three numbers
            Normalisation of pixel values 0 to 255.
        difference : bool
        """
        entries = ("pixels", "previous") if difference else ("pixels",)
        newer, *older = (self.input(name, ir.DataType.UINT8, (1, 3, size, size)) for name in entries)
        factor = (1 / np.array(std, np.float32)).reshape(3, 1, 1)
        if older:
            casts = [self._cast(frame) for frame in (newer, *older)]
            change = self.add("Sub", casts, "change")
            return self.add("Mul", [change, self.constant("pixels.factor", factor)], "normalised")
        if len(set(mean)) == len(set(std)) == 1 and float(mean[0]).is_integer():
            scale = self.constant("pixels.scale", np.array(1 / std[0], np.float32))
            zero = self.constant("pixels.zero_point", np.array(mean[0], np.uint8))
            return self.add("DequantizeLinear", [newer, scale, zero], "normalised")
        less = self.constant("pixels.mean", np.array(mean, np.float32).reshape(3, 1, 1))
        centred = self.add("Sub", [self._cast(newer), less], "centred")
        return self.add("Mul", [centred, self.constant("pixels.factor", factor)], "normalised")

    def _cast(self, frame: ir.Value) -> ir.Value:
        return self.add("Cast", [frame], f"{frame.name}.float", to=ir.DataType.FLOAT)

    def convolution(
        self, x: ir.Value, name: str, w: Float, b: Float, *, groups: int = 1, stride: int = 1,
        pads: int | tuple[int, int] | None = None, activation: str | None = None,
    ) -> ir.Value:  # fmt: skip
        """A convolution with bias, square in every respect, and its activation ("Relu" or "Relu6").

        w is (outputs, inputs / groups, k, k). `pads` default to k // 2 on all sides; two numbers: before, after.
        """
        kernel = w.shape[2]
        before, after = (kernel // 2,) * 2 if pads is None else (pads, pads) if isinstance(pads, int) else pads
        inputs = [
            x,
            self.constant(f"{name}.weight", w.astype(np.float32)),
            self.constant(f"{name}.bias", b.astype(np.float32)),
        ]
        out = self.add(
            "Conv", inputs, name, kernel_shape=[kernel, kernel], strides=[stride, stride],
            pads=[before, before, after, after], group=groups,
        )  # fmt: skip
        if activation == "Relu":
            return self.add("Relu", [out], f"{name}.relu")
        if activation == "Relu6":
            bounds = self.constant("zero", np.float32(0)), self.constant("six", np.float32(6))
            return self.add("Clip", [out, *bounds], f"{name}.relu6")
        return out

    def model(self, name: str, output: ir.Value, shape: Sequence[int]) -> onnx.ModelProto:
        """The finished model.

        Parameters
        ----------
        name : str
            The graph's.
        output : onnx_ir.Value
            What the model gives, float32.
        shape : sequence of int
            The output's.

        Raises
        ------
        onnx.checker.ValidationError, onnx.shape_inference.InferenceError
            The nodes do not fit together.
        """
        output.shape, output.type = ir.Shape(shape), ir.TensorType(ir.DataType.FLOAT)
        graph = ir.Graph(
            self._inputs, [output], nodes=self._nodes, initializers=list(self._constants.values()),
            opset_imports={"": OPSET}, name=name,
        )  # fmt: skip
        return finished(ir.Model(graph, ir_version=IR_VERSION, producer_name="edgevtn"))
