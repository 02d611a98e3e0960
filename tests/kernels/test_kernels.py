"""The compiled kernels against their specification, and the specification against the authors' numbers."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgevtn.cpu import HOST_FEATURES, IS_ARM
from edgevtn.kernels import fast, reference, step
from edgevtn.kernels.machine import FP32, MACHINES, usable
from edgevtn.kernels.packing import pack, unpack
from edgevtn.kernels.structures import make_rows, make_scratch, make_weights
from edgevtn.kernels.tile import make_product
from edgevtn.kernels.tile_fp32 import Fp32

#: The specification: of the single kernels, and of what is put together of them.
SPECIFICATION = vars(reference) | {name: getattr(step, name) for name in ("block_of", "decode", "feed_forward")}
KERNELS = [
    "add_norm", "attention", "block_of", "classify", "decode", "embed", "feed_forward", "linear", "mean_pool",
    "quantise_rows", "rectify", "window_statistics",
]  # fmt: skip
NO_ROWS = make_rows(1, 1, "fp32")


def arrays(*shapes: tuple[int, ...], seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def both(name: str, inputs: list[Any], outputs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Outputs of the reference and of the compiled kernel."""
    expected = [output.copy() for output in outputs]
    got = [output.copy() for output in outputs]
    SPECIFICATION[name](*inputs, *expected)
    getattr(fast, name)(*inputs, *got)
    return got, expected


def weights_of(T: int, D: int, F: int, heads: int, precision: str = "fp32", L: int = 1, K: int = 5) -> Any:
    """Random weights of a decoder with layer norm."""
    shapes = {
        "position": (T, D), "w_q": (L, D, D), "w_k": (L, D, D), "w_v": (L, D, D), "w_1": (L, D, F), "b_1": (L, F),
        "w_2": (L, F, D), "b_2": (L, D), "w_classes": (D, K), "b_classes": (K,), "gain_1": (L, D), "bias_1": (L, D),
        "gain_2": (L, D), "bias_2": (L, D),
    }  # fmt: skip
    values = dict(zip(shapes, arrays(*shapes.values()), strict=True))
    return values, make_weights(values, heads=heads, scale=D**-0.5, norm=True, precision=precision)


def attention_inputs(qkv: Any, heads: int, scale: float) -> list[Any]:
    T, D = len(qkv), qkv.shape[1] // 3
    return [qkv, heads, scale, make_scratch(weights_of(T, D, 32, heads)[1])]


def assert_close(got: Any, expected: Any) -> None:
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5 * max(1.0, float(np.abs(expected).max())))


@pytest.mark.parametrize("name", KERNELS)
def test_twins_have_one_signature(name):
    assert inspect.signature(getattr(fast, name).py_func) == inspect.signature(SPECIFICATION[name])


def test_every_kernel_has_a_twin():
    jitted = [
        name
        for name, value in vars(fast).items()
        if hasattr(value, "py_func") and value.__module__ == fast.__name__ and name[0] != "_"
    ]
    assert sorted(jitted) == KERNELS


@settings(max_examples=40, deadline=None)
@given(M=st.integers(1, 20), K=st.integers(1, 70), N=st.integers(FP32.panel, 150), seed=st.integers(0, 9))
def test_linear(M, K, N, seed):
    x, w, b, out = arrays((M, K), (K, N), (N,), (M, N), seed=seed)
    (got,), (expected,) = both("linear", [x, pack(w), b, NO_ROWS], [out])
    assert_close(got, expected)
    assert_close(got, x.astype(np.float64) @ w + b)


@settings(max_examples=20, deadline=None)
@given(K=st.integers(1, 40), N=st.integers(1, 150))
def test_pack_and_unpack(K, N):
    (w,) = arrays((K, N))
    np.testing.assert_array_equal(unpack(pack(w), N), w)


@settings(max_examples=25, deadline=None)
@given(T=st.integers(1, 70), heads=st.sampled_from([1, 2, 8]), d=st.integers(1, 70))
def test_attention(T, heads, d):
    D = heads * d
    qkv, out = arrays((T, 3 * D), (T, D))
    (got,), (expected,) = both("attention", attention_inputs(qkv, heads, 0.3), [out])
    assert_close(got, expected)


