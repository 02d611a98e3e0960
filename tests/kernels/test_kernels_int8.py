"""Int8 products: every instruction set against plain integers, bit for bit; the decoder against its specification."""

from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import head_facts, random_head, tiny_facts

import edgevtn
from edgevtn.heads.vtn import resolve_precision
from edgevtn.kernels import fast, reference, step
from edgevtn.kernels.correction import corrected_biases
from edgevtn.kernels.exp import exp
from edgevtn.kernels.machine import HAS_DOT_PRODUCT, INT8, MACHINES, usable
from edgevtn.kernels.packing import int8_weights, pack8, padded, unpack8
from edgevtn.kernels.structures import Int8Matrix, Int8Rows, make_matrix, make_rows, make_scratch
from edgevtn.kernels.tile import make_product
from edgevtn.kernels.tile_int8 import Int8
from edgevtn.smoothing import softmax


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_machines_tile_gives_the_same_bits(machine):
    """Extremes included: 16-bit sums of such products would saturate."""
    if not usable(machine):
        pytest.skip("needs another processor")
    tile = machine.int8
    product = numba.njit(make_product(Int8(tile)))
    rng = np.random.default_rng(0)
    for M, K, N in [(1, 1, tile.panel), (17, 130, 150), (16, 512, 192), (9, 33, 61)]:
        q = rng.choice([-127, -126, 0, 1, 126, 127], (M, K))
        integers = rng.choice([-127, -1, 0, 127], (K, N)).astype(np.int8)
        scales, w_scale, b = rng.random(M, np.float32), rng.random(N, np.float32), rng.random(N, np.float32)
        wide = np.zeros((M, padded(K, tile)), tile.activation)
        wide[:, :K] = q
        sums, out = wide.sum(axis=1).astype(np.int32), np.zeros((M, N), np.float32)
        product(Int8Rows(wide, scales, sums), Int8Matrix(pack8(integers, tile), w_scale), b, out)
        products = (q @ integers.astype(np.int64)).astype(np.float32)
        np.testing.assert_array_equal(out, products * scales[:, None] * w_scale + b)


@settings(max_examples=30, deadline=None)
@given(K=st.integers(1, 40), N=st.integers(1, 150), tile=st.sampled_from([machine.int8 for machine in MACHINES]))
def test_pack_and_unpack(K, N, tile):
    integers = np.random.default_rng(0).integers(-127, 128, (K, N)).astype(np.int8)
    packed = pack8(integers, tile)
    assert packed.flags.c_contiguous
    np.testing.assert_array_equal(unpack8(packed, N, tile)[:K], integers)


def test_int8_weights():
    w = np.random.default_rng(0).standard_normal((3, 40, 20)).astype(np.float32)
    w[1, :, 5] = 0
    integers, scale = int8_weights(w)
    assert integers.shape == w.shape
    assert np.abs(integers).max() == 127
    assert np.abs(integers * scale[:, None] - w).max() <= scale.max() / 2 * 1.001
    assert scale[1, 5] == 0
    assert not integers[1, :, 5].any()


def quantised(x, module):
    rows = make_rows(*x.shape, "int8")
    module.quantise_rows(x, rows)
    return rows


@settings(max_examples=40, deadline=None)
@given(M=st.integers(1, 20), K=st.integers(1, 70), N=st.integers(INT8.panel, 150), seed=st.integers(0, 9))
def test_linear(M, K, N, seed):
    rng = np.random.default_rng(seed)
    x, w, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((M, K), (K, N), (N,)))
    got, expected = np.zeros((M, N), np.float32), np.zeros((M, N), np.float32)
    matrix = make_matrix(w, "int8")
    rows = make_rows(M + 2, K, "int8")
    fast.linear(x, matrix, b, rows, got)
    # Both sum the same integers, but may round a tie the other way. Sums of two floats may be rounded once or twice.
    exact = rows.scales[:M, None] * (rows.q[:M, :K].astype(np.float64) @ int8_weights(w)[0]) * matrix.scale + b
    np.testing.assert_allclose(got, exact, rtol=1e-5, atol=1e-5)
    reference.linear(x, matrix, b, rows, expected)
    np.testing.assert_allclose(got, expected, atol=0.05 * max(1, K**0.5))
    assert not rows.q[M:].any()


