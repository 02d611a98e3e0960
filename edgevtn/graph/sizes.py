"""An encoder for pictures of any side: the network is convolutional, and the mean over the picture comes last."""

from __future__ import annotations

import onnx

from edgevtn.bundle.facts import SIZES
from edgevtn.encoder import HALF_SIDE, SIDE
from edgevtn.graph.facts import input_size, takes_blocks

#: Pixels that one step of the coarsest layer stands for, in every network that has a place here.
STRIDE = 32


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


def checked_side(side: int) -> int:
    """The side, if an encoder can have it; ValueError otherwise."""
    if side % STRIDE or not SIZES[0] <= side <= SIZES[1]:
        raise ValueError(f"size must be a multiple of {STRIDE} from {SIZES[0]} to {SIZES[1]} pixels, got {side}")
    return side


def resized(encoder: onnx.ModelProto, side: int) -> onnx.ModelProto:
    """The encoder for pictures of another side than the one it was made for.

    Parameters
    ----------
    encoder : onnx.ModelProto
    side : int
        Pixels: a multiple of `STRIDE`, within what a bundle may say.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ValueError
        The side is none, or something in the encoder is for its own side alone.
    """
    try:
        result = with_side(with_open_side(encoder), checked_side(side))
        onnx.checker.check_model(result, full_check=True)  # infers all shapes, that of the stated output included
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ValueError(f"the encoder is for pictures of {input_size(encoder)} pixels alone, not of {side}") from error
    return result
