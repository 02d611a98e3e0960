"""Closed forms against fitting again, without each group, by the normal equations."""

import numpy as np
import pytest

from edgevtn.teaching.ridge import Ridge, balanced, targets_of


def problem(n=23, M=60, K=4, seed=0):
    rng = np.random.default_rng(seed)
    classes = np.concatenate([np.arange(K), rng.integers(0, K, n - K)])
    rows = rng.standard_normal((n, M)) + classes[:, None] * 0.3 + 5
    group_of = rng.integers(0, 5, n)
    groups = [np.flatnonzero(group_of == group) for group in np.unique(group_of)]
    return rows, classes, groups, balanced(classes, rng.uniform(0.5, 2, n)), targets_of(classes, K)


def refit(rows, weights, targets, strength):
    """The penalised normal equations, with a column for the intercept that is not penalised."""
    n, M = rows.shape
    x = np.concatenate([rows, np.ones((n, 1))], axis=1)
    penalty = strength * np.eye(M + 1)
    penalty[M, M] = 0
    found = np.linalg.solve(x.T @ (weights[:, None] * x) + penalty, x.T @ (weights[:, None] * targets))
    return found[:-1], found[-1]


@pytest.mark.parametrize(("n", "M"), [(23, 60), (40, 7)])
@pytest.mark.parametrize("strength", [0.01, 1.0, 30.0])
def test_left_out_is_a_fit_without_the_group(n, M, strength):
    rows, _, groups, weights, targets = problem(n, M)
    ridge = Ridge.of(rows @ rows.T, weights, targets)
    left_out = ridge.left_out(strength, groups)
    rng = np.random.default_rng(1)
    others = rng.standard_normal((50, M)) + 5
    owner = rng.integers(0, n, 50)
    parts = ridge.left_out_others(strength, groups, others @ rows.T, owner, left_out)
    for group in groups:
        kept = np.setdiff1d(np.arange(n), group)
        B, b = refit(rows[kept], weights[kept], targets[kept], strength)
        np.testing.assert_allclose(left_out[group], rows[group] @ B + b, rtol=0, atol=1e-8)
        own = np.isin(owner, group)
        np.testing.assert_allclose(parts[own], others[own] @ B + b, rtol=0, atol=1e-8)


def test_coefficients_are_the_fit():
    rows, _, _, weights, targets = problem()
    ridge = Ridge.of(rows @ rows.T, weights, targets)
    B, b = refit(rows, weights, targets, 0.3)
    a, own = ridge.coefficients(0.3)
    np.testing.assert_allclose(rows.T @ a, B, atol=1e-9)
    np.testing.assert_allclose(own, b, atol=1e-8)
    np.testing.assert_allclose(ridge.fitted(0.3), rows @ B + b, atol=1e-8)


def test_a_group_of_all_rows_has_nothing_to_be_fitted_on():
    rows, _, _, weights, targets = problem()
    assert np.isnan(Ridge.of(rows @ rows.T, weights, targets).left_out(1.0, [np.arange(len(rows))])).all()


def test_rows_that_are_all_the_same_give_the_mean():
    classes = np.array([0, 0, 1])
    weights = balanced(classes, np.ones(3))
    ridge = Ridge.of(np.full((3, 3), 7.0), weights, targets_of(classes, 2))
    np.testing.assert_allclose(ridge.fitted(0.1), np.zeros((3, 2)), atol=1e-12)


def test_classes_weigh_alike_and_so_do_clips():
    classes, share = np.array([0, 0, 0, 1]), np.array([0.5, 0.5, 1, 1])
    weights = balanced(classes, share)
    assert weights[classes == 0].sum() == pytest.approx(weights[classes == 1].sum())
    assert weights[:2].sum() == pytest.approx(weights[2])
    assert weights.mean() == pytest.approx(1)