@settings(max_examples=40, deadline=None)
@given(M=st.integers(1, 18), K=st.integers(1, 70), size=st.sampled_from([0, 1e-30, 1, 1e30]), seed=st.integers(0, 9))
def test_quantise_rows(M, K, size, seed):
    x = (np.random.default_rng(seed).standard_normal((M, K)) * size).astype(np.float32)
    got, expected = quantised(x, fast), quantised(x, reference)
    # The two may divide in another order, and round a tie the other way.
    assert np.abs(got[0].astype(int) - expected[0]).max() <= 1
    np.testing.assert_allclose(got[1], expected[1], rtol=1e-6)
    np.testing.assert_array_equal(got[2], got[0].sum(axis=1))
    assert np.abs(got[1][:, None] * got[0][:, :K] - x).max() <= 0.51 * got[1].max() + 1e-37


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite(bad):
    x = np.ones((3, 40), np.float32)
    x[1, 7] = bad
    for module in (fast, reference):
        q, scales, _ = quantised(x, module)
        assert np.isnan(scales[1])
        assert np.isfinite(scales[[0, 2]]).all()
        assert not q[1].any()
        out = np.zeros((3, 64), np.float32)
        w = make_matrix(np.ones((40, 64), np.float32), "int8")
        module.linear(x, w, np.zeros(64, np.float32), make_rows(3, 40, "int8"), out)
        assert np.isnan(out[1]).all()
        np.testing.assert_allclose(out[[0, 2]], 40, rtol=1e-5)


@pytest.mark.parametrize(("T", "D", "K", "norm"), [(16, 128, 9, "vtn"), (8, 100, 400, "none"), (1, 64, 3, "vtn")])
def test_decoder_step(T, D, K, norm):
    """The same as the specification, rounding included; near the float decoder."""
    heads = 4
    facts = tiny_facts(
        window_len=T, width=D, embed_dim=D, heads=heads, layers=2, ffn_dim=2 * D, attention_scale=D**-0.5,
        layer_norm=norm, labels=[str(k) for k in range(K)],
    )  # fmt: skip
    weights = random_head(facts)
    decoder = head_facts(facts).build(weights, Path(), "int8")
    window = np.random.default_rng(1).standard_normal((T + 3, D)).astype(np.float32)
    for row in window:
        decoder.push(row[None])
    got = decoder().copy()
    logits = np.zeros_like(decoder._logits)
    step.decode(decoder.window.rows, decoder._weights, make_scratch(decoder._weights), logits)
    size = np.abs(logits).max()
    np.testing.assert_allclose(got, logits[0, :K], atol=0.02 * size)
    exact = reference.vtn(window[-T:], weights, heads, D**-0.5, norm == "vtn")
    assert np.abs(got - exact).max() < 0.06 * np.abs(exact).max()


@pytest.mark.parametrize(("D", "K"), [(256, 101), (512, 9), (512, 400)])
def test_probabilities_of_a_wide_decoder_stay_near_the_float_ones(D, K):
    """Random weights are the hardest: near ties in every window.

    With an int8 classifier, too, they shift by 0.013 (256, 101), and without corrected biases by 0.0125 (512, 9).
    """
    facts = tiny_facts(
        window_len=16, width=D, embed_dim=D, heads=8, layers=4, ffn_dim=2 * D, attention_scale=D**-0.5,
        labels=[str(k) for k in range(K)],
    )  # fmt: skip
    float32, int8 = (head_facts(facts).build(random_head(facts), Path(), precision) for precision in ("fp32", "int8"))
    shifts = []
    for row in np.random.default_rng(0).standard_normal((200, 1, D)).astype(np.float32):
        for head in (float32, int8):
            head.push(row)
        expected, got = (softmax(head()) for head in (float32, int8))
        shifts.append(np.abs(got - expected).max())
    assert max(shifts) < 0.0075
    assert max(shifts) > 0  # it is int8


