"""A first convolution by 2x2 blocks."""

import numpy as np
import pytest
from networks import features, pictures, small_network
from onnx import helper, numpy_helper

from edgevtn.graph.blocks import by_blocks
from edgevtn.graph.facts import input_size, takes_blocks


@pytest.mark.parametrize(
    ("kernel", "pads"), [(3, [0, 0, 1, 1]), (3, [1, 1, 1, 1]), (7, [3, 3, 3, 3]), (5, [2, 2, 2, 2])]
)
def test_the_first_convolution_by_blocks(kernel, pads):
    rng = np.random.default_rng(0)
    model = small_network()
    (first,) = (node for node in model.graph.node if node.name == "c1")
    (stored,) = (tensor for tensor in model.graph.initializer if tensor.name == "w1")
    stored.CopyFrom(numpy_helper.from_array(rng.standard_normal((12, 3, kernel, kernel)).astype(np.float32), "w1"))
    del first.attribute[:]
    for name, value in (("kernel_shape", [kernel] * 2), ("pads", pads), ("strides", [2, 2])):
        first.attribute.append(helper.make_attribute(name, value))
    rewritten = by_blocks(model)
    assert takes_blocks(rewritten)
    assert input_size(rewritten) == 32
    for pixels in pictures(4):
        np.testing.assert_allclose(features(rewritten, [pixels]), features(model, [pixels]), rtol=1e-4, atol=1e-4)


def test_other_first_convolutions_are_left_alone():
    model = small_network()
    (first,) = (node for node in model.graph.node if node.name == "c1")
    for attribute in first.attribute:
        if attribute.name == "strides":
            attribute.CopyFrom(helper.make_attribute("strides", [1, 1]))
    assert by_blocks(model) is model
