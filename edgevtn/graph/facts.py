"""What an encoder takes and gives, read from its graph."""

from __future__ import annotations

import onnx

from edgevtn.arrays import Pixels
from edgevtn.kernels.prepare import by_blocks


def input_shape(encoder: onnx.ModelProto) -> list[int]:
    """The shape of an encoder's first input.

    Parameters
    ----------
    encoder : onnx.ModelProto

    Returns
    -------
    list of int
    """
    return [axis.dim_value for axis in encoder.graph.input[0].type.tensor_type.shape.dim]


def takes_blocks(encoder: onnx.ModelProto) -> bool:
    """Whether an encoder takes its pixels by 2x2 blocks.

    Parameters
    ----------
    encoder : onnx.ModelProto

    Returns
    -------
    bool
    """
    return input_shape(encoder)[1] == 12


def input_size(encoder: onnx.ModelProto) -> int:
    """S, the side of the pictures (1, 3, S, S) that an encoder is for, whether it takes them by blocks or not.

    Parameters
    ----------
    encoder : onnx.ModelProto

    Returns
    -------
    int
    """
    side = input_shape(encoder)[2]
    return 2 * side if takes_blocks(encoder) else side


def output_width(encoder: onnx.ModelProto) -> int:
    """W, the width of what an encoder gives, (1, W).

    Parameters
    ----------
    encoder : onnx.ModelProto

    Returns
    -------
    int
    """
    return int(encoder.graph.output[0].type.tensor_type.shape.dim[1].dim_value)


def as_input(encoder: onnx.ModelProto, pixels: Pixels) -> Pixels:
    """Pixels in the order that an encoder takes.

    Parameters
    ----------
    encoder : onnx.ModelProto
    pixels : uint8 (1, 3, S, S)

    Returns
    -------
    uint8 (1, 3, S, S) or (1, 12, S / 2, S / 2)
    """
    return by_blocks(pixels) if takes_blocks(encoder) else pixels


def is_quantised(encoder: onnx.ModelProto) -> bool:
    """Whether any tensor but the pixels is an integer already.

    Parameters
    ----------
    encoder : onnx.ModelProto

    Returns
    -------
    bool
    """
    entry = encoder.graph.input[0].name
    return any(
        node.op_type in ("QLinearConv", "ConvInteger", "QuantizeLinear")
        or (node.op_type == "DequantizeLinear" and node.input[0] != entry)
        for node in encoder.graph.node
    )
