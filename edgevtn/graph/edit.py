"""From an ONNX model to a graph that can be edited, the small tools for that, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir
from onnx_ir.passes.common import NameFixPass, RemoveUnusedNodesPass

from edgevtn.arrays import Array


def editable(model: onnx.ModelProto) -> ir.Model:
    """A copy of a model that can be edited.

    Parameters
    ----------
    model : onnx.ModelProto
        Is left as it is.

    Returns
    -------
    onnx_ir.Model
        Every node in it has a name.
    """
    return ir.from_proto(model)


def remove_unused(model: ir.Model) -> None:
    """Remove nodes and constants that no output depends on, in place.

    Parameters
    ----------
    model : onnx_ir.Model
    """
    RemoveUnusedNodesPass()(model)


def finished(model: ir.Model) -> onnx.ModelProto:
    """The edited model, without what is no longer used.

    Parameters
    ----------
    model : onnx_ir.Model

    Returns
    -------
    onnx.ModelProto
        It has the opset and the IR version of `model`.

    Raises
    ------
    onnx.checker.ValidationError, onnx.shape_inference.InferenceError
        It is no valid model, or its shapes do not fit together.
    """
    remove_unused(model)
    result = ir.to_proto(model)
    onnx.checker.check_model(result, full_check=True)
    return result


def named(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a name of its own for every node, which the quantiser and the report go by.

    Parameters
    ----------
    model : onnx.ModelProto

    Returns
    -------
    onnx.ModelProto
    """
    edited = editable(model)
    NameFixPass()(edited)
    return ir.to_proto(edited)


def convolutions(model: ir.Model) -> list[ir.Node]:
    """The convolutions of a graph.

    Parameters
    ----------
    model : onnx_ir.Model

    Returns
    -------
    list of onnx_ir.Node
        In order of execution.
    """
    return [node for node in model.graph if node.op_type == "Conv"]


def groups(convolution: ir.Node) -> int:
    """The number of groups of a convolution.

    Parameters
    ----------
    convolution : onnx_ir.Node

    Returns
    -------
    int
        As many as channels if it is depthwise.
    """
    attribute = convolution.attributes.get("group")
    return 1 if attribute is None else attribute.as_int()


def constant(value: ir.Value | None) -> Array | None:
    """What a value is if it is stored in the model.

    Parameters
    ----------
    value : onnx_ir.Value, optional
        Absent where a node has no such input.

    Returns
    -------
    array, optional
        None if the value is computed, an input, or absent.
    """
    if value is None or value.const_value is None:
        return None
    return value.const_value.numpy()


def stored(value: ir.Value | None) -> Array:
    """What a value is that must be stored in the model.

    Parameters
    ----------
    value : onnx_ir.Value, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        It is computed, an input, or absent.
    """
    array = constant(value)
    if array is None:
        raise ValueError(f"{value.name if value is not None else 'a missing input'!r} is not constant")
    return array


def new_constant(name: str, array: npt.ArrayLike) -> ir.Value:
    """A constant that belongs to no graph yet.

    Parameters
    ----------
    name : str
    array : array-like
        Is copied where it is not contiguous.

    Returns
    -------
    onnx_ir.Value
    """
    return ir.val(name, const_value=ir.tensor(np.asarray(array, order="C"), name=name))


def add_constant(model: ir.Model, name: str, array: npt.ArrayLike) -> ir.Value:
    """Store a constant in a model, in place.

    Parameters
    ----------
    model : onnx_ir.Model
    name : str
        Another is used where this one is in use.
    array : array-like

    Returns
    -------
    onnx_ir.Value
    """
    used = ir.convenience.create_value_mapping(model.graph)
    while name in used:
        name += "_"
    value = new_constant(name, array)
    model.graph.register_initializer(value)
    return value


def set_constant(value: ir.Value | None, array: npt.ArrayLike) -> None:
    """Overwrite a stored constant, in place.

    Parameters
    ----------
    value : onnx_ir.Value
        Keeps its name.
    array : array-like
        May have another shape and type.
    """
    assert value is not None
    fresh = new_constant(value.name or "", array)
    value.const_value, value.shape, value.type = fresh.const_value, fresh.shape, fresh.type


def new_node(
    kind: str,
    inputs: Sequence[ir.Value | None],
    output: str | Sequence[str],
    attributes: dict[str, Any] | None = None,
) -> ir.Node:
    """A node that belongs to no graph yet.

    Parameters
    ----------
    kind : str
        The ONNX operator.
    inputs : sequence of onnx_ir.Value
        None for an optional one that is absent.
    output : str, or sequence of str
        Names of what it gives; the first is the node's name, too.
    attributes : dict, optional
        Numbers, texts, or lists of them.

    Returns
    -------
    onnx_ir.Node
    """
    names = [output] if isinstance(output, str) else output
    return ir.node(kind, inputs, attributes, outputs=[ir.val(name) for name in names], name=names[0])


def insert_first(model: ir.Model, *nodes: ir.Node) -> ir.Value:
    """Put nodes at the front of the graph, in place.

    Parameters
    ----------
    model : onnx_ir.Model
    nodes : onnx_ir.Node
        In their order.

    Returns
    -------
    onnx_ir.Value
        The first output of the last of them.
    """
    if len(model.graph):
        model.graph.insert_before(model.graph[0], nodes)
    else:
        model.graph.extend(nodes)
    return nodes[-1].outputs[0]


def forget_shapes(model: ir.Model) -> None:
    """Forget, in place, what the graph states of the shapes of its inner values; ONNX infers them anew.

    Parameters
    ----------
    model : onnx_ir.Model
        After a change to shapes.
    """
    for node in model.graph:
        for value in node.outputs:
            if not value.is_graph_output():
                value.shape = value.type = None