def test_attention_survives_large_scores():
    qkv, out = arrays((5, 24), (5, 8))
    (got,), (expected,) = both("attention", attention_inputs(qkv * 300, 2, 1.0), [out])
    assert_close(got, expected)


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("T", [1, 2, 16])
def test_add_norm(T, norm):
    x, residual, gain, bias, out = arrays((T, 48), (T, 48), (48,), (48,), (T, 48))
    (got,), (expected,) = both("add_norm", [x, residual, gain, bias, norm], [out])
    assert_close(got, expected)
    assert np.allclose(expected, x + residual) == (not norm or T == 1)


def test_add_norm_may_overwrite_its_inputs():
    x, residual, gain, bias, out = arrays((4, 48), (4, 48), (48,), (48,), (4, 48))
    fast.add_norm(x, residual, gain, bias, True, out)
    fast.add_norm(x, residual, gain, bias, True, residual)
    assert_close(residual, out)


def test_feed_forward_and_pool():
    x, out, pooled = arrays((7, 64), (7, 64), (1, 64))
    values, weights = weights_of(7, 64, 96, 4)
    block, scratch = fast.block_of(weights.blocks, 0), make_scratch(weights)
    (got,), (expected,) = both("feed_forward", [x, block, scratch], [out])
    assert_close(got, expected)
    hidden = np.maximum(x.astype(np.float64) @ values["w_1"][0] + values["b_1"][0], 0)
    assert_close(got, hidden @ values["w_2"][0] + values["b_2"][0])
    (got,), (expected,) = both("mean_pool", [x], [pooled])
    assert_close(got, expected)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_block_of(precision):
    blocks = weights_of(3, 64, 96, 4, precision, L=2)[1].blocks
    for n in range(2):
        for got, expected, stacked in zip(fast.block_of(blocks, n), step.block_of(blocks, n), blocks, strict=True):
            parts = zip(got, expected, stacked, strict=True) if isinstance(got, tuple) else [(got, expected, stacked)]
            for part, same, of_all in parts:
                np.testing.assert_array_equal(part, of_all[n])
                np.testing.assert_array_equal(same, of_all[n])


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize(("T", "D", "F", "K"), [(16, 128, 256, 9), (1, 64, 70, 300), (5, 96, 33, 1)])
def test_decode(T, D, F, K, precision):
    """Against the specification of the step; and against the textbook, with a feed-forward narrower than a panel."""
    values, weights = weights_of(T, D, F, 4, precision, L=2, K=K)
    for name in ("w_q", "w_k", "w_v", "w_1", "w_2", "w_classes"):
        values[name] *= values[name].shape[-2] ** -0.5
    weights = make_weights(values, heads=4, scale=D**-0.5, norm=True, precision=precision)
    (embeddings,) = arrays((T, D), seed=1)
    first = np.concatenate([values[name][0] for name in ("w_q", "w_k", "w_v")], axis=1)
    window = np.concatenate([embeddings, embeddings @ first], axis=1)
    logits = np.zeros((1, len(weights.b_classes)), np.float32)
    (got,), (expected,) = both("decode", [window, weights, make_scratch(weights)], [logits])
    textbook = reference.vtn(embeddings, values, 4, D**-0.5, True)
    size = np.abs(textbook).max()
    rough = precision == "int8"
    np.testing.assert_allclose(got, expected, atol=(0.02 if rough else 1e-5) * size)
    np.testing.assert_allclose(got[0, :K], textbook, atol=(0.1 if rough else 1e-4) * size)
    assert not got[0, K:].any()


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_machines_tile(machine):
    """All run wherever LLVM has vectors of any length."""
    if not usable(machine):
        pytest.skip("needs another processor")
    tile = machine.fp32
    product = numba.njit(make_product(Fp32(tile)))
    for M, K, N in [(1, 1, tile.panel), (17, 70, 150), (8, 33, 61)]:
        x, w, b, out = arrays((M, K), (K, N), (N,), (M, N))
        product(x, pack(w, tile), b, out)
        assert_close(out, x.astype(np.float64) @ w + b)


