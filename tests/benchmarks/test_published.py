"""The genuine INT8 encoder as imported, against the same network in float32 and against OpenVINO on the IR."""

import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
from onnx import numpy_helper

from edgevtn.graph.blocks import by_blocks
from edgevtn.graph.pixels import pixels_first
from edgevtn.importing.ir import read_network, translated
from edgevtn.kernels.prepare import by_blocks as pixels_by_blocks

SHARED = Path(os.environ.get("EDGEVTN_SHARED", Path(__file__).parents[3] / "shared"))
NAME = "driver-action-recognition-adas-0002-encoder"
FILE = SHARED / "models" / NAME / f"{NAME}.xml"

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="needs the shared data folder (EDGEVTN_SHARED)")


def dequantised(model):
    """The same graph without its rounding: weights and biases in float32, activations as they are."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    graph = model.graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    quantised = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    renamed, kept = {}, []
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in stored:
            values, scale = (stored[name].astype(np.float32) for name in node.input[:2])
            wide = scale.reshape(-1, *[1] * (values.ndim - 1)) if scale.ndim else scale
            graph.initializer.append(numpy_helper.from_array((values * wide).astype(np.float32), node.output[0]))
        elif node.op_type == "DequantizeLinear" and node.input[0] in quantised:
            renamed[node.output[0]] = quantised[node.input[0]]
        elif node.op_type != "QuantizeLinear":
            kept.append(node)
    for node in kept:
        for index, name in enumerate(node.input):
            while name in renamed:
                name = renamed[name]
            node.input[index] = name
    del graph.node[:]
    graph.node.extend(kept)
    return model


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    running = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda pixels: running.run(None, {"pixels": pixels})[0][0]


@pytest.mark.parametrize("way", ["as imported, int8", "dequantised, fp32", "openvino"])
def test_published_int8_encoder(benchmark, way):
    benchmark.group = "published INT8 encoder, driver-action-recognition-adas-0002, 1 thread"
    model = translated(FILE, read_network(FILE), pixels=True)
    pixels = np.ascontiguousarray(np.load(FILE.parent / "expected.npz")["frames_bgr"][0].transpose(2, 0, 1))[None]
    if way == "openvino":
        request = openvino.Core().compile_model(str(FILE), "CPU", {"INFERENCE_NUM_THREADS": 1}).create_infer_request()
        values = pixels.astype(np.float32)

        def run():
            return request.infer({0: values})[0].reshape(-1)
    else:
        imported = way.startswith("as")
        encode = session(by_blocks(pixels_first(model)) if imported else dequantised(model))
        entry = pixels_by_blocks(pixels) if imported else pixels

        def run():
            return encode(entry)

    expected = session(model)(pixels)
    assert (run() * expected).sum() > 0.9 * np.linalg.norm(run()) * np.linalg.norm(expected)
    benchmark(run)
