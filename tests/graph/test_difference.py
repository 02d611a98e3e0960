"""Encoders of the difference of two frames."""

import copy
import itertools

import numpy as np
import pytest
from networks import cosine, pictures, session, small_difference, small_network

from edgevtn.calibration import quantize_graph
from edgevtn.graph.difference import of_one_picture, of_two_frames
from edgevtn.kernels.difference import difference
from edgevtn.kernels.prepare import by_blocks as kernels_by_blocks


def test_a_difference_is_a_picture_that_keeps_what_changed():
    newer, older = pictures(2)
    picture = difference(newer, older)
    change = newer.astype(int) - older
    np.testing.assert_array_equal(picture, np.clip(change, -128, 127) + 128)
    assert (difference(newer, newer) == 128).all()


def test_an_encoder_of_differences_becomes_one_of_a_picture_and_back():
    original = small_difference()
    rng = np.random.default_rng(0)
    older = rng.integers(64, 192, (1, 3, 32, 32), dtype=np.uint8)
    newer = (older + rng.integers(-60, 60, older.shape)).astype(np.uint8)
    (expected,) = session(original).run(None, {"pixels": newer, "previous": older})
    inner = of_one_picture(original)
    (got,) = session(inner).run(None, {"difference": difference(newer, older)})
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    (again,) = session(of_two_frames(inner)).run(None, {"pixels": newer, "previous": older})
    np.testing.assert_allclose(again, expected, rtol=1e-4, atol=1e-4)
    changes = [difference(newer, older) for newer, older in itertools.pairwise(pictures(17))]
    quantised = of_two_frames(quantize_graph(inner, changes, progress=False, blocks=True))
    blocks = [kernels_by_blocks(frame) for frame in (newer, older)]
    (int8,) = session(quantised).run(None, dict(zip(("pixels", "previous"), blocks, strict=True)))
    assert cosine(int8, expected).min() > 0.99
    # Its picture is the one that it was quantised for, to the last bit.
    picture = kernels_by_blocks(difference(newer, older))
    (again,) = session(of_one_picture(quantised)).run(None, {"difference": picture})
    np.testing.assert_array_equal(again, int8)


def test_two_inputs_that_are_no_difference_are_refused():
    model = small_network()
    extra = copy.deepcopy(model.graph.input[0])
    extra.name = "other"
    model.graph.input.append(extra)
    with pytest.raises(ValueError, match="subtracts the second from the first"):
        of_one_picture(model)
