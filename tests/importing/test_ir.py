"""OpenVINO IR, against the authors' outputs and OpenVINO's."""

import shutil

import numpy as np
import onnxruntime
import pytest

openvino = pytest.importorskip("openvino", reason="needs the extra [import]")

from golden import GOLDEN, ir, run_stream  # noqa: E402
from networks import features  # noqa: E402
from onnx import numpy_helper  # noqa: E402

import edgevtn  # noqa: E402
from edgevtn.bundle import load_bundle  # noqa: E402
from edgevtn.graph.blocks import by_blocks  # noqa: E402
from edgevtn.graph.pixels import pixels_first  # noqa: E402
from edgevtn.importing import import_files  # noqa: E402
from edgevtn.importing.ir import read_network, translated  # noqa: E402


def test_golden_ir(shared, tmp_path):
    import_files([ir(shared, "encoder"), ir(shared, "decoder_ln")], tmp_path / "bundle")
    expected = np.load(shared / "golden" / f"{GOLDEN[0]}.npz")
    embeddings, logits = run_stream(tmp_path / "bundle", expected["frames_rgb"])
    # float16 weights.
    assert np.abs(embeddings - expected["embeddings"]).max() <= 1e-2 * np.abs(expected["embeddings"]).max()
    np.testing.assert_allclose(logits, expected["logits"], atol=1e-2)


@pytest.mark.parametrize("kind", ["ln", "noln"])
@pytest.mark.parametrize("way", ["native", "onnx"])
def test_ir_decoders(shared, tmp_path, kind, way, monkeypatch):
    """Both ways for a decoder: recognised, and as the graph it is."""
    if way == "onnx":
        monkeypatch.setattr("edgevtn.importing.ir.native_decoder", lambda *arguments: None)
    import_files([ir(shared, "encoder"), ir(shared, f"decoder_{kind}")], tmp_path / "bundle")
    bundle = load_bundle(tmp_path / "bundle")
    facts = bundle.model.head
    assert facts.kind == ("vtn" if way == "native" else "onnx")
    if way == "native":
        assert facts.layer_norm == ("vtn" if kind == "ln" else "none")
        assert (facts.heads, facts.layers) == (8, 4)
    expected = np.load(shared / "golden" / f"mobilenetv2_vtn_d128_{kind}.npz")
    head = facts.build(bundle.head, bundle.path, "fp32")
    for embedding in expected["embeddings"]:
        head.push(embedding[None])
    np.testing.assert_allclose(head(), expected["logits"], rtol=1e-2, atol=1e-2)
    assert edgevtn.Recognizer(tmp_path / "bundle", start="repeat")(np.zeros((9, 9, 3), np.uint8), 0.0) is not None


@pytest.fixture(scope="module")
def driver(shared):
    name = "driver-action-recognition-adas-0002-encoder"
    return shared / "models" / name / f"{name}.xml"


def test_genuine_int8_encoder(driver):
    """Noise is part of this model: with OpenVINO's own two ways to compute it, cosines are about 0.985."""
    stored = np.load(driver.parent / "expected.npz")
    model = translated(driver, read_network(driver), pixels=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model(str(driver), "CPU")
    ours, theirs = [], []
    for frame in stored["frames_bgr"]:
        pixels = np.ascontiguousarray(frame.transpose(2, 0, 1))[None]
        ours.append(session.run(None, {"pixels": pixels})[0][0])
        theirs.append(compiled(pixels.astype(np.float32))[0].reshape(-1))
    expected = stored["embeddings"].reshape(len(ours), -1)

    def cosine(a, b):
        return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)

    assert cosine(np.array(ours), expected).min() > 0.97
    assert cosine(np.array(ours), np.array(theirs)).min() > 0.97
    # As quantised convolutions, not as a simulation in float.
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("Conv") == 53
    assert kinds.count("QuantizeLinear") >= 60
    dequantised = {node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    assert {node.input[1] for node in model.graph.node if node.op_type == "Conv"} <= dequantised


def test_the_genuine_encoder_begins_with_its_pixels(driver):
    """The integers stay; what is left of the front is the pixel, and the mean is in the bias."""
    model = translated(driver, read_network(driver), pixels=True)
    simpler = pixels_first(model)
    assert [node.op_type for node in simpler.graph.node].count("QuantizeLinear") == 63
    assert {node.op_type for node in simpler.graph.node if "pixels" in node.input} == {"DequantizeLinear"}
    assert "Sub" not in [node.op_type for node in simpler.graph.node]
    a, b = (
        {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.graph.initializer} for graph in (model, simpler)
    )
    kept = [name for name, value in b.items() if value.dtype == np.int8 and value.ndim == 4]
    assert len(kept) == 53
    for name in kept:
        np.testing.assert_array_equal(a[name], b[name])
    frame = np.load(driver.parent / "expected.npz")["frames_bgr"][0]
    pixels = np.ascontiguousarray(frame.transpose(2, 0, 1))[None]
    first, second = (features(graph, [pixels])[0] for graph in (model, simpler))
    assert (first * second).sum() > 0.97 * np.linalg.norm(first) * np.linalg.norm(second)
    blocks = by_blocks(simpler)
    np.testing.assert_array_equal(features(blocks, [pixels])[0], second)


def test_a_float_encoder_is_left_as_it_is(shared):
    model = translated(ir(shared, "encoder"), read_network(ir(shared, "encoder")), pixels=True)
    assert pixels_first(model) is model


def test_ir_version_10_is_read(shared, tmp_path):
    for suffix in (".xml", ".bin"):
        shutil.copy(ir(shared, "encoder").with_suffix(suffix), tmp_path / f"encoder{suffix}")
    file = tmp_path / "encoder.xml"
    file.write_text(file.read_text().replace('version="11"', 'version="10"', 1))
    assert len(translated(file, read_network(file), pixels=True).graph.node) > 50
