"""The sums of changes, against NumPy."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgevtn.kernels.changes import CELLS, PIECE, ROWS, Changes


def expected(kept, frame, ignored):
    """Means over cells, of all pixels of the rows that count."""
    H, W = frame.shape[:2]
    side = min(H, W)
    top, left = (H - side) // 2, (W - side) // 2
    step = max(1, side // ROWS)
    kept, frame = (each[top : top + side : step, left : left + side].astype(int) for each in (kept, frame))
    change = np.abs(frame - kept)
    pieces = -(-side // PIECE)
    cells = min(CELLS, len(change)), min(CELLS, pieces)
    row_of = np.arange(len(change)) * cells[0] // len(change)
    column_of = np.arange(pieces).repeat(PIECE)[:side] * cells[1] // pieces
    means = np.zeros((2, *cells))
    for r, c in np.ndindex(*cells):
        own = change[row_of == r][:, column_of == c]
        means[:, r, c] = own.mean(), np.maximum(own - ignored, 0).mean()
    return means.reshape(2, -1)


@settings(max_examples=60, deadline=None)
@given(H=st.integers(1, 250), W=st.integers(1, 250), ignored=st.integers(0, 255), seed=st.integers(0, 99))
def test_equals_numpy_for_any_size(H, W, ignored, seed):
    kept, frame = np.random.default_rng(seed).integers(0, 256, (2, H, W, 3), dtype=np.uint8)
    changes = Changes()
    changes.keep(kept)
    np.testing.assert_allclose(changes(frame, ignored), expected(kept, frame, ignored), rtol=1e-5, atol=1e-5)


def test_padded_rows_read_only_frames_and_extremes():
    frames = np.zeros((2, 500, 700, 3), np.uint8)
    frames[1] = 255
    frames.flags.writeable = False
    changes = Changes()
    changes.keep(frames[0][10:490, 30:670])
    np.testing.assert_array_equal(changes(frames[1][10:490, 30:670], 55)[0], 255)
    np.testing.assert_array_equal(changes(frames[1][10:490, 30:670], 55)[1], 200)
    np.testing.assert_array_equal(changes(frames[0][10:490, 30:670], 0), 0)


def test_a_frame_of_another_size_cannot_be_compared():
    changes = Changes()
    assert changes(np.zeros((48, 64, 3), np.uint8), 0) is None
    changes.keep(np.zeros((48, 64, 3), np.uint8))
    assert changes(np.zeros((64, 48, 3), np.uint8), 0) is None
    assert changes(np.zeros((48, 64, 3), np.uint8), 0) is not None
