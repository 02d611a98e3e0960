"""Published checkpoints and IRs into bundles, against the authors' outputs and OpenVINO's."""

import pickle
import shutil

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [import]")
openvino = pytest.importorskip("openvino", reason="needs the extra [import]")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from networks import features  # noqa: E402
from onnx import numpy_helper  # noqa: E402
from published import VTN, randomise, resnet, save  # noqa: E402

import edgevtn  # noqa: E402
from edgevtn.bundle import load_bundle, load_streams  # noqa: E402
from edgevtn.cli.main import main  # noqa: E402
from edgevtn.errors import ModelFileError  # noqa: E402
from edgevtn.graph.blocks import by_blocks  # noqa: E402
from edgevtn.graph.pixels import pixels_first  # noqa: E402
from edgevtn.importing import import_files, read_checkpoint, read_ir  # noqa: E402
from edgevtn.importing.ir import read_network, translated  # noqa: E402
from edgevtn.importing.labels import LISTS, read_labels  # noqa: E402

GOLDEN = ["mobilenetv2_vtn_d128_ln", "mobilenetv2_vtn_d128_noln", "mobilenetv2_vtn_rgbdiff_d128_ln"]
MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])


def run_stream(bundle, frames_rgb, slots=None):
    """Embeddings (T, D) and logits (K,) of stored frames, by the runtime; `slots`: where on the grid they lie."""
    recognizer = edgevtn.Recognizer(bundle, threads=1, precision="fp32")
    ((head,),) = [runner.heads for runner in recognizer._runners]
    for n, frame in zip(slots or range(len(frames_rgb)), frames_rgb, strict=True):
        recognizer(np.ascontiguousarray(frame[..., ::-1]), n / recognizer.model.frame_rate)
    return head.window.rows[:, : recognizer.model.head.embed_dim].copy(), head().copy()


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_checkpoints(shared, tmp_path, name, capsys):
    assert main(["import", str(shared / "golden" / f"{name}.pth"), "-o", str(tmp_path / "bundle")]) == 0
    expected = np.load(shared / "golden" / f"{name}.npz")
    embeddings, logits = run_stream(tmp_path / "bundle", expected["frames_rgb"])
    np.testing.assert_allclose(embeddings, expected["embeddings"], atol=1e-3)
    np.testing.assert_allclose(logits, expected["logits"], atol=1e-3)
    assert "12 labels" in capsys.readouterr().out


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_checkpoints_through_the_recognizer(shared, tmp_path, name):
    """The same from frames on: 224x224 frames pass `prepare` unchanged."""
    import_files([shared / "golden" / f"{name}.pth"], tmp_path / "bundle")
    expected = np.load(shared / "golden" / f"{name}.npz")
    recognizer = edgevtn.Recognizer(tmp_path / "bundle", threads=1)
    frames = [(n / 15, np.ascontiguousarray(frame[..., ::-1])) for n, frame in enumerate(expected["frames_rgb"])]
    (prediction,) = recognizer.stream(frames)
    exponents = np.exp(expected["logits"] - expected["logits"].max())
    np.testing.assert_allclose(prediction.probabilities, exponents / exponents.sum(), atol=1e-3)


def test_two_streams_give_the_mean_of_the_logits(shared, tmp_path):
    files = [shared / "golden" / f"{GOLDEN[n]}.pth" for n in (0, 2)]
    import_files(files, tmp_path / "two")
    frames = np.load(files[0].with_suffix(".npz"))["frames_rgb"]
    logits = [run_stream(tmp_path / "two" / name, frames)[1] for name in ("rgb", "rgbdiff")]
    recognizer = edgevtn.Recognizer(tmp_path / "two", threads=1)
    (prediction,) = recognizer.stream((n / 15, np.ascontiguousarray(f[..., ::-1])) for n, f in enumerate(frames))
    exponents = np.exp((logits[0] + logits[1]) / 2)
    np.testing.assert_allclose(prediction.probabilities, exponents / exponents.sum(), atol=1e-5)


