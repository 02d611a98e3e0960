"""The one pass from frame to pixels, against OpenCV."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgevtn.kernels.prepare import Prepare, by_blocks


def expected(frame, size, color_order):
    H, W = frame.shape[:2]
    side = min(H, W)
    top, left = (H - side) // 2, (W - side) // 2
    square = cv2.resize(frame[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_LINEAR)
    if color_order == "RGB":
        square = cv2.cvtColor(square, cv2.COLOR_BGR2RGB)
    return square.transpose(2, 0, 1)[None]


def check(frame, size=224, color_order="RGB"):
    out = np.empty((1, 3, size, size), np.uint8)
    Prepare(size, color_order)(frame, out)
    difference = np.abs(out.astype(int) - expected(frame, size, color_order))
    assert difference.max() <= 1
    return difference


@pytest.mark.parametrize("color_order", ["RGB", "BGR"])
@pytest.mark.parametrize(
    "shape",
    [(480, 640), (720, 1280), (640, 480), (64, 64), (224, 224), (1, 1), (17, 4000), (4000, 17), (223, 225)],
)
def test_equals_opencv(shape, color_order):
    frame = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert check(frame, color_order=color_order).mean() < 0.3


@settings(max_examples=60, deadline=None)
@given(H=st.integers(1, 90), W=st.integers(1, 90), S=st.integers(1, 70), seed=st.integers(0, 99))
def test_equals_opencv_for_any_size(H, W, S, seed):
    check(np.random.default_rng(seed).integers(0, 256, (H, W, 3), dtype=np.uint8), S)


def test_same_size_is_exact():
    frame = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    out = np.empty((1, 3, 32, 32), np.uint8)
    Prepare(32, "RGB")(frame, out)
    np.testing.assert_array_equal(out[0], frame.transpose(2, 0, 1)[::-1])


def test_padded_rows_and_a_change_of_size():
    prepare, out = Prepare(40), np.empty((1, 3, 40, 40), np.uint8)
    large = np.random.default_rng(0).integers(0, 256, (100, 120, 3), dtype=np.uint8)
    for view in (large[10:70, 20:100], large, large[:5, :9]):
        prepare(view, out)
        assert np.abs(out.astype(int) - expected(view, 40, "RGB")).max() <= 1


@pytest.mark.parametrize("color_order", ["RGB", "BGR"])
@pytest.mark.parametrize("shape", [(480, 640), (17, 31), (224, 224)])
def test_by_blocks(shape, color_order):
    frame = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    planes, blocks = np.empty((1, 3, 224, 224), np.uint8), np.empty((1, 12, 112, 112), np.uint8)
    for out in (planes, blocks):
        Prepare(224, color_order)(frame, out)
    np.testing.assert_array_equal(blocks, by_blocks(planes))
    # Plane 6 i + 3 j + c: row i, column j of each block, channel c.
    np.testing.assert_array_equal(blocks[0, 6 + 2], planes[0, 2, 1::2, ::2])
