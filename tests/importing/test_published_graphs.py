"""Open Model Zoo's own graphs with random weights: their decoders become native heads that compute the same."""

import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

openvino = pytest.importorskip("openvino", reason="needs the extra [import]")

from edgevtn.bundle import load_bundle  # noqa: E402
from edgevtn.importing import import_files  # noqa: E402
from edgevtn.importing.ir import read_network  # noqa: E402
from edgevtn.importing.native import native_decoder  # noqa: E402
from edgevtn.importing.pattern import read_pattern, weights_of  # noqa: E402

ACTIONS, DRIVER = "action-recognition-0001", "driver-action-recognition-adas-0002"
T, D = 16, 512
#: Weights are random, so a logit is as large as what it sums; the two add its float32 numbers in different orders.
AGREEMENT = 1e-5


@pytest.fixture(scope="module")
def fill(shared, tmp_path_factory):
    """Give a published graph weights; its .xml, with a .bin beside it."""
    graphs = shared / "models" / "published_graphs"
    if not (graphs / "fill.py").is_file():
        pytest.skip(f"the published graphs are not at {graphs}")
    folder = tmp_path_factory.mktemp("filled")

    def filled(name):
        file = folder / f"{name}.xml"
        if not file.exists():
            subprocess.run([sys.executable, graphs / "fill.py", graphs / file.name, folder, "3"], check=True)
        return file

    return filled


@pytest.fixture(scope="module")
def encoder(shared, fill):
    """The encoder that belongs to a decoder; the driver model's has its genuine weights."""
    name = f"{DRIVER}-encoder"
    return {ACTIONS: lambda: fill(f"{ACTIONS}-encoder"), DRIVER: lambda: shared / "models" / name / f"{name}.xml"}


def logits(file, windows):
    """What OpenVINO computes, in float32."""
    compiled = openvino.Core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.vstack([compiled(window[None])[0] for window in windows])


def native_logits(head, windows):
    results = []
    for window in windows:
        for embedding in window:
            head.push(embedding[None])
        results.append(head().copy())
    return np.vstack(results)


@pytest.mark.parametrize(
    ("model", "decoder", "labels"),
    [
        (ACTIONS, f"{ACTIONS}-decoder", 400),
        (DRIVER, f"{DRIVER}-decoder", 9),
        (DRIVER, f"{DRIVER}-decoder-ir10", 9),
    ],
    ids=["actions", "driver", "driver, IR 10"],
)
def test_published_decoders_are_native(fill, encoder, tmp_path, model, decoder, labels):
    file = fill(decoder)
    import_files([encoder[model](), file], tmp_path / "bundle")
    bundle = load_bundle(tmp_path / "bundle")
    facts = bundle.model.head
    assert facts.kind == "vtn"
    assert (facts.window_len, facts.embed_dim, facts.heads, facts.layers, facts.ffn_dim) == (T, D, 8, 4, 1024)
    assert (facts.layer_norm, facts.motion, facts.projection) == ("none", "none", False)
    assert len(bundle.model.labels) == labels
    windows = np.random.default_rng(5).standard_normal((4, T, D)).astype(np.float32)
    expected = logits(file, windows)
    got = native_logits(facts.build(bundle.head, bundle.path, "fp32"), windows)
    np.testing.assert_allclose(got, expected, rtol=0, atol=AGREEMENT * np.abs(expected).max())


def with_one_number(file, folder, number):
    """A copy of IR 10 in which each vector that scales keys holds one number, and how many vectors there are."""
    content = bytearray(file.with_suffix(".bin").read_bytes())
    facts = [node.attrib for node in ElementTree.parse(file).getroot().iter("data")]
    vectors = [fact for fact in facts if fact.get("shape", "").replace(" ", "") == "1,64,1" and "offset" in fact]
    for fact in vectors:
        values = np.full(64, number, {"f16": np.float16, "f32": np.float32}[fact["element_type"]]).tobytes()
        content[int(fact["offset"]) : int(fact["offset"]) + len(values)] = values
    (folder / file.name).write_bytes(file.read_bytes())
    (folder / file.name).with_suffix(".bin").write_bytes(content)
    return folder / file.name, len(vectors)


@pytest.mark.parametrize("scale", [D**-0.5, (D // 8) ** -0.5], ids=["VTN", "Vaswani"])
def test_ir_10_spreads_one_scale_over_the_keys(fill, tmp_path, scale):
    """One number in 64 places becomes the fact that it is, and the keys stay as they are."""
    file, vectors = with_one_number(fill(f"{DRIVER}-decoder-ir10"), tmp_path, scale)
    assert vectors == 4
    model = read_network(file)
    arrays, facts = native_decoder(model, T, D, 9)
    assert facts["attention_scale"] == np.float32(scale)
    np.testing.assert_array_equal(arrays["w_k"], read_pattern(weights_of(model), T, D, 9).arrays["w_k"])
