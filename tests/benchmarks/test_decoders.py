"""Our decoder against onnxruntime's on the same weights and windows, at the published models' sizes."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from decoder_onnx import decoder_onnx
from tiny import random_decoder, tiny_facts

from edgevtn._bundle import Bundle
from edgevtn._decoder import Decoder
from edgevtn._model import Model
from edgevtn.kernels import reference

#: T, D, L, K: the bundled model's, MobileNetV2-VTN's, and the published ResNet-34-VTN's.
SIZES = {"bundled": (16, 128, 2, 9), "d256": (16, 256, 4, 101), "published": (16, 512, 4, 400)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", ["edgevtn", "onnxruntime"])
def test_decoder_step(benchmark, way, size):
    """A step as a stream makes it: one new embedding, then the window's logits. One thread each."""
    benchmark.group = f"decoder step, {size}, fp32, 1 thread"
    T, D, L, K = SIZES[size]
    facts = tiny_facts(
        clip_len=T, embed_dim=D, heads=8, layers=L, ffn_dim=2 * D, attention_scale=D**-0.5,
        labels=[str(k) for k in range(K)],
    )  # fmt: skip
    weights = random_decoder(facts)
    decoder = Decoder(Bundle(Path(), Model(**facts, sha256={}), b"", weights))
    window = np.random.default_rng(0).standard_normal((T, D)).astype(np.float32)
    for row in window:
        decoder.push(row[None])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        decoder_onnx(weights, 8, D**-0.5).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    expected = reference.vtn(window, weights, 8, D**-0.5, True)
    tolerance = {"rtol": 1e-3, "atol": 1e-3}
    np.testing.assert_allclose(decoder(), expected, **tolerance)
    np.testing.assert_allclose(session.run(None, {"embeddings": window})[0][0], expected, **tolerance)
    if way == "edgevtn":

        def step():
            decoder.push(window[:1])
            return decoder()

    else:

        def step():
            return session.run(None, {"embeddings": window})

    benchmark(step)
