"""Collects the nodes of an encoder: normalisation, convolutions with their batch norm folded in, pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Float = npt.NDArray[np.float32]
Weights = Mapping[str, Float]

OPSET = 17  # the first that every onnxruntime since 1.13 runs and that the quantiser needs nothing newer than
IR_VERSION = 8  # what opset 17 came with; newer ones are refused by older runtimes
BATCH_NORM_EPSILON = 1e-5  # PyTorch's default


def fold(weights: Weights, convolution: str, norm: str, epsilon: float = BATCH_NORM_EPSILON) -> tuple[Float, Float]:
    """Weight and bias of a convolution with the batch norm that follows it.

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
    """An ONNX graph under construction; every method that adds a node returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: list[str] = []

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def pixels(self, mean: Sequence[float], std: Sequence[float], difference: bool = False) -> str:
        """Normalised pixels, or with `difference` those of a frame less those of the frame before it.

        Where one whole mean and one deviation serve all channels, the normalisation is a DequantizeLinear, and in
        INT8 the pixel *is* the first quantised tensor.
        """
        self.inputs = ["pixels", "previous"] if difference else ["pixels"]
        factor = (1 / np.array(std, np.float32)).reshape(3, 1, 1)
        if difference:
            newer, older = (self.add("Cast", [name], f"{name}.float", to=TensorProto.FLOAT) for name in self.inputs)
            change = self.add("Sub", [newer, older], "change")
            return self.add("Mul", [change, self.constant("pixels.factor", factor)], "normalised")
        if len(set(mean)) == len(set(std)) == 1 and float(mean[0]).is_integer():
            scale = self.constant("pixels.scale", np.array(1 / std[0], np.float32))
            zero = self.constant("pixels.zero_point", np.array(mean[0], np.uint8))
            return self.add("DequantizeLinear", ["pixels", scale, zero], "normalised")
        x = self.add("Cast", ["pixels"], "pixels.float", to=TensorProto.FLOAT)
        x = self.add("Sub", [x, self.constant("pixels.mean", np.array(mean, np.float32).reshape(3, 1, 1))], "centred")
        return self.add("Mul", [x, self.constant("pixels.factor", factor)], "normalised")

    def convolution(
        self, x: str, name: str, w: Float, b: Float, *, groups: int = 1, stride: int = 1,
        pads: int | tuple[int, int] | None = None, activation: str | None = None,
    ) -> str:  # fmt: skip
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
            if not any(tensor.name == "six" for tensor in self.constants):
                self.constant("zero", np.array(0, np.float32))
                self.constant("six", np.array(6, np.float32))
            return self.add("Clip", [out, "zero", "six"], f"{name}.relu6")
        return out

    def model(self, name: str, size: int, width: int) -> onnx.ModelProto:
        """The finished model: uint8 (1, 3, size, size) inputs, float32 ``embedding`` (1, width)."""
        inputs = [helper.make_tensor_value_info(entry, TensorProto.UINT8, [1, 3, size, size]) for entry in self.inputs]
        outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, width])]
        model = helper.make_model(
            helper.make_graph(self.nodes, name, inputs, outputs, self.constants),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="edgevtn",
        )
        onnx.checker.check_model(model, full_check=True)
        return model