def test_a_repeated_frame_is_no_difference(shared, tmp_path):
    """A slot without a frame repeats the one before: its difference is nothing, not the last difference again."""
    import_files([shared / "golden" / f"{GOLDEN[2]}.pth"], tmp_path / "bundle")
    frames = np.load(shared / "golden" / f"{GOLDEN[2]}.npz")["frames_rgb"]
    repeated = np.concatenate([frames[:8], frames[7:8], frames[8:15]])
    _, expected = run_stream(tmp_path / "bundle", repeated)
    _, got = run_stream(tmp_path / "bundle", frames[:15], [*range(8), *range(9, 16)])
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_resnet_34_of_the_published_size(tmp_path):
    model = randomise(VTN(resnet((3, 4, 6, 3), False), 512, 512, 400))
    save(model, tmp_path / "resnet_34_vtn.pth")
    import_files([tmp_path / "resnet_34_vtn.pth"], tmp_path / "bundle")
    loaded = load_bundle(tmp_path / "bundle").model
    head = loaded.head
    assert (head.embed_dim, head.window_len, head.heads, head.layers, head.ffn_dim) == (512, 16, 8, 4, 1024)
    assert loaded.labels[0] == "abseiling"
    frames = np.random.default_rng(0).integers(0, 256, (16, 224, 224, 3), dtype=np.uint8)
    with torch.no_grad():
        embeddings, logits = model(torch.from_numpy(((frames - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2)))
    got = run_stream(tmp_path / "bundle", frames)
    np.testing.assert_allclose(got[0], embeddings, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(got[1], logits, rtol=1e-3, atol=1e-3)


def test_import_and_calibrate(shared, demo_clip, tmp_path, capsys, monkeypatch):
    for name, count in (("CALIBRATION_FRAMES", 10), ("HELD_OUT_FRAMES", 8)):
        monkeypatch.setattr(f"edgevtn.calibration.encoders.{name}", count)
    monkeypatch.setattr("edgevtn.calibration.fit.bias.BIAS_FRAMES", 2)
    golden = [str(shared / "golden" / f"{name}.pth") for name in GOLDEN]
    output = tmp_path / "int8"
    assert main(["import", golden[0], "-o", str(output), "--clips", str(demo_clip)]) == 0
    assert "cosine" in capsys.readouterr().out
    loaded = load_bundle(output)
    assert loaded.model.quantization["target"] == "any"
    assert loaded.model.name == "int8"
    assert len(loaded.encoder) < 4_000_000
    assert main(["import", golden[0], golden[2], "-o", str(tmp_path / "two"), "--clips", str(demo_clip)]) == 0
    assert [len(stream.encoder) < 4_000_000 for stream in load_streams(tmp_path / "two")] == [True, True]
    assert (tmp_path / "two" / "rgbdiff" / "calibration.html").exists()
    assert edgevtn.Recognizer(tmp_path / "two", start="repeat")(np.zeros((40, 40, 3), np.uint8), 0.0) is not None


def ir(shared, name):
    return shared / "golden" / "openvino_ir" / f"{name}.xml"


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
        {tensor.name: numpy_helper.to_array(tensor) for tensor in one.graph.initializer} for one in (model, simpler)
    )
    kept = [name for name, value in b.items() if value.dtype == np.int8 and value.ndim == 4]
    assert len(kept) == 53
    for name in kept:
        np.testing.assert_array_equal(a[name], b[name])
    frame = np.load(driver.parent / "expected.npz")["frames_bgr"][0]
    pixels = np.ascontiguousarray(frame.transpose(2, 0, 1))[None]
    one, two = (features(graph, [pixels])[0] for graph in (model, simpler))
    assert (one * two).sum() > 0.97 * np.linalg.norm(one) * np.linalg.norm(two)
    blocks = by_blocks(simpler)
    np.testing.assert_array_equal(features(blocks, [pixels])[0], two)


def test_a_float_encoder_is_left_as_it_is(shared):
    model = translated(ir(shared, "encoder"), read_network(ir(shared, "encoder")), pixels=True)
    assert pixels_first(model) is model


def test_ir_version_10_is_read(shared, tmp_path):
    for suffix in (".xml", ".bin"):
        shutil.copy(ir(shared, "encoder").with_suffix(suffix), tmp_path / f"encoder{suffix}")
    file = tmp_path / "encoder.xml"
    file.write_text(file.read_text().replace('version="11"', 'version="10"', 1))
    assert len(translated(file, read_network(file), pixels=True).graph.node) > 50


def operations(ops, x):
    """One graph for each operation that decoders of other exporters may have; x is (1, 4, 8)."""
    w = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32)
    halves = ops.variadic_split(x, 2, [3, 5])
    quarters = ops.split(x, 2, 4)
    last = ops.strided_slice(
        x, [0, -1, 0], [1, 0, 8], [1, 1, 2], begin_mask=[1, 0, 1], end_mask=[1, 0, 1], shrink_axis_mask=[0, 1, 0]
    )
    return {
        "VariadicSplit": ops.concat([halves.output(1), halves.output(0)], 2),
        "Split": ops.add(quarters.output(0), quarters.output(3)),
        "StridedSlice": last,
        "MVN inside": ops.mvn(x, [2], True, 1e-3, "inside_sqrt"),
        "MVN outside": ops.mvn(x, [2], True, 1e-3, "outside_sqrt"),
        "MVN mean": ops.mvn(x, [2], False, 1e-3, "inside_sqrt"),
        "MatMul": ops.matmul(x, w, False, True),
        "Clamp": ops.clamp(x, -0.5, 0.5),
        "Swish": ops.swish(x),
        "Softmax": ops.softmax(x, 2),
        "ReduceSum": ops.reduce_sum(x, np.array([1], np.int64), False),
        "Gather": ops.gather(x, np.array([2, 0], np.int64), 1),
        "Power": ops.power(ops.abs(x), np.float32(0.5)),
    }


