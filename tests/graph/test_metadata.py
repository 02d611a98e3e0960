"""An encoder's facts in its ONNX metadata, which change neither what it computes nor what others wrote there."""

import json

import numpy as np
import onnx

from edgevtn.bundle import load_bundle
from edgevtn.graph.metadata import described
from edgevtn.graph.run import features
from edgevtn.graph.sizes import with_side


def properties(encoder):
    return {entry.key: entry.value for entry in encoder.metadata_props}


def test_facts_are_beside_what_others_wrote():
    plain = with_side(onnx.load_from_string(load_bundle().encoder), 128)
    onnx.helper.set_model_props(plain, {"made by": "someone", "edgevtn.source": "of old"})
    told = described(plain, "a network", "MIT", {"width": 1280, "mean": [127.0] * 3})
    assert properties(told) == {
        "made by": "someone",
        "edgevtn.source": "a network",
        "edgevtn.license": "MIT",
        "edgevtn.encoder": json.dumps({"width": 1280, "mean": [127.0] * 3}),
    }
    assert properties(plain)["edgevtn.source"] == "of old"
    onnx.checker.check_model(told)
    pixels = [np.random.default_rng(0).integers(0, 256, (1, 3, 128, 128), np.uint8)]
    np.testing.assert_array_equal(features(told, pixels), features(plain, pixels))


def test_the_encoder_that_ships_says_what_it_is():
    bundle = load_bundle()
    told = properties(onnx.load_from_string(bundle.encoder))
    facts, known = json.loads(told["edgevtn.encoder"]), bundle.model.encoder
    assert {name: known.to_dict()[name] for name in facts} == facts
    assert "EfficientNet-Lite0" in told["edgevtn.source"]
    assert told["edgevtn.license"] == bundle.model.license
