"""The decoder step against others on the same weights and windows; one thread each."""

import numpy as np
import onnxruntime
import openvino
import pytest
import torch
from decoder_onnx import decoder_onnx
from encoders import decoder_weights, head

from edgevtn.kernels import reference
from edgevtn.training.learn.model import Decoder as TorchDecoder
from edgevtn.training.recipe import Recipe

#: T, D, L, K: the bundled model's, a middle one's, and the published ResNet-34-VTN's.
SIZES = {"bundled": (16, 128, 2, 9), "d256": (16, 256, 4, 101), "published": (16, 512, 4, 400)}
WAYS = ("edgevtn fp32", "edgevtn int8", "onnxruntime fp32", "openvino default", "numpy", "torch")


def filled(size, precision):
    decoder = head(*size, precision)
    window = np.random.default_rng(0).standard_normal(size[:2]).astype(np.float32)
    for row in window:
        decoder.push(row[None])
    return decoder, window


def step_of(way, size):
    """A step as a stream makes it, and its window: one new embedding, then the window's logits."""
    T, D, L, K = size
    weights = decoder_weights(*size)
    if way.startswith("edgevtn"):
        decoder, window = filled(size, way.split()[1])

        def step():
            decoder.push(window[:1])
            return decoder()

        return decoder, step
    window = filled(size, "fp32")[1]
    graph = decoder_onnx(weights, 8, D**-0.5).SerializeToString()
    if way.startswith("onnxruntime"):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        return (lambda: session.run(None, {"embeddings": window})[0][0],) * 2
    if way.startswith("openvino"):
        core = openvino.Core()
        request = core.compile_model(
            core.read_model(graph, b""), "CPU", {"INFERENCE_NUM_THREADS": 1}
        ).create_infer_request()
        return (lambda: request.infer({0: window})[0][0],) * 2
    if way == "numpy":
        return (lambda: reference.vtn(window, weights, 8, D**-0.5, True),) * 2
    recipe = Recipe(window_len=T, embed_dim=D, heads=8, layers=L, ffn_dim=2 * D)
    model = TorchDecoder(D, recipe, K).eval()
    with torch.no_grad():
        for name, value in weights.items():
            getattr(model, name).copy_(torch.from_numpy(value))
    inputs = torch.from_numpy(window[None])

    def forward():
        with torch.inference_mode():
            return model.decode(inputs)[0].numpy()

    return forward, forward


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", WAYS)
def test_decoder_step(benchmark, way, size):
    benchmark.group = f"decoder step, {size}: T, D, L, K = {', '.join(map(str, SIZES[size]))}"
    once, step = step_of(way, SIZES[size])
    window = filled(SIZES[size], "fp32")[1]
    D = SIZES[size][1]
    expected = reference.vtn(window, decoder_weights(*SIZES[size]), 8, D**-0.5, True)
    # bf16, which is OpenVINO's default where there is such an instruction, and int8 are rougher.
    rough = way in ("edgevtn int8", "openvino default")
    tolerance = (0.1 if rough else 1e-3) * np.abs(expected).max()
    np.testing.assert_allclose(once(), expected, atol=tolerance)
    benchmark(step)


@pytest.mark.parametrize("way", WAYS[:4])
def test_decoder_step_between_frames(benchmark, way):
    """As in a stream, where an encoder runs between two steps: the weights are not in the near caches."""
    size = SIZES["published"]
    benchmark.group = f"decoder step between frames: T, D, L, K = {', '.join(map(str, size))}"
    step = step_of(way, size)[1]
    elsewhere = np.ones(2 * 2**20, np.float64)  # 16 MB, more than any near cache
    benchmark.pedantic(step, setup=lambda: (elsewhere.sum(), None)[1], rounds=200, warmup_rounds=5)


@pytest.mark.parametrize("T", [8, 16, 32, 64])
@pytest.mark.parametrize("D", [128, 256, 512])
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_growth(benchmark, precision, T, D):
    """How the cost grows with the window and the width; K = 400."""
    size = (T, D, 4, 400)
    benchmark.group = f"decoder growth, D {D}"
    # A multiply-accumulate count: what a step cannot avoid.
    benchmark.extra_info["macs"] = T * (3 * 3 * D * D + 4 * 4 * D * D + 2 * 4 * T * D) + 3 * D * D + D * 400
    decoder, window = filled(size, precision)
    expected = reference.vtn(window, decoder_weights(*size), 8, D**-0.5, True)
    np.testing.assert_allclose(
        decoder(), expected, atol=(0.1 if precision == "int8" else 1e-3) * np.abs(expected).max()
    )

    def step():
        decoder.push(window[:1])
        decoder()

    benchmark(step)


@pytest.mark.parametrize("K", [9, 101, 400, 2000])
def test_classes(benchmark, K):
    """How the cost grows with the classes: hardly, since they are pooled for first."""
    benchmark.group = "decoder growth, classes"
    decoder, window = filled((16, 512, 4, K), "int8")

    def step():
        decoder.push(window[:1])
        decoder()

    benchmark(step)
