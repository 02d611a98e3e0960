"""The front of an encoder: found, folded, refused."""

import numpy as np
import pytest
from networks import cosine, features, float_network, pictures
from onnx import helper, numpy_helper
from tiny import tiny_encoder

from edgevtn.calibration import quantize_graph
from edgevtn.graph.front import canonical, find_affine, with_pixels

IMAGENET = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


def test_the_front_is_found_and_folded():
    """A cast, ImageNet's means and deviations: all of it in the first convolution."""
    model = with_pixels(float_network(), *IMAGENET)
    affine = find_affine(model)
    np.testing.assert_allclose(affine.gain, 1 / np.array(IMAGENET[1]), rtol=1e-4)
    np.testing.assert_allclose(affine.offset, -np.array(IMAGENET[0]) / IMAGENET[1], rtol=1e-4)
    assert affine.source == (0, 1, 2)
    folded = canonical(model)
    assert folded.graph.node[0].op_type == "DequantizeLinear"
    held_out = pictures(16, seed=1)
    # Equal but for what zero padding stands for.
    assert cosine(features(model, held_out), features(folded, held_out)).min() > 0.999
    quantised = quantize_graph(model, pictures(16), progress=False)
    assert cosine(features(model, held_out), features(quantised, held_out)).min() > 0.99


def test_another_colour_order_is_folded_too():
    model = with_pixels(float_network(), *IMAGENET)
    reverse = numpy_helper.from_array(np.array([2, 1, 0], np.int64), "reverse")
    model.graph.initializer.append(reverse)
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name == "normalised":
                node.input[index] = "turned"
    model.graph.node.insert(3, helper.make_node("Gather", ["normalised", "reverse"], ["turned"], axis=1))
    assert find_affine(model).source == (2, 1, 0)
    held_out = pictures(16, seed=1)
    assert cosine(features(model, held_out), features(canonical(model), held_out)).min() > 0.999


def test_a_front_that_is_more_than_a_normalisation_is_refused():
    model = with_pixels(float_network(), *IMAGENET)
    model.graph.node[2].op_type = "Pow"
    with pytest.raises(ValueError, match="no mean and deviation"):
        find_affine(model)
    with pytest.raises(ValueError, match="no convolution"):
        find_affine(tiny_encoder())
