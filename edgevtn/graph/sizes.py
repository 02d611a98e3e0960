"""An encoder for pictures of any side: the network is convolutional, and the mean over the picture comes last."""

from __future__ import annotations

import onnx

from edgevtn.encoder import HALF_SIDE, SIDE
from edgevtn.graph.facts import takes_blocks


def with_open_side(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """The encoder with the sides of its pictures left open, to be chosen when it is loaded.

    Parameters
    ----------
    encoder : onnx.ModelProto
        It takes pictures (1, 3, S, S), or by 2x2 blocks (1, 12, S / 2, S / 2). S, and whatever is chosen later,
        should be a multiple of its stride, 32.

    Returns
    -------
    onnx.ModelProto
    """
    result: onnx.ModelProto = onnx.ModelProto.FromString(encoder.SerializeToString())
    for port in result.graph.input:
        for axis in port.type.tensor_type.shape.dim[2:]:
            axis.dim_param = HALF_SIDE if takes_blocks(encoder) else SIDE
    del result.graph.value_info[:]  # shapes inside are those of the side that it had
    onnx.checker.check_model(result, full_check=True)
    return result


def with_side(encoder: onnx.ModelProto, side: int) -> onnx.ModelProto:
    """The encoder for pictures of one side, if it was left open; otherwise as it is.

    Parameters
    ----------
    encoder : onnx.ModelProto
    side : int
        Pixels.

    Returns
    -------
    onnx.ModelProto
    """
    result: onnx.ModelProto = onnx.ModelProto.FromString(encoder.SerializeToString())
    for port in result.graph.input:
        for axis in port.type.tensor_type.shape.dim[2:]:
            if axis.dim_param:
                axis.dim_value = side // 2 if axis.dim_param == HALF_SIDE else side
    return result
