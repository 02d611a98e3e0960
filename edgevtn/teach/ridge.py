"""A ridge classifier in closed form: all strengths, all classes and all left-out groups at once.

It minimises ``sum_i w_i |y_i - b - x_i B|^2 + strength * |B|^2``, where y_i is 1 for the row's class and -1 for the
others. The intercept b is not penalised. Only inner products of rows are needed, which add up over blocks of
statistics: the products of a block serve every set of statistics that it is in.

What a fit without a group would say of that group needs no second fit: for any fit by penalised least squares, ::

    y_g - f_without_g = (I - H_gg)^-1 (y_g - f_g)

with the hat matrix H of all rows (f = H y), whose block of the group's rows is H_gg [1]_.

References
----------
.. [1] Cook, Weisberg, "Residuals and Influence in Regression", 1982, chapter 3: deletion of several cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

#: A direction with less than this share of the largest one's size is rounding.
SMALLEST = 1e-12


@dataclass(frozen=True)
class Ridge:
    """The eigenvectors of a problem, from which the fit of any strength follows.

    Attributes
    ----------
    weights : float64 (n,)
        Of rows; their mean is 1.
    targets : float64 (n, K)
        1 and -1.
    """

    weights: Float64
    targets: Float64
    _values: Float64  # (r,)
    _vectors: Float64  # (n, r), of the centred and weighted products

    @classmethod
    def of(cls, products: Float64, weights: Float64, targets: Float64) -> Ridge:
        """Prepare from the inner products of rows.

        Parameters
        ----------
        products : float64 (n, n)
            ``x @ x.T``.
        weights : float64 (n,)
            Above 0.
        targets : float64 (n, K)
        """
        root = np.sqrt(weights)
        centred = products - _shares(weights) @ products
        centred = centred - (centred @ _shares(weights))[:, None]
        centred = (centred + centred.T) / 2
        values, vectors = np.linalg.eigh(root[:, None] * centred * root)
        real = values > SMALLEST * max(values[-1], 1e-300)
        return cls(weights, targets, values[real], vectors[:, real])

    def coefficients(self, strength: float) -> tuple[Float64, Float64]:
        """The fit as (a, b): the class weights are ``B = a.T @ x`` over the rows x, float64 (n, K), and b is (K,).

        b belongs to rows whose weighted mean is taken off; see `solve` for one that does not.
        """
        root = np.sqrt(self.weights)[:, None]
        scaled = self._vectors / (self._values + strength)
        a = root * (scaled @ (self._vectors.T @ (root * self.targets)))
        return a, _shares(self.weights) @ self.targets

    def fitted(self, strength: float) -> Float64:
        """What the fit says of its own rows, float64 (n, K)."""
        root = np.sqrt(self.weights)[:, None]
        shrunk = self._vectors * (self._values / (self._values + strength))
        answer: Float64 = shrunk @ (self._vectors.T @ (root * self.targets)) / root
        return answer + _shares(self.weights) @ self.targets

    def left_out(self, strength: float, groups: Sequence[Int]) -> Float64:
        """What the fit without a group says of the group's rows, float64 (n, K).

        Parameters
        ----------
        strength : float
            Above 0.
        groups : sequence of int64 arrays
            Rows of each group; together all rows. One group of all rows has nothing to be fitted on: its rows are NaN.
        """
        root = np.sqrt(self.weights)
        shrink = self._values / (self._values + strength)
        residuals = root[:, None] * (self.targets - self.fitted(strength))
        answers = np.empty_like(self.targets)
        total = self.weights.sum()
        for rows in groups:
            if len(rows) == len(root):
                answers[rows] = np.nan
                continue
            own = self._vectors[rows]
            hat = (own * shrink) @ own.T + np.outer(root[rows], root[rows]) / total
            left = np.linalg.solve(np.eye(len(rows)) - hat, residuals[rows])
            answers[rows] = self.targets[rows] - left / root[rows, None]
        return answers


def solve(rows: Float64, weights: Float64, targets: Float64, strength: float) -> tuple[Float64, Float64]:
    """The classifier of one strength: B float64 (M, K) and b (K,), by the smaller of its two normal equations.

    Parameters
    ----------
    rows : float64 (n, M)
    weights : float64 (n,)
    targets : float64 (n, K)
    strength : float
    """
    n, M = rows.shape
    mean, level = _shares(weights) @ rows, _shares(weights) @ targets
    root = np.sqrt(weights)[:, None]
    x, y = root * (rows - mean), root * (targets - level)
    if M < n:
        B = np.linalg.solve(x.T @ x + strength * np.eye(M), x.T @ y)
    else:
        B = x.T @ np.linalg.solve(x @ x.T + strength * np.eye(n), y)
    return B, level - mean @ B


def balanced(classes: Int, share: Float64) -> Float64:
    """Weights (n,) of rows by which every class counts the same; their mean is 1.

    Parameters
    ----------
    classes : int64 (n,)
    share : float64 (n,)
        Of a clip that a row is: the rows of a clip together count as one clip.
    """
    count = np.bincount(classes, share)
    weights = share / count[classes]
    result: Float64 = weights * (len(weights) / weights.sum())
    return result


def targets_of(classes: Int, K: int) -> Float64:
    """Targets float64 (n, K): 1 for a row's class and -1 for the others."""
    return 2.0 * np.eye(K)[classes] - 1.0


def _shares(weights: Float64) -> Float64:
    return weights / weights.sum()