@pytest.mark.parametrize("kind", operations(openvino.opset13, openvino.opset13.parameter([1, 4, 8], np.float32)))
def test_each_operation(kind, tmp_path):
    ops = openvino.opset13
    source = ops.parameter([1, 4, 8], np.float32, name="x")
    model = openvino.Model([operations(ops, source)[kind]], [source], "x")
    openvino.save_model(model, tmp_path / "x.xml", compress_to_fp16=False)
    x = np.random.default_rng(1).standard_normal((1, 4, 8)).astype(np.float32)
    (expected,) = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x).values()
    graph = translated(tmp_path / "x.xml", read_network(tmp_path / "x.xml"), pixels=False)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {session.get_inputs()[0].name: x})[0], expected, rtol=1e-4, atol=1e-5)


def test_unknown_operation(tmp_path):
    ops = openvino.opset13
    source = ops.parameter([1, 4, 8], np.float32, name="x")
    model = openvino.Model([ops.cum_sum(source, np.int64(1))], [source], "x")
    openvino.save_model(model, tmp_path / "x.xml")
    with pytest.raises(ModelFileError, match="CumSum .* is not an operation that can be translated"):
        translated(tmp_path / "x.xml", read_network(tmp_path / "x.xml"), pixels=False)


class Hostile:
    def __reduce__(self):
        return (print, ("code was run",))


def test_checkpoints_that_want_code_run_are_refused(tmp_path, capsys):
    torch.save({"state_dict": Hostile()}, tmp_path / "hostile.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Hostile()))
    for name in ("hostile", "plain"):
        with pytest.raises(ModelFileError, match="refused; it asks for code"):
            read_checkpoint(tmp_path / f"{name}.pth")
    assert "code was run" not in capsys.readouterr().out


def without(name):
    return lambda state: state.pop(name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.clear(), "expected a state dict"),
        (without("fc.weight"), "fc.weight"),
        (without("reduce_conv.weight"), "there is no reduce_conv"),
        (without("self_attention_decoder.layers.0.slf_attn.w_qs"), "0 attention blocks"),
        (without("resnet.1.weight"), "1.weight"),
        (lambda state: state.update({"fc.bias": torch.full((3,), float("nan"))}), "not finite"),
        (lambda state: state.update({"fc.bias": "three"}), "expected tensors, got str"),
        (lambda state: state.update({"fc.bias": torch.zeros(1).expand(2**40)}), "claims more values|refused|cannot be"),
        (lambda state: state.update({"reduce_conv.weight": torch.zeros(3, 3, 1, 1)}), "reduce_conv.weight is"),
        (lambda state: [state.pop(name) for name in list(state) if name.startswith("resnet.")], "no tensors of an enc"),
    ],
)
def test_checkpoints_that_are_no_vtn(tmp_path, change, message):
    model = VTN(resnet((1, 1, 1, 1), False), 512, 64, 3, heads=4, layers=1)
    state = dict(model.state_dict())
    change(state)
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(ModelFileError, match=message):
        read_checkpoint(tmp_path / "x.pth")


