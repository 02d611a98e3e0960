"""Both engines run the same file on the same arrays; which one is faster is measured once and remembered."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest
from tiny import SIZE, WIDTH, random_head, tiny_difference, tiny_encoder, tiny_facts

from edgevtn import Recognizer
from edgevtn.bundle import load_bundle, write_bundle
from edgevtn.encoder import Encoder, run_of
from edgevtn.engines import ENGINES, Graph, OnnxRuntime, OpenVino
from edgevtn.engines.chosen import FILE, Measurements, Run
from edgevtn.errors import BundleError, MissingExtraError
from edgevtn.files import user_cache
from edgevtn.kernels.prepare import by_blocks

openvino = pytest.mark.skipif(not OpenVino.is_installed(), reason="needs the extra [openvino]")


def cosine(a, b):
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


@openvino
@pytest.mark.parametrize("side", [224, 160])
def test_the_bundled_encoder_is_the_same_but_for_rounding(side, demo_clip):
    from edgevtn.sources import frames

    bundle = load_bundle()
    bundle = replace(bundle, model=replace(bundle.model, encoder=replace(bundle.model.encoder, input_size=side)))
    with frames(demo_clip) as source:
        _, frame = next(iter(source))
    planes = np.ascontiguousarray(np.resize(frame[:, :192], (side, side, 3)).transpose(2, 0, 1))[None]
    pictures = [by_blocks(planes)]
    found = {name: Encoder(bundle, 1, engine=name).bind(pictures)() for name in ENGINES}
    assert cosine(*found.values()) > 0.998


@openvino
def test_both_read_and_write_the_arrays_that_they_were_given():
    graph = Graph(tiny_encoder().SerializeToString(), "tiny")
    picture, features = np.zeros((1, 3, SIZE, SIZE), np.uint8), np.zeros((1, WIDTH), np.float32)
    rng = np.random.default_rng(1)
    for engine in (kind(graph) for kind in ENGINES.values()):
        assert engine.inputs == [("uint8", [1, 3, SIZE, SIZE])]
        assert engine.outputs == [("float32", [1, WIDTH])]
        run = engine.bind([picture], features)
        for _ in range(3):
            picture[...] = rng.integers(0, 256, picture.shape, np.uint8)
            run()
            # The network, in NumPy.
            w = onnx.numpy_helper.to_array(tiny_encoder().graph.initializer[2])
            mean = ((picture.astype(np.float32) - 127) / 128).reshape(3, 4, 8, 4, 8).mean((2, 4))
            np.testing.assert_allclose(features, mean.reshape(1, -1) @ w, atol=1e-5)


@openvino
def test_two_pictures_are_told_apart():
    graph = Graph(tiny_difference().SerializeToString(), "tiny")
    rng = np.random.default_rng(2)
    newer, older = (rng.integers(0, 256, (1, 3, SIZE, SIZE), np.uint8) for _ in range(2))
    found = []
    for kind in ENGINES.values():
        features = np.zeros((1, WIDTH), np.float32)
        kind(graph).bind([newer, older], features)()
        found.append(features)
    np.testing.assert_allclose(*found, atol=1e-5)
    assert np.abs(found[0]).max() > 0.01


@openvino
def test_a_recogniser_predicts_the_same_on_either(tiny):
    rng = np.random.default_rng(3)
    recognizers = [Recognizer(tiny, threads=1, engine=name) for name in ENGINES]
    assert [recognizer.engine for recognizer in recognizers] == list(ENGINES)
    for n in range(12):
        frame = rng.integers(0, 256, (48, 64, 3), np.uint8)
        first, second = (recognizer(frame, n / 10) for recognizer in recognizers)
        assert (first is None) == (second is None)
        if first is not None:
            np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-5)
    assert first is not None


@openvino
def test_a_graph_that_openvino_cannot_load(make_bundle):
    with pytest.raises(BundleError, match="OpenVINO cannot load it"):
        OpenVino(Graph(b"no graph", "encoder.onnx"))


@openvino
def test_facts_that_do_not_fit_are_refused(make_bundle):
    bundle = load_bundle(make_bundle())
    wide = replace(bundle, model=replace(bundle.model, encoder=replace(bundle.model.encoder, width=31)))
    for name in ENGINES:
        with pytest.raises(BundleError, match=r"float32 \[1, 31\], to agree with model.json, got .*float32 \[1, 32\]"):
            Encoder(wide, 1, engine=name)


@openvino
def test_sums_that_would_saturate_are_refused():
    with pytest.raises(BundleError, match="saturate"):
        OpenVino(Graph(tiny_encoder().SerializeToString(), "encoder.onnx", precise=True))


@openvino
def test_openvino_is_imported_in_silence(tmp_path):
    """Without this, importing it writes an identifier into the home folder, and sends a message."""
    script = (
        "import sys\n"
        "from edgevtn import Recognizer\n"
        f"Recognizer({str(_tiny(tmp_path))!r}, engine='openvino')\n"
        "assert 'openvino' in sys.modules\n"
        "assert not [name for name in sys.modules if name.startswith('openvino_telemetry')]\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    # The cache is this user's: in an empty one the kernels would be compiled first, which takes seconds.
    environment = {"HOME": str(home), "EDGEVTN_CACHE": str(user_cache())}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=120)
    assert list(home.iterdir()) == []


def _tiny(folder):
    facts = tiny_facts()
    write_bundle(folder / "model", facts, tiny_encoder().SerializeToString(), random_head(facts))
    return folder / "model"


def test_an_engine_that_is_not_installed(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"edgevtn\[openvino\]"):
        Recognizer(tiny, engine="openvino")


def test_an_engine_that_there_is_not(tiny):
    with pytest.raises(ValueError, match="engine must be one of auto, onnxruntime, openvino, got 'tensorrt'"):
        Recognizer(tiny, engine="tensorrt")


RUN = Run("0" * 64, 224, 1)


def test_what_was_measured_is_remembered(tmp_path):
    assert Measurements(tmp_path).fastest(RUN) is None
    Measurements(tmp_path).remember(RUN, {"onnxruntime": 4.0, "openvino": 3.0})
    assert Measurements(tmp_path).fastest(RUN) == "openvino"
    assert Measurements(tmp_path).of(RUN) == {"onnxruntime": 4.0, "openvino": 3.0}
    for other in (RUN._replace(threads=2), RUN._replace(side=160), RUN._replace(sha256="1" * 64)):
        assert Measurements(tmp_path).fastest(other) is None


def test_what_gains_hardly_anything_is_not_taken(tmp_path):
    Measurements(tmp_path).remember(RUN, {"onnxruntime": 4.0, "openvino": 3.95})
    assert Measurements(tmp_path).fastest(RUN) == "onnxruntime"


def test_a_measurement_of_other_versions_does_not_count(tmp_path, monkeypatch):
    Measurements(tmp_path).remember(RUN, {"onnxruntime": 4.0, "openvino": 3.0})
    monkeypatch.setattr("edgevtn.engines.chosen.version", lambda package: "0.1")
    assert Measurements(tmp_path).fastest(RUN) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[1]", b"3", b'{"a": 1', b"[" * 100_000, b'{"KEY": {"openvino": "fast"}}', b'{"KEY": {}}',
     b'{"KEY": {"openvino": NaN}}', b'{"KEY": {"openvino": -1.0}}', b'{"KEY": 7}'],
)  # fmt: skip
def test_a_damaged_file_is_as_good_as_none(tmp_path, content):
    Measurements(tmp_path).remember(RUN, {"onnxruntime": 4.0, "openvino": 3.0})
    (key,) = json.loads((tmp_path / FILE).read_bytes())
    (tmp_path / FILE).write_bytes(content.replace(b"KEY", key.encode()))
    assert Measurements(tmp_path).fastest(RUN) is None
    Measurements(tmp_path).remember(RUN, {"onnxruntime": 4.0, "openvino": 3.0})
    assert Measurements(tmp_path).fastest(RUN) == "openvino"


def test_auto_takes_what_was_faster_and_the_default_takes_onnxruntime(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEVTN_CACHE", str(tmp_path / "cache"))
    made = []

    class Other(OnnxRuntime):
        name = "openvino"

        def __init__(self, graph):
            made.append(graph)
            super().__init__(graph)

    monkeypatch.setitem(ENGINES, "openvino", Other)
    assert Recognizer(tiny, threads=1, engine="auto").engine == "onnxruntime"
    run = run_of(load_bundle(tiny), 1)
    Measurements().remember(run, {"onnxruntime": 4.0, "openvino": 3.0})
    assert Recognizer(tiny, threads=1, engine="auto").engine == "openvino"
    assert len(made) == 1
    assert Recognizer(tiny, threads=1).engine == "onnxruntime"
    assert Recognizer(tiny, threads=2, engine="auto").engine == "onnxruntime"
    # What another version wrote, of an engine that this one does not have.
    Measurements().remember(run, {"onnxruntime": 4.0, "unheard-of": 3.0})
    assert Recognizer(tiny, threads=1, engine="auto").engine == "onnxruntime"
