"""The VTN decoder as an ONNX graph, from the same arrays: what others run, to compare with."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgevtn.kernels.reference import LAYER_NORM_EPSILON


def decoder_onnx(weights: dict[str, Any], heads: int, scale: float) -> onnx.ModelProto:
    """float32 ``embeddings`` (T, D) -> float32 ``logits`` (1, K); with layer norm; pooled before the classifier."""
    T, D = weights["position"].shape
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(value: Any) -> str:
        name = f"c{len(constants)}"
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"n{len(nodes)}"
        nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    axis = constant(np.array([1], np.int64))

    def layer_norm(z: str, gain: Any, bias: Any) -> str:
        centred = add("Sub", z, add("ReduceMean", z, axes=[1], keepdims=1))
        squares = add("ReduceSum", add("Mul", centred, centred), axis, keepdims=1)
        std = add("Sqrt", add("Mul", squares, constant(np.float32(1 / (D - 1)))))
        normal = add("Div", centred, add("Add", std, constant(LAYER_NORM_EPSILON)))
        return add("Add", add("Mul", normal, constant(gain)), constant(bias))

    split = constant(np.array([T, 3 * heads, D // heads], np.int64))
    join = constant(np.array([T, D], np.int64))
    x = add("Add", "embeddings", constant(weights["position"]))
    for block in range(len(weights["w_q"])):
        w_qkv = np.concatenate([weights[name][block] for name in ("w_q", "w_k", "w_v")], axis=1)
        qkv = add("Reshape", add("MatMul", x, constant(w_qkv)), split)
        heads_first = add("Transpose", qkv, perm=[1, 0, 2])
        sizes = constant(np.array([heads] * 3, np.int64))
        names = [f"{heads_first}.{part}" for part in "qkv"]
        nodes.append(helper.make_node("Split", [heads_first, sizes], names, axis=0))
        scores = add("MatMul", names[0], add("Transpose", names[1], perm=[0, 2, 1]))
        attention = add("Softmax", add("Mul", scores, constant(np.float32(scale))), axis=-1)
        mixed = add("Reshape", add("Transpose", add("MatMul", attention, names[2]), perm=[1, 0, 2]), join)
        x = layer_norm(add("Add", mixed, x), weights["gain_1"][block], weights["bias_1"][block])
        hidden = add("MatMul", x, constant(weights["w_1"][block]))
        hidden = add("Relu", add("Add", hidden, constant(weights["b_1"][block])))
        out = add("Add", add("MatMul", hidden, constant(weights["w_2"][block])), constant(weights["b_2"][block]))
        x = layer_norm(add("Add", out, x), weights["gain_2"][block], weights["bias_2"][block])
    pooled = add("ReduceMean", x, axes=[0], keepdims=1)
    logits = add("MatMul", pooled, constant(weights["w_classes"]))
    nodes.append(helper.make_node("Add", [logits, constant(weights["b_classes"])], ["logits"]))
    graph = helper.make_graph(
        nodes,
        "decoder",
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, [T, D])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, len(weights["b_classes"])])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
