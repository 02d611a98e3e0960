"""What rounding an int8 decoder's weights moves on the mean, taken back in its biases: a step costs the same."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from edgevtn.arrays import Float
from edgevtn.kernels import reference
from edgevtn.kernels.packing import int8_weights
from edgevtn.kernels.structures import Scratch


def corrected_biases(arrays: dict[str, Any], heads: int, scale: float, norm: bool) -> dict[str, Float]:
    """Biases of the feed-forward parts, with which their outputs have the same mean as with float32 weights.

    With E the error of the rounded weights a product is off by ``x E``, on the mean by ``mean(x) E``, which a bias
    can take back [1]_. The mean of x that is used is that of a window of embeddings that are all zeros: what learned
    biases, gains and positions make of it is most of what the means of other windows have in common.

    Parameters
    ----------
    arrays : dict of float32 arrays
        As `edgevtn.kernels.structures.make_weights` takes them.
    heads, scale, norm
        As there.

    Returns
    -------
    dict of float32 arrays
        b_1 (L, F) and b_2 (L, D).

    References
    ----------
    .. [1] Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", arXiv 1906.04721,
           section 4.2; there means come from batch norms.
    """
    x = arrays["position"].copy()
    first, second = arrays["b_1"].copy(), arrays["b_2"].copy()
    mixed, unused = np.empty_like(x), np.zeros_like(x[0])
    none = cast(Scratch, None)  # the reference does without
    for n in range(len(first)):
        qkv = x @ np.concatenate([arrays["w_q"][n], arrays["w_k"][n], arrays["w_v"][n]], axis=1)
        reference.attention(qkv, heads, scale, none, mixed)
        gains = [arrays[name][n] if norm else unused for name in ("gain_1", "bias_1", "gain_2", "bias_2")]
        reference.add_norm(mixed, x, gains[0], gains[1], norm, x)
        hidden = x @ arrays["w_1"][n] + arrays["b_1"][n]
        reference.rectify(hidden)
        first[n] += x.mean(axis=0) @ _error(arrays["w_1"][n])
        second[n] += hidden.mean(axis=0) @ _error(arrays["w_2"][n])
        reference.add_norm(hidden @ arrays["w_2"][n] + arrays["b_2"][n], x, gains[2], gains[3], norm, x)
    return {"b_1": first, "b_2": second}


def _error(w: Float) -> Float:
    """What is lost of weights (M, N) when they are rounded."""
    integers, scale = int8_weights(w)
    lost: Float = w - integers * scale
    return lost
