"""The compiled kernels against their specification, and the specification against the authors' numbers."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgevtn.kernels import fast, reference
from edgevtn.kernels import jit as _jit
from edgevtn.kernels.packing import attention_scratch, pack, unpack

KERNELS = ["add_norm", "attention", "decode", "embed", "feed_forward", "linear", "mean_pool"]


def arrays(*shapes: tuple[int, ...], seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def both(name: str, inputs: list[Any], outputs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Outputs of the reference and of the compiled kernel."""
    expected = [output.copy() for output in outputs]
    got = [output.copy() for output in outputs]
    getattr(reference, name)(*inputs, *expected)
    getattr(fast, name)(*inputs, *got)
    return got, expected


def assert_close(got: Any, expected: Any) -> None:
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5 * max(1.0, float(np.abs(expected).max())))


@pytest.mark.parametrize("name", KERNELS)
def test_twins_have_one_signature(name):
    assert inspect.signature(getattr(fast, name).py_func) == inspect.signature(getattr(reference, name))


def test_every_kernel_has_a_twin():
    jitted = [
        name
        for name, value in vars(fast).items()
        if hasattr(value, "py_func") and value.__module__ == fast.__name__ and name[0] != "_"
    ]
    assert sorted(jitted) == KERNELS


@settings(max_examples=40, deadline=None)
@given(M=st.integers(1, 20), K=st.integers(1, 70), N=st.integers(_jit.PANEL, 150), seed=st.integers(0, 9))
def test_linear(M, K, N, seed):
    x, w, b, out = arrays((M, K), (K, N), (N,), (M, N), seed=seed)
    (got,), (expected,) = both("linear", [x, pack(w), b], [out])
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
    (got,), (expected,) = both("attention", [qkv, heads, 0.3, *attention_scratch(T, d)], [out])
    assert_close(got, expected)


def test_attention_survives_large_scores():
    qkv, out = arrays((5, 24), (5, 8))
    (got,), (expected,) = both("attention", [qkv * 300, 2, 1.0, *attention_scratch(5, 4)], [out])
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
    x, w_1, b_1, w_2, b_2, hidden, out, pooled = arrays(
        (7, 64), (64, 96), (96,), (96, 64), (64,), (7, 96), (7, 64), (1, 64)
    )
    (_, got), (_, expected) = both("feed_forward", [x, pack(w_1), b_1, pack(w_2), b_2], [hidden, out])
    assert_close(got, expected)
    (got,), (expected,) = both("mean_pool", [x], [pooled])
    assert_close(got, expected)


def test_nan_reaches_the_output():
    x, w, b, out = arrays((3, 40), (40, 64), (64,), (3, 64))
    x[1, 5] = np.nan
    fast.linear(x, pack(w), b, out)
    assert np.isnan(out[1]).all()
    assert np.isfinite(out[[0, 2]]).all()
    qkv, mixed = arrays((4, 24), (4, 8))
    qkv[2, 0] = np.nan
    fast.attention(qkv, 1, 1.0, *attention_scratch(4, 8), mixed)
    assert np.isnan(mixed[2]).all()
    x, w_1, b_1, w_2, b_2, hidden, out = arrays((2, 64), (64, 64), (64,), (64, 64), (64,), (2, 64), (2, 64))
    x[0, 0] = np.nan
    fast.feed_forward(x, pack(w_1), b_1, pack(w_2), b_2, hidden, out)
    assert np.isnan(out[0]).all()


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
from edgevtn.kernels import jit as _jit, fast
from edgevtn.kernels.packing import pack
rng = np.random.default_rng(0)
x, w, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((11, 70), (70, 100), (100,)))
out = np.empty((11, 100), np.float32)
fast.linear(x, pack(w), b, out)
np.testing.assert_allclose(out, x.astype(np.float64) @ w + b, rtol=1e-4, atol=1e-4)
print(_jit.ISA)
"""


@pytest.mark.skipif(_jit.IS_ARM, reason="names x86 processors")
@pytest.mark.parametrize(
    ("cpu", "features", "isa"), [("haswell", "+avx2,+fma", "avx2"), ("nehalem", "+sse4.2", "sse2")]
)
def test_kernels_for_lesser_processors(cpu, features, isa, tmp_path):
    if isa == "avx2" and "avx2" not in _jit.HOST_FEATURES:
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
    assert done.stdout.strip() == isa


def test_no_writable_cache_is_told_and_works():
    script = (
        "from numba.core.caching import CacheImpl\n"
        "for locator in CacheImpl._locator_classes:\n"
        "    locator.from_function = classmethod(lambda *arguments: None)\n" + SCRIPT
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "NUMBA_CACHE_DIR" in done.stderr
