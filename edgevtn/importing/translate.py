"""An OpenVINO graph into an ONNX one: each operation into its counterpart, FakeQuantize into QDQ."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from edgevtn.importing.operations import OPERATIONS
from edgevtn.importing.quantised import as_bias
from edgevtn.importing.translation import Translation, name_of, shape_of


def translate(file: str, model: Any, *, pixels: bool) -> onnx.ModelProto:
    """The whole graph.

    Parameters
    ----------
    file : str
        For messages.
    model : openvino.Model
        One input, one output.
    pixels : bool
        Whether it is an encoder: its input becomes uint8 ``pixels``, and its output ``features`` (1, W).

    Raises
    ------
    ModelFileError
        It has an operation that is not known here, or a shape that is not fixed.
    """
    to = Translation(file)
    (source,), (sink,) = model.inputs, model.outputs
    to.give(source, _entry(to, source, pixels))
    for node in model.get_ordered_ops():
        if node.get_type_name() not in ("Parameter", "Result", "Constant") and not to.is_constant(node.output(0)):
            _translate_node(to, node)
    result, shape = to.value(sink.get_node().input(0).get_source_output()), shape_of(sink)
    if pixels:
        result, shape = to.graph.add("Flatten", [result], "features"), [1, int(np.prod(shape))]
    else:
        result = to.graph.add("Identity", [result], "logits")
    return to.graph.model(model.get_friendly_name() or "model", result, shape)


def _entry(to: Translation, source: Any, pixels: bool) -> ir.Value:
    """The graph's input, in float."""
    if not pixels:
        return to.graph.input(name_of(source), ir.DataType.FLOAT, shape_of(source))
    entry = to.graph.input("pixels", ir.DataType.UINT8, shape_of(source))
    # As a dequantisation, not a cast: quantisation may then begin with the pixel itself.
    facts = [
        to.graph.constant("pixels.scale", np.float32(1)),
        to.graph.constant("pixels.zero_point", np.uint8(0)),
    ]
    return to.graph.add("DequantizeLinear", [entry, *facts], name_of(source))


def _translate_node(to: Translation, node: Any) -> None:
    kind = node.get_type_name()
    if not all(port.get_partial_shape().is_static for port in node.outputs()):
        raise to.bad(node, "has a shape that is not fixed; export the model with a fixed input shape")
    bias = as_bias(to, node) if kind == "Add" else None
    if bias is not None:
        to.give(node.output(0), bias)
        return
    if kind not in OPERATIONS:
        raise to.bad(node, "is not an operation that can be translated")
    inputs = [to.value(entry.get_source_output()) for entry in node.inputs()]
    results = OPERATIONS[kind](to, node, name_of(node.output(0)), inputs)
    ports = node.outputs()
    for port, value in zip(ports, [results] if isinstance(results, ir.Value) else results, strict=False):
        to.give(port, value)
