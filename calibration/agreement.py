"""How far the features of two encoders agree."""

from __future__ import annotations

import numpy as np

from edgevtn.arrays import Float


def cosines(a: Float, b: Float) -> Float:
    """Cosine of the angle between two encoders' features of each frame.

    Parameters
    ----------
    a, b : float32 (N, W)

    Returns
    -------
    float32 (N,)
    """
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    result: Float = (a * b).sum(axis=1) / np.maximum(lengths, 1e-30)
    return result
