"""An encoder with open sides is, at each of them, the encoder that was made for it."""

from dataclasses import replace

import numpy as np
import onnx
import pytest

from edgevtn.bundle import load_bundle
from edgevtn.encoder import Encoder
from edgevtn.errors import BundleError
from edgevtn.graph.run import features
from edgevtn.graph.sizes import with_open_side, with_side
from edgevtn.kernels.prepare import by_blocks


@pytest.mark.parametrize("side", [224, 128])
def test_an_open_side_gives_what_a_fixed_one_gives(side):
    bundle = load_bundle()
    fixed = with_side(onnx.load_from_string(bundle.encoder), side)
    opened = with_open_side(fixed).SerializeToString()
    facts = replace(bundle.model.encoder, input_size=side)
    encoder = Encoder(replace(bundle, encoder=opened, model=replace(bundle.model, encoder=facts)), threads=1)
    planes = np.random.default_rng(0).integers(0, 256, (1, 3, side, side), np.uint8)
    pixels = by_blocks(planes)
    assert encoder.input_shape == pixels.shape == (1, 12, side // 2, side // 2)
    assert fixed.graph.input[0].type.tensor_type.shape.dim[2].dim_value == side // 2
    expected = np.stack(features(fixed, [planes])).reshape(1, -1)
    np.testing.assert_allclose(encoder.bind([pixels])(), expected, atol=1e-6)


@pytest.mark.parametrize("sizes", [[64], [32, 32], "all", [32, 5], []])
def test_sizes_that_make_no_sense_are_refused(make_bundle, sizes):
    with pytest.raises(BundleError, match="sizes must be different sides"):
        load_bundle(make_bundle(sizes=sizes))
