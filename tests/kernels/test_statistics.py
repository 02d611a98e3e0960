"""The kernels of a linear head against their specification, and both against float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgevtn.kernels import fast, reference


def arrays(*shapes: tuple[int, ...], seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def both(name: str, inputs: list[Any], outputs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Outputs of the compiled kernel and of the reference."""
    got, expected = ([output.copy() for output in outputs] for _ in range(2))
    getattr(fast, name)(*inputs, *got)
    getattr(reference, name)(*inputs, *expected)
    return got, expected


@settings(max_examples=40, deadline=None)
@given(
    T=st.integers(1, 70), W=st.integers(1, 90), S=st.integers(1, 4), offset=st.floats(0, 50), seed=st.integers(0, 99)
)
def test_window_statistics(T, W, S, offset, seed):
    rows, *outputs = arrays((T, W), (W,), (W,), (W,), (S, W), seed=seed)
    rows += np.float32(offset)
    got, expected = both("window_statistics", [rows], outputs)
    for result, same in zip(got, expected, strict=True):
        np.testing.assert_allclose(result, same, rtol=1e-4, atol=1e-4)
    exact = rows.astype(np.float64)
    np.testing.assert_allclose(got[1], np.sqrt(((exact - exact.mean(axis=0)) ** 2).mean(axis=0)), rtol=1e-3, atol=1e-4)


def test_a_still_window_has_no_spread_and_a_nan_stays_in_its_column():
    rows = np.full((16, 40), 3.3, np.float32)
    outputs = arrays((40,), (40,), (40,), (3, 40))
    fast.window_statistics(rows, *outputs)
    assert not outputs[1].any()
    assert not outputs[2].any()
    rows[7, 5] = np.nan
    got, expected = both("window_statistics", [rows], outputs)
    for result, same in zip(got, expected, strict=True):
        np.testing.assert_array_equal(np.isnan(result), np.isnan(same))
        assert np.isnan(result[..., 5]).any()
        assert np.isnan(result).sum() < 4


@pytest.mark.parametrize(("M", "K"), [(1, 1), (70, 3), (10240, 9)])
def test_classify(M, K):
    x, w, b, out = arrays((M,), (K, M), (K,), (K,))
    (got,), (expected,) = both("classify", [x, w, b], [out])
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5 * M**0.5)
    np.testing.assert_allclose(got, w.astype(np.float64) @ x + b, rtol=1e-4, atol=1e-5 * M**0.5)
