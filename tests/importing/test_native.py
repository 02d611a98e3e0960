"""Decoders of known weights as OpenVINO graphs: recognised with those weights, or not at all."""

import numpy as np
import pytest

pytest.importorskip("openvino", reason="needs the extra [import]")

from decoders import A, D, F, K, L, T, decoder_graph, random_weights

from edgevtn.importing.native import native_decoder
from edgevtn.importing.pattern import PROJECTIONS, weights_of
from edgevtn.kernels.reference import vtn

#: How a graph orders its projections.
ORDERS = [{"keys_first": keys, "values_first": values} for keys in (False, True) for values in (False, True)]


def same_function(weights, arrays, facts, scale=D**-0.5):
    """Whether arrays that were read compute what the weights do, on windows that the importer never saw."""
    norm = facts["layer_norm"] == "vtn"
    for window in np.random.default_rng(7).standard_normal((4, T, D)).astype(np.float32):
        expected = vtn(window, weights, A, scale, norm)
        got = vtn(window, arrays, facts["heads"], facts["attention_scale"], norm)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_the_orders_differ():
    """Else the tests below would hold for nothing."""
    weights = random_weights()
    firsts = [[weight.value for weight in weights_of(decoder_graph(weights, **order))[1:4]] for order in ORDERS]
    assert len({b"".join(value.tobytes() for value in values) for values in firsts}) == len(ORDERS)


@pytest.mark.parametrize("norm", [True, False], ids=["norm", "no norm"])
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_projections_in_any_order(order, norm):
    weights = random_weights()
    arrays, facts = native_decoder(decoder_graph(weights, **order, norm=norm), T, D, K)
    assert (facts["heads"], facts["layers"], facts["ffn_dim"]) == (A, L, F)
    assert facts["attention_scale"] == D**-0.5
    assert facts["layer_norm"] == ("vtn" if norm else "none")
    for name, value in arrays.items():
        np.testing.assert_array_equal(value, weights[name])


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_bias_that_outweighs_everything_hides_no_exchange(order):
    """Queries and keys exchanged change the logits by less than a thousandth of the largest."""
    weights = random_weights(bias=1000.0)
    arrays, _ = native_decoder(decoder_graph(weights, **order), T, D, K)
    for name in PROJECTIONS:
        np.testing.assert_array_equal(arrays[name], weights[name])


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_one_number_for_all_keys_leaves_them_as_they_are(order):
    weights = random_weights()
    scales = np.full((L, D // A), D**-0.5)
    arrays, facts = native_decoder(decoder_graph(weights, **order, key_scales=scales), T, D, K)
    assert facts["attention_scale"] == np.float32(D**-0.5)
    same_function(weights, arrays, facts)
    for name in PROJECTIONS:
        np.testing.assert_array_equal(arrays[name], weights[name])


@pytest.mark.parametrize("norm", [True, False], ids=["norm", "no norm"])
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_number_for_each_key_goes_into_the_weights(order, norm):
    weights = random_weights()
    scales = np.random.default_rng(1).uniform(-0.5, 0.5, (L, D // A)).astype(np.float32)
    arrays, facts = native_decoder(decoder_graph(weights, **order, key_scales=scales, norm=norm), T, D, K)
    scaled = weights | {"w_k": weights["w_k"] * np.tile(scales, A)[:, None]}
    same_function(scaled, arrays, facts, scale=1.0)


@pytest.mark.parametrize(
    "change",
    [
        {"activation": "elu"},
        {"activation": "tanh"},
        {"ddof": 0},
        {"key_scales": np.zeros((L, D // A))},
        {"key_scales": np.full((L, D // A), np.nan)},
    ],
    ids=str,
)
def test_what_computes_something_else_is_not_recognised(change):
    assert native_decoder(decoder_graph(random_weights(), **change), T, D, K) is None


def test_other_sizes_are_not_recognised():
    model = decoder_graph(random_weights())
    assert native_decoder(model, T, D, K - 1) is None
    assert native_decoder(model, T, D // 2, K) is None
