"""Steps of calibration, and the order in which they are tried."""

import numpy as np
import pytest
from networks import cosine, features, pictures, relu_network, session

from edgevtn.calibration.fit.equalise import equalise_channels
from edgevtn.calibration.fit.quantizer import Quantizer, Settings
from edgevtn.calibration.fit.ranges import METHODS, observe
from edgevtn.calibration.search import search
from edgevtn.graph.front import canonical


def test_equalised_channels_are_the_same_function():
    model = canonical(relu_network())
    quantizer = Quantizer(model, pictures(8))
    assert quantizer.changes(equalise_channels)
    original = quantizer.float_model(Settings())
    other = quantizer.float_model(Settings(before=(equalise_channels,)))
    inputs = [quantizer._normalised(value) for value in pictures(8)]
    channels = observe(other, inputs)["r1"].channels
    alive = channels[channels > 0]
    assert alive.min() > 0.5 * alive.max()
    for value in inputs:
        name = other.graph.input[0].name
        a, b = (session(graph).run(None, {name: value})[0] for graph in (original, other))
        np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-4)


def test_equalisation_helps_where_channels_differ():
    held_out, wanted = pictures(32, seed=1), features(relu_network(), pictures(32, seed=1))
    quantizer = Quantizer(relu_network(), pictures(16))
    plain, equal = (
        cosine(wanted, features(quantizer(Settings(before=way), progress=False), held_out)).mean()
        for way in ((), (equalise_channels,))
    )
    assert 1 - equal < 0.8 * (1 - plain)


def test_search_measures_and_keeps_layers_in_float_until_the_budget_is_met():
    tuning = pictures(8, seed=2)
    best, trail = search(relu_network(), pictures(16), tuning, budget=0.5, progress=False)
    assert not best.settings.float_layers
    assert [what for what, _ in trail[:4]] == [f"{method} ranges" for method in METHODS]
    reached = max(score for _, score in trail)
    agreement = cosine(features(relu_network(), tuning), features(best.model, tuning)).mean()
    assert agreement == pytest.approx(reached, abs=1e-4)
    best, trail = search(relu_network(), pictures(16), tuning, budget=0.999999, progress=False)
    assert len(best.settings.float_layers) == 1
    assert trail[-1][1] > reached
    kinds = [node.op_type for node in best.model.graph.node]
    assert kinds.count("Conv") == 3
