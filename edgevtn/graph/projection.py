"""A linear layer at the end of an encoder, cut off."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir

from edgevtn.arrays import Float
from edgevtn.graph.edit import constant, editable, finished

#: What the output of an encoder is called.
OUTPUT = "features"


def split_projection(encoder: onnx.ModelProto) -> tuple[onnx.ModelProto, Float, Float] | None:
    """An encoder and the linear layer at its end, apart: ``what it gave = features @ w + b``.

    Parameters
    ----------
    encoder : onnx.ModelProto
        float32 or quantised, with one output (1, N).

    Returns
    -------
    encoder : onnx.ModelProto
        Gives ``features``, float32 (1, W).
    w : float32 (W, N)
    b : float32 (N,)
        Or None in place of all three: its last node is no Gemm, MatMul, or MatMul with an Add, with constant weights.
    """
    model = editable(encoder)
    found = _linear(model.graph.outputs[0])
    shape = model.graph.outputs[0].shape
    if found is None or found[1].ndim != 2 or shape is None or len(shape) != 2:
        return None
    inner, w, b = found
    W, N = w.shape
    bias = np.ascontiguousarray(np.broadcast_to(np.ravel(b), N), np.float32)
    named = ir.convenience.create_value_mapping(model.graph)
    if named.get(OUTPUT, inner) is not inner:  # an inner tensor, or what is cut off, has that name
        named[OUTPUT].name = f"{OUTPUT}.former"
    inner.name = OUTPUT
    inner.shape, inner.type = ir.Shape([1, W]), ir.TensorType(ir.DataType.FLOAT)
    model.graph.outputs[0] = inner
    return finished(model), np.ascontiguousarray(w, np.float32), bias


def _linear(output: ir.Value) -> tuple[ir.Value, Float, Float] | None:
    """What goes into the linear layer that gives `output`, its weights (W, N), and its bias, which broadcasts."""
    node, b = output.producer(), np.zeros(1, np.float32)
    if node is not None and node.op_type == "Add":
        added = [constant(value) for value in node.inputs]
        product = node.inputs[0] if added[0] is None else node.inputs[1]
        bias = added[1] if added[0] is None else added[0]
        node = None if product is None else product.producer()
        if bias is None or node is None or node.op_type != "MatMul":
            return None
        b = bias
    if node is None or node.op_type not in ("Gemm", "MatMul"):
        return None
    inner, w = node.inputs[0], constant(node.inputs[1])
    if inner is None or inner.producer() is None or w is None:
        return None
    if node.op_type == "Gemm":
        facts = {name: attribute.value for name, attribute in node.attributes.items()}
        if facts.get("transA", 0):
            return None
        w = facts.get("alpha", 1.0) * (w.T if facts.get("transB", 0) else w)
        if len(node.inputs) > 2 and node.inputs[2] is not None:
            bias = constant(node.inputs[2])
            if bias is None:
                return None
            b = facts.get("beta", 1.0) * bias
    return inner, w, b
