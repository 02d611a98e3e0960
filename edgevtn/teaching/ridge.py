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
        Weights of rows; their mean is 1.
    targets : float64 (n, K)
        1 and -1.
    """

    weights: Float64
    targets: Float64
    _level: Float64  # (n,), products with the weighted mean of all rows
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
        root, shares = np.sqrt(weights), weights / weights.sum()
        level = shares @ products
        centred = products - level - level[:, None] + shares @ level
        values, vectors = np.linalg.eigh(root[:, None] * centred * root)
        real = values > SMALLEST * max(values[-1], 1e-300)
        return cls(weights, targets, level, values[real], vectors[:, real])

    def coefficients(self, strength: float, targets: Float64 | None = None) -> tuple[Float64, Float64]:
        """The fit as (a, b), float64 (n, K) and (K,): scores of q are ``(x @ q) @ a + b``, so ``B = x.T @ a``.

        Parameters
        ----------
        strength : float
        targets : float64 (n, K), optional
            Others than its own.
        """
        targets = self.targets if targets is None else targets
        root = np.sqrt(self.weights)[:, None]
        a = root * ((self._vectors / (self._values + strength)) @ (self._vectors.T @ (root * targets)))
        return a, self.weights @ targets / self.weights.sum() - self._level @ a

    def fitted(self, strength: float) -> Float64:
        """What the fit says of its own rows, float64 (n, K)."""
        root = np.sqrt(self.weights)[:, None]
        shrunk = self._vectors * (self._values / (self._values + strength))
        answer: Float64 = shrunk @ (self._vectors.T @ (root * self.targets)) / root
        answer += self.weights @ self.targets / self.weights.sum()
        return answer

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

    def left_out_others(
        self, strength: float, groups: Sequence[Int], others: Float64, owner: Int, left_out: Float64
    ) -> Float64:
        """What the fit without a group says of other rows of that group, for instance single windows of its clips.

        A fit without a group is the fit to all rows in which the group's targets are what that fit says of them.

        Parameters
        ----------
        strength, groups
            As `left_out`.
        others : float64 (m, n)
            Products of the other rows with the fit's own.
        owner : int64 (m,)
            The row of its own that each is a part of.
        left_out : float64 (n, K)
            As `left_out` gives it.

        Returns
        -------
        float64 (m, K)
        """
        answers = np.empty((len(others), self.targets.shape[1]))
        for rows in groups:
            targets = self.targets.copy()
            targets[rows] = left_out[rows]
            a, b = self.coefficients(strength, targets)
            own = np.isin(owner, rows)
            answers[own] = others[own] @ a + b
        return answers


def balanced(classes: Int, share: Float64) -> Float64:
    """Weights (n,) of rows by which every class counts the same; their mean is 1.

    Parameters
    ----------
    classes : int64 (n,)
    share : float64 (n,)
        The part of a clip that a row is: the rows of a clip together count as one clip.
    """
    count = np.bincount(classes, share)
    weights = share / count[classes]
    result: Float64 = weights * (len(weights) / weights.sum())
    return result


def targets_of(classes: Int, K: int) -> Float64:
    """Targets float64 (n, K): 1 for a row's class and -1 for the others."""
    return 2.0 * np.eye(K)[classes] - 1.0
