"""A model small enough to make in a test, and frames for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgevtn.bundle.facts import Model, decoder_shapes

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


def tiny_facts(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": "tiny", "source": "a test", "license": "none", "input_size": SIZE, "color_order": "RGB",
        "mean": [127, 127, 127], "std": [128, 128, 128], "frame_rate": 10.0, "clip_len": 4, "embed_dim": WIDTH,
        "heads": 4, "layers": 2, "ffn_dim": 64, "attention_scale": WIDTH**-0.5, "layer_norm": "vtn",
        "modality": "rgb", "motion": False, "labels": ["a", "b", "c"], "quantization": {}, "accuracy": {},
    }  # fmt: skip
    return facts | changes


def random_decoder(facts: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    """Arrays of the right shapes, of a size at which every part of the decoder matters."""
    rng = np.random.default_rng(seed)
    model = Model(**(facts | {"sha256": {}}))
    arrays = {}
    for name, shape in decoder_shapes(model).items():
        values = rng.standard_normal(shape)
        if name.startswith("w_"):
            values *= 1.5 * shape[-2] ** -0.5
        arrays[name] = (1 + 0.2 * values if name.startswith("gain") else values).astype(np.float32)
    return arrays


def moving_frames(count: int, height: int = 48, width: int = 64, seed: int = 0) -> list[Any]:
    """Random smooth frames, uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8))