def test_two_files_that_do_not_belong_together(shared, tmp_path):
    rgb = shared / "golden" / f"{GOLDEN[0]}.pth"
    with pytest.raises(ModelFileError, match="both checkpoints are rgb"):
        import_files([rgb, rgb], tmp_path / "x")
    with pytest.raises(ModelFileError, match="two .xml of an IR"):
        import_files([rgb, ir(shared, "encoder")], tmp_path / "x")
    with pytest.raises(ModelFileError, match="expected a decoder"):
        import_files([ir(shared, "encoder"), ir(shared, "encoder")], tmp_path / "x")
    with pytest.raises(ModelFileError, match="expected an encoder"):
        import_files([ir(shared, "decoder_ln"), ir(shared, "encoder")], tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.fixture(scope="module")
def small_files(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    model = VTN(resnet((1, 1, 1, 1), False), 512, 64, 3, heads=4, layers=1)
    save(model, folder / "x.pth")
    for suffix in (".xml", ".bin"):
        shutil.copy(ir(shared, "decoder_noln").with_suffix(suffix), folder / f"decoder{suffix}")
        shutil.copy(ir(shared, "encoder").with_suffix(suffix), folder / f"encoder{suffix}")
    return folder


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_give_one_line(small_files, tmp_path_factory, data):
    """Cut short, or with bytes changed: read, or refused with a reason; never anything else."""
    name = data.draw(st.sampled_from(["x.pth", "decoder.xml", "decoder.bin"]))
    content = bytearray((small_files / name).read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        for _ in range(data.draw(st.integers(1, 8))):
            # Where the structure is, mostly: the ends.
            edge = data.draw(st.integers(0, min(4000, len(content) - 1)))
            content[edge if data.draw(st.booleans()) else -1 - edge] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("damaged")
    for file in small_files.iterdir():
        shutil.copy(file, folder / file.name)
    (folder / name).write_bytes(content)
    try:
        if name == "x.pth":
            read_checkpoint(folder / name)
        else:
            read_ir(folder / "encoder.xml", folder / "decoder.xml")
    except ModelFileError as error:
        reason = str(error)
    else:
        return
    assert "\n" not in reason
    assert str(folder) in reason


def test_an_ir_that_openvino_reads_and_cannot_run(small_files, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("Exception from cpu_memory.cpp:236:\nMemory has not been allocated\n\n")

    monkeypatch.setattr("edgevtn.importing.ir.native_decoder", broken)
    with pytest.raises(ModelFileError, match=r"decoder.xml: OpenVINO cannot run it \(Memory has not been allocated\)"):
        read_ir(small_files / "encoder.xml", small_files / "decoder.xml")


@pytest.mark.parametrize("name", ["nothing.pth", "nothing.xml"])
def test_missing_files(tmp_path, name, capsys):
    files = [str(tmp_path / name)] * (2 if name.endswith(".xml") else 1)
    assert main(["import", *files, "-o", str(tmp_path / "x")]) == 1
    message = capsys.readouterr().err
    assert "does not exist" in message
    assert message.count("\n") == 1


@pytest.mark.parametrize(("name", "count"), LISTS.items())
def test_label_lists(name, count, shared):
    labels = read_labels(name, count)
    stored = (shared / "labels" / f"{name}.txt").read_text("utf-8").split("\n")
    assert labels == [line.strip() for line in stored if line.strip()]


def test_labels(tmp_path):
    assert read_labels(None, 101)[0] == "ApplyEyeMakeup"
    assert read_labels(None, 2) == ["class 0", "class 1"]
    (tmp_path / "two.txt").write_text("fall\nwalk\n")
    assert read_labels(str(tmp_path / "two.txt"), 2) == ["fall", "walk"]
    (tmp_path / "same.txt").write_text("walk\nwalk\n")
    for name, classes, message in (
        (str(tmp_path / "two.txt"), 3, "has 2 labels, and the model has 3"),
        (str(tmp_path / "same.txt"), 2, "more than once"),
        ("kinetics", 400, "one of kinetics400"),
        (str(tmp_path), 1, "expected a text file"),
    ):
        with pytest.raises(ModelFileError, match=message):
            read_labels(name, classes)
