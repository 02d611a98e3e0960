"""Activation ranges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgevtn.calibration.fit.ranges import METHODS, Observed, choose_range


def observed(values):
    """As `observe` has it: zero is always among what was seen."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    return Observed(low, high, values, np.empty(0, np.float32))


@pytest.mark.parametrize("method", METHODS)
def test_an_outlier_is_cut_off(method):
    values = np.concatenate([np.random.default_rng(0).uniform(0, 1, 500_000), [3.0]]).astype(np.float32)
    low, high = choose_range(observed(values), method)
    assert low == 0
    assert high == 3 if method == "min-max" else 0.9 < high < 2


@settings(max_examples=60, deadline=None)
@given(
    method=st.sampled_from(METHODS),
    signed=st.booleans(),
    size=st.sampled_from([1e-6, 1.0, 1e5]),
    count=st.integers(1, 300),
    seed=st.integers(0, 99),
)
def test_ranges_hold_zero_and_are_inside_what_was_seen(method, signed, size, count, seed):
    values = (np.random.default_rng(seed).standard_normal(count) * size).astype(np.float32)
    seen = observed(values if signed else np.maximum(values, 0))
    low, high = choose_range(seen, method)
    assert seen.low <= low <= 0 <= high <= seen.high
    assert high > low or seen.high == seen.low