def test_nan_reaches_the_output():
    x, w, b, out = arrays((3, 40), (40, 64), (64,), (3, 64))
    x[1, 5] = np.nan
    fast.linear(x, pack(w), b, NO_ROWS, out)
    assert np.isnan(out[1]).all()
    assert np.isfinite(out[[0, 2]]).all()
    qkv, mixed = arrays((4, 24), (4, 8))
    qkv[2, 0] = np.nan
    fast.attention(*attention_inputs(qkv, 1, 1.0), mixed)
    assert np.isnan(mixed[2]).all()
    x, out = arrays((2, 64), (2, 64))
    weights = weights_of(2, 64, 64, 4)[1]
    x[0, 0] = np.nan
    fast.feed_forward(x, fast.block_of(weights.blocks, 0), make_scratch(weights), out)
    assert np.isnan(out[0]).all()
    assert np.isfinite(out[1]).all()


GOLDEN = ["mobilenetv2_vtn_d128_ln", "mobilenetv2_vtn_d128_noln", "mobilenetv2_vtn_rgbdiff_d128_ln"]


def golden_weights(file: Path) -> tuple[dict[str, Any], bool]:
    """Decoder arrays of a published-layout checkpoint, and whether it has layer norms."""
    torch = pytest.importorskip("torch")
    state = torch.load(file, map_location="cpu", weights_only=True)["state_dict"]
    names = {name.removeprefix("module.").removeprefix("motion_decoder."): value for name, value in state.items()}
    prefix = "self_attention_decoder."
    blocks = range(sum(name.endswith("slf_attn.w_qs") for name in names))

    def stack(name: str) -> Any:
        return np.stack([names[f"{prefix}layers.{block}.{name}"].numpy() for block in blocks])

    weights = {"position": names[f"{prefix}position_encoding.enc.weight"].numpy()}
    for name in "qkv":
        heads = stack(f"slf_attn.w_{name}s")  # (L, A, D, D / A)
        weights[f"w_{name}"] = heads.transpose(0, 2, 1, 3).reshape(len(heads), heads.shape[2], -1)
    for name in "12":
        weights[f"w_{name}"] = stack(f"pos_ffn.w_{name}.weight")[..., 0].transpose(0, 2, 1)
        weights[f"b_{name}"] = stack(f"pos_ffn.w_{name}.bias")
    norm = f"{prefix}layers.0.slf_attn.layer_norm.a_2" in names
    if norm:
        for number, part in (("1", "slf_attn"), ("2", "pos_ffn")):
            weights[f"gain_{number}"] = stack(f"{part}.layer_norm.a_2")
            weights[f"bias_{number}"] = stack(f"{part}.layer_norm.b_2")
    weights["w_classes"], weights["b_classes"] = names["fc.weight"].numpy().T, names["fc.bias"].numpy()
    return weights, norm


@pytest.mark.parametrize("name", GOLDEN)
def test_specification_gives_the_authors_logits(shared, name):
    weights, norm = golden_weights(shared / "golden" / f"{name}.pth")
    with np.load(shared / "golden" / f"{name}.npz", allow_pickle=False) as golden:
        embeddings, logits = golden["embeddings"], golden["logits"]
    got = reference.vtn(embeddings, weights, 8, embeddings.shape[1] ** -0.5, norm)
    np.testing.assert_allclose(got, logits, rtol=1e-4, atol=1e-4)
    assert norm == ("noln" not in name)


SCRIPT = """
import numpy as np
from edgevtn.kernels import fast
from edgevtn.kernels.machine import MACHINE
from edgevtn.kernels.structures import make_matrix, make_rows
rng = np.random.default_rng(0)
x, w, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((11, 70), (70, 100), (100,)))
out = np.empty((11, 100), np.float32)
fast.linear(x, make_matrix(w, "fp32"), b, make_rows(11, 70, "fp32"), out)
np.testing.assert_allclose(out, x.astype(np.float64) @ w + b, rtol=1e-4, atol=1e-4)
print(MACHINE.name)
"""


@pytest.mark.skipif(IS_ARM, reason="names x86 processors")
@pytest.mark.parametrize(
    ("cpu", "features", "name"), [("haswell", "+avx2,+fma", "avx2"), ("nehalem", "+sse4.2", "plain")]
)
def test_kernels_for_lesser_processors(cpu, features, name, tmp_path):
    if name == "avx2" and "avx2" not in HOST_FEATURES:
        pytest.skip("this processor has no AVX2 to run it on")
    environment = os.environ | {
        "NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == name
