"""Encoders of the difference of two frames, brought to one input and back.

The difference is a picture itself: uint8, `UNCHANGED` where nothing changed. Of that picture an encoder is quantised
like any other. Changes of more than 127 grey levels are cut off there; a moving edge seldom makes them.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Pixels = npt.NDArray[np.uint8]

#: The difference's zero.
UNCHANGED = 128


def difference(newer: Pixels, older: Pixels) -> Pixels:
    """The picture of what changed, uint8 of the frames' shape: ``newer - older + UNCHANGED``, cut to 0 to 255."""
    change = newer.astype(np.int16) - older + UNCHANGED
    picture: Pixels = np.clip(change, 0, 255).astype(np.uint8)
    return picture


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
    model = copy.deepcopy(encoder)
    graph = model.graph
    casts = {node.output[0]: node for node in graph.node if node.op_type == "Cast"}
    subtract = next((node for node in graph.node if node.op_type == "Sub" and set(node.input) <= casts.keys()), None)
    names = [entry.name for entry in graph.input]
    if subtract is None or [casts[name].input[0] for name in subtract.input] != names:
        raise ValueError(
            "expected an encoder that casts its two inputs to float and subtracts the second from the first"
        )
    for node in [casts[name] for name in subtract.input]:
        graph.node.remove(node)
    graph.input[0].name = "difference"
    del graph.input[1]
    facts: dict[str, Any] = {
        "difference.scale": np.array(1, np.float32),
        "difference.zero_point": np.array(UNCHANGED, np.uint8),
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in facts.items())
    place = list(graph.node).index(subtract)
    graph.node.remove(subtract)
    graph.node.insert(
        place, helper.make_node("DequantizeLinear", ["difference", *facts], list(subtract.output), name="difference")
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def of_two_frames(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """An encoder of the picture of a difference as one of two frames: ``pixels``, the newer, and ``previous``."""
    model = copy.deepcopy(encoder)
    graph = model.graph
    picture = graph.input[0].name
    shape = [axis.dim_value for axis in graph.input[0].type.tensor_type.shape.dim]
    entries = ["pixels", "previous"]
    del graph.input[:]
    graph.input.extend(helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name in entries)
    facts: dict[str, Any] = {
        "frames.scale": np.array(1, np.float32),
        "frames.zero_point": np.array(UNCHANGED, np.uint8),
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in facts.items())
    nodes = [
        helper.make_node("Cast", [name], [f"{name}.float"], name=f"{name}.float", to=TensorProto.FLOAT)
        for name in entries
    ]
    nodes.append(
        helper.make_node("Sub", [f"{name}.float" for name in entries], ["frames.change"], name="frames.change")
    )
    nodes.append(helper.make_node("QuantizeLinear", ["frames.change", *facts], [picture], name="frames.picture"))
    for place, node in enumerate(nodes):
        graph.node.insert(place, node)
    onnx.checker.check_model(model, full_check=True)
    return model
