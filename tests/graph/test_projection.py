"""A linear layer at the end of an encoder, cut off again."""

import numpy as np
import onnx
import pytest
from networks import features, pictures, project, small_network
from onnx import helper, numpy_helper
from tiny import tiny_encoder

from edgevtn.calibration import quantize_graph
from edgevtn.graph.projection import split_projection

W, N = 24, 8


def weights(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((W, N)).astype(np.float32), rng.standard_normal(N).astype(np.float32)


def with_layer(kind):
    """The small network with a linear layer, and the weights that it amounts to."""
    w, b = weights()
    model = small_network()
    stored, nodes = {"w": w, "b": b}, [helper.make_node("Gemm", ["features", "w", "b"], ["embedding"])]
    if kind == "Gemm with factors":
        stored = {"w": np.ascontiguousarray(w.T), "b": b[None]}
        nodes = [helper.make_node("Gemm", ["features", "w", "b"], ["embedding"], transB=1, alpha=0.5, beta=3.0)]
        w, b = 0.5 * w, 3 * b
    elif kind == "Gemm without bias":
        nodes, b = [helper.make_node("Gemm", ["features", "w"], ["embedding"])], np.zeros(N, np.float32)
    elif kind == "MatMul":
        nodes, b = [helper.make_node("MatMul", ["features", "w"], ["embedding"])], np.zeros(N, np.float32)
    elif kind.startswith("MatMul and Add"):
        added = ["b", "product"] if kind.endswith("first") else ["product", "b"]
        nodes = [
            helper.make_node("MatMul", ["features", "w"], ["product"]),
            helper.make_node("Add", added, ["embedding"]),
        ]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in stored.items())
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("embedding", onnx.TensorProto.FLOAT, [1, N]))
    return model, w, b


@pytest.mark.parametrize(
    "kind", ["Gemm", "Gemm with factors", "Gemm without bias", "MatMul", "MatMul and Add", "MatMul and Add, bias first"]
)
def test_the_layer_is_cut_off(kind):
    model, expected_w, expected_b = with_layer(kind)
    encoder, w, b = split_projection(model)
    np.testing.assert_allclose(w, expected_w, rtol=1e-6)
    np.testing.assert_allclose(b, expected_b, rtol=1e-6)
    assert w.shape == (W, N)
    assert b.shape == (N,)
    assert w.dtype == b.dtype == np.float32
    assert [(port.name, port.type.tensor_type.shape.dim[1].dim_value) for port in encoder.graph.output] == [
        ("features", W)
    ]
    np.testing.assert_array_equal(features(encoder, pictures(4)), features(small_network(), pictures(4)))
    np.testing.assert_allclose(
        features(encoder, pictures(4)) @ w + b, features(model, pictures(4)), rtol=1e-5, atol=1e-5
    )
    assert (encoder.ir_version, encoder.opset_import[0].version) == (8, 17)


def test_a_quantised_encoder_is_split_too():
    w, b = weights()
    model = quantize_graph(project(small_network(), w, b), pictures(8), progress=False, blocks=True)
    encoder, got_w, got_b = split_projection(model)
    np.testing.assert_array_equal(got_w, w)
    np.testing.assert_array_equal(got_b, b)
    got = features(encoder, pictures(4)) @ w + b
    np.testing.assert_allclose(got, features(model, pictures(4)), rtol=1e-5, atol=1e-5)


def test_an_output_that_is_called_features_itself():
    encoder, w, b = split_projection(tiny_encoder())
    assert encoder.graph.output[0].name == "features"
    got = features(encoder, pictures(2)) @ w + b
    np.testing.assert_allclose(got, features(tiny_encoder(), pictures(2)), rtol=1e-4, atol=1e-4)


def test_other_ends_are_none():
    assert split_projection(small_network()) is None
    model, _, _ = with_layer("Gemm")
    model.graph.node[-1].attribute.append(helper.make_attribute("transA", 1))
    assert split_projection(model) is None
    model, _, _ = with_layer("MatMul and Add")
    model.graph.node[-1].input[1] = "product"  # doubled, not shifted
    assert split_projection(model) is None