@pytest.mark.parametrize("norm", ["vtn", "none"])
def test_corrected_biases_keep_the_means_of_a_window_of_zeros(norm):
    """With weights that are rounded and no longer the same, the decoder's products have the same means."""
    facts = tiny_facts(window_len=6, width=64, embed_dim=64, heads=4, layers=1, ffn_dim=96, layer_norm=norm)
    weights = random_head(facts)
    biases = corrected_biases(weights, 4, facts["head"]["attention_scale"], norm == "vtn")
    means = {}

    class Spy(np.ndarray):
        """A matrix that keeps the mean of what it is multiplied with."""

        def __rmatmul__(self, x):
            means[len(self)] = np.asarray(x).mean(axis=0)
            return np.asarray(x) @ np.asarray(self)

    watched = weights | {name: [weights[name][0].view(Spy)] for name in ("w_1", "w_2")}
    reference.vtn(np.zeros((6, 64), np.float32), watched, 4, facts["head"]["attention_scale"], norm == "vtn")
    for bias, w in (("b_1", weights["w_1"][0]), ("b_2", weights["w_2"][0])):
        integers, scale = int8_weights(w)
        before, after = (means[len(w)] @ matrix for matrix in (w, integers * scale))
        assert np.abs(before - after).max() > 1e-3
        np.testing.assert_allclose(before + weights[bias][0], after + biases[bias][0], atol=1e-4)


def test_real_windows_have_the_same_answer(shared):
    """On what the model was made for; elsewhere near ties may fall the other way."""
    recognizers = [edgevtn.Recognizer(start="repeat", precision=precision) for precision in ("fp32", "int8")]
    assert [recognizer.precision for recognizer in recognizers] == ["fp32", "int8"]
    clips = sorted((shared / "data" / "weizmann64").glob("*/*.avi"))[::4]
    given = [[], []]
    for clip in clips:
        with edgevtn.frames(clip) as source:
            moments = list(source)
        for recognizer, answers in zip(recognizers, given, strict=True):
            recognizer.reset()
            answers += [prediction.probabilities.argmax() for prediction in recognizer.stream(moments)]
    assert len(given[0]) > 200
    assert np.mean(np.array(given[0]) == np.array(given[1])) >= 0.98


def test_precision_is_chosen_and_checked(tiny):
    assert resolve_precision("auto", 32) == "fp32"
    assert resolve_precision("auto", 512) == ("int8" if HAS_DOT_PRODUCT else "fp32")
    with pytest.raises(ValueError, match="precision must be one of auto, fp32, int8"):
        edgevtn.Recognizer(tiny, precision="int4")
    if INT8.panel > 32:
        with pytest.raises(ValueError, match="int8 needs a head at least"):
            edgevtn.Recognizer(tiny, precision="int8")


def test_every_kernel_has_one_compiled_signature():
    for T, D, norm in ((4, 64, "vtn"), (3, 96, "none")):
        facts = tiny_facts(window_len=T, width=D, embed_dim=D, heads=4, ffn_dim=2 * D, layer_norm=norm)
        decoder = head_facts(facts).build(random_head(facts), Path(), "int8")
        for row in np.ones((T, D), np.float32):
            decoder.push(row[None])
        assert np.isfinite(decoder()).all()
    # One for each kind of matrix, of which other tests may have used the other; `rows` are of one type in both.
    counts = {name: len(getattr(fast, name).signatures) for name in ("decode", "feed_forward", "linear", "block_of")}
    assert max(counts.values()) <= 2, counts
    for name in ("quantise_rows", "add_norm", "attention", "embed", "mean_pool", "rectify"):
        assert len(getattr(fast, name).signatures) <= 1, name  # none of its own where `decode` came from disk


def test_exp():
    @numba.njit
    def over(x, out):
        for n in range(len(x)):
            out[n] = exp(x[n])

    x = np.concatenate([-np.logspace(-8, np.log10(86), 20_000), [0.0]]).astype(np.float32)
    out = np.zeros_like(x)
    over(x, out)
    np.testing.assert_allclose(out, np.exp(x.astype(np.float64)), rtol=5e-7)
    for value, expected in ((np.nan, np.nan), (-1e30, 0), (-np.inf, 0)):
        single = np.array([value], np.float32)
        over(single, single)
        np.testing.assert_allclose(single[0], expected, atol=1e-37)
