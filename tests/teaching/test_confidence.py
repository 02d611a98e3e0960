"""Temperature and gate on scores whose truth is known."""

import numpy as np

from edgevtn.heads.linear import rejection
from edgevtn.teaching.confidence import CERTAIN, KEPT, KEPT_BY_NOTHING, fit_gate, fit_temperature, probabilities


def drawn(temperature, n=6000, K=4, seed=0):
    """Scores, and classes drawn by the probabilities that they have at a temperature."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 0.6, (n, K))
    chance = probabilities(scores, temperature)
    return scores, (rng.random((n, 1)) > chance.cumsum(axis=1)).sum(axis=1)


def test_the_temperature_that_made_the_classes_is_found():
    for temperature in (0.1, 0.4):
        scores, classes = drawn(temperature)
        assert abs(np.log(fit_temperature(scores, classes, np.ones(len(classes))) / temperature)) < 0.12


def test_probabilities_sum_to_one_and_unknown_is_last():
    every = probabilities(np.array([[1.0, -1.0], [-9.0, -9.0]]), 0.1, level=0.0)
    np.testing.assert_allclose(every.sum(axis=1), 1)
    assert every.argmax(axis=1).tolist() == [0, 2]


def test_the_gate_keeps_the_share_that_it_promises():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, 2000)
    scores = 2.0 * np.eye(4)[classes] - 1 + rng.normal(0, 0.4, (2000, 4))
    weights = np.ones(2000)
    offset, level = fit_gate(scores, 3, classes, weights, 0.2)
    right = scores[:, :3].argmax(axis=1) == classes
    certain = (probabilities(scores[:, :3], 0.2).max(axis=1) >= CERTAIN)[right].mean()
    moved = scores + np.array([0, 0, 0, offset])
    beside = (probabilities(moved, 0.2)[:, :3].max(axis=1) >= CERTAIN)[right].mean()
    kept = (probabilities(moved, 0.2, level)[:, :3].max(axis=1) >= CERTAIN)[right].mean()
    assert KEPT_BY_NOTHING * certain <= beside < KEPT_BY_NOTHING * certain + 0.02
    assert KEPT * certain <= kept < KEPT * certain + 0.02


def test_where_nothing_is_right_nothing_is_refused_by_it():
    offset, level = fit_gate(np.array([[1.0, -1.0]]), 2, np.array([1]), np.ones(1), 0.2)
    assert offset == 0
    assert level < -2


def test_what_is_rejected_lies_far_from_the_ideal_scores_of_every_label():
    scores = np.random.default_rng(1).uniform(-1, 2, (50, 4))
    squares = ((scores[:, None] - (2 * np.eye(4) - 1)) ** 2).sum(axis=2)
    np.testing.assert_allclose(rejection(scores)[:, None] - scores, squares / 4)
    assert rejection(np.array([-1.0, -5.0])) == 0
