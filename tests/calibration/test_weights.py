"""Weight scales with which no sum saturates."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgevtn.calibration.fit.weights import full_scales, safe_scales


@settings(max_examples=50, deadline=None)
@given(outputs=st.integers(1, 5), inputs=st.integers(1, 9), kernel=st.sampled_from([1, 3]), seed=st.integers(0, 99))
def test_no_pair_of_weights_can_saturate(outputs, inputs, kernel, seed):
    rng = np.random.default_rng(seed)
    w = (rng.standard_normal((outputs, inputs, kernel, kernel)) ** 3).astype(np.float32)
    scales = safe_scales(w)
    steps = np.rint(w / scales[:, None, None, None]).astype(int)
    assert np.abs(steps).max() <= 127
    row = steps.transpose(0, 2, 3, 1).reshape(outputs, -1)
    row = np.pad(row, ((0, 0), (0, row.shape[1] % 2))).reshape(outputs, -1, 2)
    for worst in (255 * np.maximum(row, 0).sum(axis=2), 255 * np.minimum(row, 0).sum(axis=2)):
        assert worst.max() <= 32767
        assert worst.min() >= -32768
    # The eighth bit is kept where it can be: half the range in the worst case, as with 7-bit weights.
    assert (scales <= 2.001 * full_scales(w)).all()


def test_a_channel_of_zeros():
    for scales in (full_scales, safe_scales):
        assert scales(np.zeros((2, 3, 1, 1), np.float32)).tolist() == [1, 1]
