"""Encoders of the difference of two frames, brought to one input, the picture that `difference` makes, and back."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir

from edgevtn.graph.edit import add_constant, constant, editable, finished, insert_first, new_node
from edgevtn.graph.facts import input_shape
from edgevtn.kernels.difference import UNCHANGED


def of_one_picture(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """An encoder of two frames as one of the picture of their difference.

    Parameters
    ----------
    encoder : onnx.ModelProto
        Two inputs uint8 (1, 3, S, S), the newer frame first; both cast to float, and the older subtracted.

    Returns
    -------
    onnx.ModelProto
        One input ``difference``, uint8 (1, 3, S, S), as `difference` makes it.

    Raises
    ------
    ValueError
        The encoder does not begin so.
    """
    model = editable(encoder)
    graph = model.graph
    subtract = next((node for node in graph if _cast_inputs(node) == list(graph.inputs)), None)
    if subtract is None:
        raise ValueError(
            "expected an encoder that casts its two inputs to float and subtracts the second from the first"
        )
    picture = ir.val("difference", ir.DataType.UINT8, input_shape(encoder))
    rounded = _rounded(subtract.outputs[0])
    if rounded is not None:
        rounded.replace_all_uses_with(picture)
    else:
        scale, zero = _scale(model, "difference")
        dequantise = new_node("DequantizeLinear", [picture, scale, zero], "difference.float")
        subtract.outputs[0].replace_all_uses_with(insert_first(model, dequantise))
    graph.inputs[:] = [picture]
    return finished(model)


def of_two_frames(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """An encoder of the picture of a difference as one of two frames.

    Parameters
    ----------
    encoder : onnx.ModelProto
        As `of_one_picture` gives it, quantised or not.

    Returns
    -------
    onnx.ModelProto
        Two inputs, ``pixels``, the newer, and ``previous``, of the shape that the picture had.
    """
    model = editable(encoder)
    graph = model.graph
    frames = [ir.val(name, ir.DataType.UINT8, input_shape(encoder)) for name in ("pixels", "previous")]
    casts = [new_node("Cast", [frame], f"{frame.name}.float", {"to": ir.DataType.FLOAT}) for frame in frames]
    change = new_node("Sub", [cast.outputs[0] for cast in casts], "frames.change")
    scale, zero = _scale(model, "frames")
    picture = new_node("QuantizeLinear", [change.outputs[0], scale, zero], "frames.picture")
    graph.inputs[0].replace_all_uses_with(picture.outputs[0])
    graph.inputs[:] = frames
    insert_first(model, *casts, change, picture)
    return finished(model)


def _cast_inputs(node: ir.Node) -> list[ir.Value | None]:
    """What a subtraction subtracts, before it was cast: None for what was not; nothing of any other node."""
    if node.op_type != "Sub":
        return []
    casts = [None if value is None else value.producer() for value in node.inputs]
    return [None if cast is None or cast.op_type != "Cast" else cast.inputs[0] for cast in casts]


def _rounded(change: ir.Value) -> ir.Value | None:
    """The picture that `of_two_frames` made of the change, if it did."""
    users = change.consumers()
    if len(users) != 1 or users[0].op_type != "QuantizeLinear":
        return None
    facts = [constant(value) for value in users[0].inputs[1:]]
    return users[0].outputs[0] if facts == [1, UNCHANGED] else None


def _scale(model: ir.Model, name: str) -> tuple[ir.Value, ir.Value]:
    """Constants by which a difference is a picture: steps of one grey level, and its zero."""
    scale = add_constant(model, f"{name}.scale", np.array(1, np.float32))
    return scale, add_constant(model, f"{name}.zero_point", np.array(UNCHANGED, np.uint8))
