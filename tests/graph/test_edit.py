"""Small tools of graph surgery, and what every surgery leaves as it was."""

import numpy as np
import onnx
import pytest
from networks import features, float_network, pictures, project, session, small_difference, small_network
from onnx import helper, numpy_helper

from edgevtn.calibration import quantize_graph
from edgevtn.graph.blocks import by_blocks
from edgevtn.graph.difference import of_one_picture, of_two_frames
from edgevtn.graph.edit import add_constant, constant, editable, finished, named, stored
from edgevtn.graph.front import canonical, with_pixels
from edgevtn.graph.run import intermediate_values

SURGERIES = {
    "named": (named, small_network),
    "canonical": (canonical, small_network),
    "canonical twice": (canonical, lambda: canonical(small_network())),
    "by_blocks": (by_blocks, lambda: canonical(small_network())),
    "with_pixels": (lambda model: with_pixels(model, (127,) * 3, (128,) * 3), float_network),
    "of_one_picture": (of_one_picture, small_difference),
    "of_two_frames": (of_two_frames, lambda: of_one_picture(small_difference())),
    "there and back again": (of_one_picture, lambda: of_two_frames(of_one_picture(small_difference()))),
    "project": (lambda model: project(model, np.eye(24, 8, dtype=np.float32), np.zeros(8, np.float32)), small_network),
    "quantised": (lambda model: quantize_graph(model, pictures(2), progress=False), small_network),
}


@pytest.mark.parametrize("name", SURGERIES)
def test_surgery_leaves_its_input_and_the_versions_alone(name):
    surgery, make = SURGERIES[name]
    model = make()
    before = model.SerializeToString(deterministic=True)
    result = surgery(model)
    assert model.SerializeToString(deterministic=True) == before
    assert result.ir_version == 8  # older onnxruntimes refuse newer ones
    assert {entry.domain: entry.version for entry in result.opset_import}[""] == 17
    onnx.checker.check_model(result, full_check=True)
    assert session(result).get_inputs()


def test_what_no_output_depends_on_is_removed():
    model = small_network()
    model.graph.node.append(helper.make_node("Relu", ["c1"], ["idle"]))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.float32), "idle.weight"))
    result = finished(editable(model))
    assert result.graph.node[:] == small_network().graph.node[:]
    assert {tensor.name for tensor in result.graph.initializer} == {
        tensor.name for tensor in small_network().graph.initializer
    }


def test_a_constant_whose_name_is_in_use_gets_another():
    model = editable(small_network())
    value = add_constant(model, "w1", np.float32(3))
    assert value.name not in (None, "w1")
    assert constant(value) == 3
    assert constant(model.graph.inputs[0]) is None
    with pytest.raises(ValueError, match="'pixels' is not constant"):
        stored(model.graph.inputs[0])


def test_every_node_gets_a_name_of_its_own():
    model = small_network()
    for node in model.graph.node:
        node.name = "same" if node.op_type == "Conv" else ""
    result = named(model)
    names = [node.name for node in result.graph.node]
    assert "" not in names
    assert len(set(names)) == len(names) == 8
    np.testing.assert_array_equal(features(result, pictures(2)), features(small_network(), pictures(2)))


def test_taps_give_what_is_inside():
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in small_network().graph.initializer}
    w, b = known["w3"][:, :, 0, 0], known["b3"]
    for values in intermediate_values(small_network(), ["c3", "r2"], pictures(2)):
        assert list(values) == ["c3", "r2"]
        expected = np.einsum("oi,bihw->bohw", w, values["r2"]) + b[:, None, None]
        np.testing.assert_allclose(values["c3"], expected, rtol=1e-5, atol=1e-5)


def test_a_convolution_without_bias_is_calibrated():
    model = small_network()
    for node in model.graph.node:
        if node.op_type == "Conv":
            del node.input[2]
    quantised = quantize_graph(model, pictures(8), progress=False)
    a, b = features(model, pictures(8, seed=1)), features(quantised, pictures(8, seed=1))
    assert ((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min() > 0.99
