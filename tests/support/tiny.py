"""A model small enough to make in a test, and frames for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgevtn.heads import KINDS, HeadFacts

SIZE, WIDTH = 32, 32


def tiny_encoder(seed: int = 0) -> onnx.ModelProto:
    """uint8 (1, 3, 32, 32) -> float32 (1, 32): a mean over 8x8 pixels, then a random matrix."""
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((3 * 16, WIDTH)).astype(np.float32)
    nodes = [
        helper.make_node("DequantizeLinear", ["pixels", "scale", "zero"], ["x"]),
        helper.make_node("AveragePool", ["x"], ["mean"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["features"]),
    ]
    constants = {"scale": np.float32(1 / 128).reshape(()), "zero": np.uint8(127).reshape(()), "w": w}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, WIDTH])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def tiny_difference(seed: int = 0) -> onnx.ModelProto:
    """The same of the difference of two frames, `pixels` less `previous`."""
    model = tiny_encoder(seed)
    graph = model.graph
    graph.input.append(helper.make_tensor_value_info("previous", TensorProto.UINT8, [1, 3, SIZE, SIZE]))
    front = [
        helper.make_node("Cast", ["pixels"], ["newer"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["previous"], ["older"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["newer", "older"], ["change"]),
        helper.make_node("Mul", ["change", "scale"], ["x"]),
    ]
    del graph.node[0]
    for place, node in enumerate(front):
        graph.node.insert(place, node)
    return model


ENCODER_FACTS = ("input_size", "color_order", "mean", "std", "modality", "width", "sizes", "difference_interval")
HEAD_FACTS = (
    "kind", "window_len", "embed_dim", "heads", "layers", "ffn_dim", "attention_scale", "layer_norm", "motion",
    "projection", "statistics", "moves",
)  # fmt: skip


def tiny_facts(**changes: Any) -> dict[str, Any]:
    """The facts of a tiny VTN; changes are named flat, wherever they stand in ``model.json``."""
    flat: dict[str, Any] = {
        "name": "tiny", "source": "a test", "license": "none", "labels": ["a", "b", "c"], "frame_rate": 10.0,
        "input_size": SIZE, "color_order": "RGB", "mean": [127, 127, 127], "std": [128, 128, 128], "modality": "rgb",
        "width": WIDTH, "kind": "vtn", "window_len": 4, "embed_dim": WIDTH, "heads": 4, "layers": 2, "ffn_dim": 64,
        "attention_scale": WIDTH**-0.5, "layer_norm": "vtn", "motion": "none", "projection": False,
        "quantization": {}, "accuracy": {},
    }  # fmt: skip
    flat |= changes
    if flat["modality"] == "rgbdiff":
        flat.setdefault("difference_interval", 1 / flat["frame_rate"])
    if flat["kind"] != "vtn":
        flat = {name: value for name, value in flat.items() if name not in HEAD_FACTS[2:] or name in changes}
    facts = {name: value for name, value in flat.items() if name not in ENCODER_FACTS + HEAD_FACTS}
    facts["encoder"] = {name: flat[name] for name in ENCODER_FACTS if name in flat}
    facts["head"] = {name: flat[name] for name in HEAD_FACTS if name in flat}
    return facts


def head_facts(facts: dict[str, Any]) -> HeadFacts:
    """The head's facts as the runtime has them."""
    own = dict(facts["head"])
    return KINDS[own.pop("kind")].read(own, facts["encoder"]["width"], len(facts["labels"]), "a test")


def random_head(facts: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    """Arrays of the right shapes, of a size at which every part of the head matters."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, shape in head_facts(facts).shapes().items():
        values = rng.standard_normal(shape)
        if name.startswith("w_"):
            values *= 1.5 * shape[-2] ** -0.5
        arrays[name] = (1 + 0.2 * values if name.startswith("gain") else values).astype(np.float32)
    return arrays


def moving_frames(count: int, height: int = 48, width: int = 64, seed: int = 0) -> list[Any]:
    """Random smooth frames, uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8))
