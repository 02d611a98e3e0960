"""An encoder with open sides is, at each of them, the encoder that was made for it."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from networks import small_network
from onnx import numpy_helper

from edgevtn.bundle import load_bundle
from edgevtn.encoder import Encoder
from edgevtn.errors import BundleError
from edgevtn.graph.run import features
from edgevtn.graph.sizes import resized, with_open_side, with_side
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


def test_a_network_for_larger_pictures_is_that_network_at_their_size():
    """Torch computes the same layers from the same weights."""
    torch = pytest.importorskip("torch")
    large = resized(small_network(), 96)
    assert [axis.dim_value for axis in large.graph.input[0].type.tensor_type.shape.dim] == [1, 3, 96, 96]
    pixels = np.random.default_rng(1).integers(0, 256, (1, 3, 96, 96), np.uint8)
    weights = {w.name: torch.from_numpy(numpy_helper.to_array(w).copy()) for w in large.graph.initializer}
    x = (torch.from_numpy(pixels.astype(np.float32)) - 127) / 128
    conv = torch.nn.functional.conv2d
    x = conv(x, weights["w1"], weights["b1"], stride=2, padding=1).clamp(0, 6)
    x = conv(x, weights["w2"], weights["b2"], padding=1, groups=12).clamp(0, 6)
    expected = conv(x, weights["w3"], weights["b3"]).mean(dim=(2, 3)).numpy()
    np.testing.assert_allclose(np.stack(features(large, [pixels])).reshape(1, -1), expected, atol=1e-4)


def flattening_network():
    """One whose last layer has a weight for each place in a picture of 32 pixels."""
    model = small_network()
    for node in list(model.graph.node)[-2:]:
        model.graph.node.remove(node)
    weight = numpy_helper.from_array(np.ones((24 * 16 * 16, 24), np.float32), "w4")
    model.graph.initializer.append(weight)
    model.graph.node.append(onnx.helper.make_node("Flatten", ["c3"], ["flat"], name="flat"))
    model.graph.node.append(onnx.helper.make_node("MatMul", ["flat", "w4"], ["features"], name="last"))
    return model


def widening_network():
    """One that gives a number for each place in a picture, so many more for a larger one."""
    model = small_network()
    for node in list(model.graph.node)[-2:]:
        model.graph.node.remove(node)
    model.graph.node.append(onnx.helper.make_node("Flatten", ["c3"], ["features"], name="flat"))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 24 * 16 * 16
    return model


@pytest.mark.parametrize(
    ("network", "side", "reason"),
    [
        (widening_network, 64, "for pictures of 32 pixels alone, not of 64"),
        (flattening_network, 64, "for pictures of 32 pixels alone, not of 64"),
        (small_network, 100, "must be a multiple of 32"),
        (small_network, 0, "must be a multiple of 32"),
        (small_network, 32_000, "must be a multiple of 32"),
    ],
)
def test_sizes_that_an_encoder_cannot_have_are_refused(network, side, reason):
    with pytest.raises(ValueError, match=reason):
        resized(network(), side)
