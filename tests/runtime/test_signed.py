"""Unsigned activations become signed ones: the same results, by ONNX's own reference, and on ARM by onnxruntime's."""

import platform
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from tiny import SIZE, WIDTH, tiny_encoder

from edgevtn.bundle import load_bundle
from edgevtn.encoder import Encoder
from edgevtn.engines import Graph, OnnxRuntime
from edgevtn.engines import onnxruntime as engine
from edgevtn.signed import HIGHEST_BIT, signed


def constant(name, value, raw=True):
    tensor = numpy_helper.from_array(value, name)
    if not raw:
        tensor.ClearField("raw_data")
        tensor.int32_data.extend(value.ravel().tolist())
    return tensor


def quantised(points=(3, 200), raw=True, between=(), **attributes):
    """Pixels, a convolution of int8 weights, and features; between the quantised picture and them what is asked for."""
    rng = np.random.default_rng(0)
    constants = [
        constant("s0", np.float32(0.5)),
        constant("z0", np.uint8(points[0]), raw),
        constant("s1", np.float32(0.7)),
        constant("z1", np.uint8(points[1]), raw),
        constant("w", rng.integers(-64, 64, (4, 3, 3, 3), np.int8)),
        constant("ws", np.full(4, 0.01, np.float32)),
        constant("wz", np.zeros(4, np.int8)),
    ]
    nodes = [
        helper.make_node("DequantizeLinear", ["pixels", "s0", "z0"], ["x"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["weights"], axis=0),
        helper.make_node("Conv", ["x", "weights"], ["y"], pads=[1, 1, 1, 1]),
        helper.make_node("QuantizeLinear", ["y", "s1", "z1"], ["q"], **attributes),
        *between,
        helper.make_node("DequantizeLinear", ["r" if between else "q", "s1", "z1"], ["d"]),
        helper.make_node("GlobalAveragePool", ["d"], ["features"]),
    ]
    inputs = [helper.make_tensor_value_info("pixels", TensorProto.UINT8, [1, 3, 8, 8])]
    outputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 4, 1, 1])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


@given(st.tuples(st.integers(0, 255), st.integers(0, 255)), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_the_reference_gives_the_same(points, raw, seed):
    model = quantised(points, raw)
    pixels = np.random.default_rng(seed).integers(0, 256, (1, 3, 8, 8), np.uint8)
    other = onnx.load_from_string(signed(model.SerializeToString()))
    onnx.checker.check_model(other, full_check=True)
    flipped = (pixels ^ np.uint8(HIGHEST_BIT)).view(np.int8)
    found = [ReferenceEvaluator(each).run(None, {"pixels": x})[0] for each, x in ((model, pixels), (other, flipped))]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    "model",
    [
        quantised(between=[helper.make_node("MaxPool", ["q"], ["r"], kernel_shape=[2, 2])]),
        quantised(between=[helper.make_node("Identity", ["q"], ["r"])]),
        quantised(saturate=1),
    ],
    ids=["a maximum of bytes", "bytes passed on", "an attribute that is not known"],
)
def test_what_may_not_keep_its_meaning_is_left(model):
    assert signed(model.SerializeToString()) is None


def test_without_a_zero_point_it_is_left():
    model = quantised()
    node = next(node for node in model.graph.node if node.op_type == "QuantizeLinear")
    del node.input[2]
    assert signed(model.SerializeToString()) is None


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.INT8])
def test_an_input_that_is_no_bytes_is_left(kind):
    """The engine is told of it as it is, and refuses it."""
    model = quantised()
    model.graph.input.append(helper.make_tensor_value_info("more", kind, [1]))
    assert signed(model.SerializeToString()) is None


def message(number, content):
    """A field of protobuf."""
    size = [len(content) >> shift & 127 | 128 for shift in range(0, 7 * max(1, -(-len(content).bit_length() // 7)), 7)]
    return bytes([number << 3 | 2, *size[:-1], size[-1] & 127]) + content


def test_a_type_that_is_written_in_two_bytes_is_left():
    model = quantised()
    model.graph.ClearField("input")
    graph = model.graph.SerializeToString()
    model.ClearField("graph")
    for kind, possible in (([TensorProto.UINT8], True), ([TensorProto.UINT8 | 0x80, 0], False)):
        value = message(1, b"pixels") + message(2, message(1, bytes([1 << 3, *kind])))
        content = model.SerializeToString() + message(7, graph + message(11, value))
        assert onnx.load_from_string(content).graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8
        assert (signed(content) is not None) is possible


def test_cut_or_empty_files_are_left():
    content = quantised().SerializeToString()
    assert all(signed(content[:n]) is None for n in range(0, len(content), 7))


def test_the_bundled_encoder_has_no_unsigned_constants_left():
    other = onnx.load_from_string(signed(load_bundle().encoder))
    assert not [each.name for each in other.graph.initializer if each.data_type == TensorProto.UINT8]
    assert other.graph.input[0].type.tensor_type.elem_type == TensorProto.INT8


def features(monkeypatch, how, pictures):
    monkeypatch.setattr(engine, "SIGNED", how)
    bundle = load_bundle()
    run = Encoder(replace(bundle), 1).bind(pictures)
    return run().copy()


def test_the_engine_gives_the_same_features(monkeypatch):
    """In every bit on ARM; on x86, where it is not used, by another way of rounding."""
    shape = Encoder(load_bundle(), 1).input_shape
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    ours, others = (features(monkeypatch, how, [picture]) for how in (False, True))
    if platform.machine() == "aarch64":
        np.testing.assert_array_equal(ours, others)
    else:
        assert (ours * others).sum() / np.linalg.norm(ours) / np.linalg.norm(others) > 0.99


def test_the_engine_reads_the_arrays_that_it_was_given(monkeypatch):
    """Against onnxruntime itself, on the graph as it is."""
    monkeypatch.setattr(engine, "SIGNED", True)
    content = quantised().SerializeToString()
    picture, result = np.zeros((1, 3, 8, 8), np.uint8), np.zeros((1, 4, 1, 1), np.float32)
    loaded = OnnxRuntime(Graph(content, "quantised"))
    assert loaded.inputs == [("uint8", [1, 3, 8, 8])]
    run, session = loaded.bind([picture], result), onnxruntime.InferenceSession(content)
    for seed in range(3):
        picture[...] = np.random.default_rng(seed).integers(0, 256, picture.shape, np.uint8)
        run()
        np.testing.assert_allclose(result, session.run(None, {"pixels": picture})[0], atol=0.7 / 8)


def test_an_encoder_of_which_pixels_alone_are_bytes_runs(monkeypatch):
    monkeypatch.setattr(engine, "SIGNED", True)
    picture, result = np.full((1, 3, SIZE, SIZE), 9, np.uint8), np.zeros((1, WIDTH), np.float32)
    OnnxRuntime(Graph(tiny_encoder().SerializeToString(), "tiny")).bind([picture], result)()
    assert np.abs(result).max() > 0
