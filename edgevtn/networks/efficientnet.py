"""EfficientNet-Lite0, 1, 2: Tan and Le, arXiv 1905.11946, with ReLU6 for swish and no squeeze-and-excitation.

Widths and depths are read from the tensors, whose names are those of the package `efficientnet-lite-pytorch`.
"""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir

from edgevtn.arrays import Float
from edgevtn.graph.build import Graph, Weights, fold

BATCH_NORM_EPSILON = 1e-3
#: What the weights were trained with, on pixel values 0 to 255.
MEAN, STD = (127.0,) * 3, (128.0,) * 3
#: Picture side of each variant, by its number of blocks and its width before the head.
INPUT_SIZES = {(16, 320): 224, (21, 320): 240, (21, 352): 260}


@dataclass(frozen=True)
class Stage:
    """Blocks whose first has the stride."""

    repeats: int
    stride: int


def stages(blocks: int) -> tuple[Stage, ...]:
    """The seven stages of a network with so many blocks; the first and the last never grow.

    Raises
    ------
    ValueError
        No variant has so many blocks.
    """
    repeats = {16: (1, 2, 2, 3, 3, 4, 1), 21: (1, 3, 3, 4, 4, 5, 1)}
    if blocks not in repeats:
        raise ValueError(f"expected the 16 blocks of EfficientNet-Lite0 or the 21 of Lite1 and Lite2, got {blocks}")
    return tuple(Stage(count, stride) for count, stride in zip(repeats[blocks], (1, 2, 2, 2, 1, 2, 1), strict=True))


def efficientnet_lite(graph: Graph, x: ir.Value, weights: Weights, size: int) -> tuple[ir.Value, int]:
    """The network up to its last activation; returns that tensor and its channels. `size` is the picture's side."""

    def same(kernel: int, stride: int) -> tuple[int, int]:
        """TensorFlow's SAME: what is missing for ceil(size / stride) outputs, the odd pixel at the end."""
        nonlocal size
        wanted = -(-size // stride)
        missing = max(0, (wanted - 1) * stride + kernel - size)
        size = wanted
        return missing // 2, missing - missing // 2

    def folded(convolution: str, norm: str) -> tuple[Float, Float]:
        return fold(weights, convolution, norm, BATCH_NORM_EPSILON)

    x = graph.convolution(x, "stem", *folded("_conv_stem", "_bn0"), stride=2, pads=same(3, 2), activation="Relu6")
    block = 0
    for stage in stages(block_count(weights)):
        for repeat in range(stage.repeats):
            stride = stage.stride if repeat == 0 else 1
            source, prefix, name = x, f"_blocks.{block}", f"block{block}"
            if f"{prefix}._expand_conv.weight" in weights:
                w, b = folded(f"{prefix}._expand_conv", f"{prefix}._bn0")
                x = graph.convolution(x, f"{name}.expand", w, b, activation="Relu6")
            w, b = folded(f"{prefix}._depthwise_conv", f"{prefix}._bn1")
            pads = same(w.shape[2], stride)
            x = graph.convolution(
                x, f"{name}.depthwise", w, b, groups=len(w), stride=stride, pads=pads, activation="Relu6"
            )
            w, b = folded(f"{prefix}._project_conv", f"{prefix}._bn2")
            x = graph.convolution(x, f"{name}.project", w, b)
            if repeat > 0:
                x = graph.add("Add", [x, source], f"{name}.sum")
            block += 1
    w, b = folded("_conv_head", "_bn1")
    return graph.convolution(x, "head", w, b, activation="Relu6"), len(w)


def input_size(weights: Weights) -> int:
    """Side of the pictures that this variant was trained on: 224, 240 or 260.

    Raises
    ------
    ValueError
        It is none of the three.
    """
    blocks = block_count(weights)
    width = len(weights[f"_blocks.{blocks - 1}._project_conv.weight"])
    if (blocks, width) not in INPUT_SIZES:
        raise ValueError(f"expected EfficientNet-Lite0, 1 or 2, got one with {blocks} blocks that end {width} wide")
    return INPUT_SIZES[blocks, width]


def block_count(weights: Weights) -> int:
    """Number of blocks."""
    return 1 + max((int(name.split(".")[1]) for name in weights if name.startswith("_blocks.")), default=-1)
