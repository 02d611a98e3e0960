"""The specification: the VTN decoder in plain NumPy.

Every function here but `vtn` has a twin of the same name and signature in `fast`: inputs first, outputs last,
nothing allocated by the twin, nothing validated (the caller did). `vtn` is the whole decoder as the paper's
code computes it, from scratch and in the textbook order; the streaming path must equal it.

Letters: T clip, D embedding, A heads, F feed-forward width, L blocks, K classes, P panels of R columns.

References
----------
.. [1] Kozlov, Andronov, Gritsenko, "Lightweight Network Architecture for Real-Time Action Recognition",
       arXiv 1905.08711, and the authors' published code, from which the details below that differ from
       Vaswani et al., "Attention Is All You Need", are taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgevtn.kernels.packing import unpack

Float = npt.NDArray[np.float32]

#: Added to the standard deviation (not to the variance) in the layer norm of [1].
LAYER_NORM_EPSILON = np.float32(1e-3)


def linear(x: Float, w: Float, b: Float, out: Float) -> None:
    """``out = x @ w + b``.

    Parameters
    ----------
    x : float32 (M, K)
    w : float32 (P, K, R)
        Packed by `edgevtn.kernels.packing.pack`.
    b : float32 (N,)
    out : float32 (M, N)
        N is at least R.
    """
    out[...] = x @ unpack(w, out.shape[1]) + b


def embed(window: Float, position: Float, x: Float, qkv: Float) -> None:
    """Add the position rows to the window's embeddings and to their first-block projections.

    The projections of an embedding do not depend on its place in the window, because
    ``(e + p) W = e W + p W``: they are computed once per frame, and moved by adding ``p W``.

    Parameters
    ----------
    window : float32 (T, 4 D)
        Rows ``[e, e W_q, e W_k, e W_v]``, oldest first.
    position : float32 (T, 4 D)
        Rows ``[p, p W_q, p W_k, p W_v]``.
    x : float32 (T, D)
    qkv : float32 (T, 3 D)
    """
    moved = window + position
    x[...] = moved[:, : x.shape[1]]
    qkv[...] = moved[:, x.shape[1] :]


def attention(
    qkv: Float,
    heads: int,
    scale: float,
    keys: Float,
    values: Float,
    none: Float,
    scores: Float,
    mixed: Float,
    out: Float,
) -> None:
    """Self-attention of every head; the heads' outputs side by side, with no output projection.

    Parameters
    ----------
    qkv : float32 (T, 3 D)
        Queries, keys and values side by side; head a owns columns ``a d`` to ``(a + 1) d`` of each, d = D / A.
    heads : int
        A; divides D.
    scale : float
        Factor on the scores; ``1 / sqrt(D)`` in [1], where Vaswani et al. have ``1 / sqrt(d)``.
    keys : float32 (P, d, R), P R >= T
    values : float32 (Q, T, R), Q R >= d
    scores : float32 (T, P R)
    mixed : float32 (T, Q R)
        Scratch of one head for the compiled twin; all zeros before the first call.
    none : float32 (R,)
        Zeros.
    out : float32 (T, D)
    """
    D = out.shape[1]
    d = D // heads
    for head in range(heads):
        columns = slice(head * d, (head + 1) * d)
        q, k, v = qkv[:, :D][:, columns], qkv[:, D : 2 * D][:, columns], qkv[:, 2 * D :][:, columns]
        weights = q @ k.T * np.float32(scale)
        weights = np.exp(weights - weights.max(axis=1, keepdims=True))
        out[:, columns] = weights / weights.sum(axis=1, keepdims=True) @ v


def add_norm(x: Float, residual: Float, gain: Float, bias: Float, norm: bool, out: Float) -> None:
    """Layer norm of ``x + residual``, as in [1]: unbiased standard deviation, epsilon outside the root.

    Parameters
    ----------
    x, residual : float32 (T, D)
    gain, bias : float32 (D,)
    norm : bool
        False for models trained without layer norm: the sum alone. So it is for T = 1 in any model, because
        the authors' layer norm passes a sequence of one through.
    out : float32 (T, D)
        May be `x` or `residual`.
    """
    out[...] = x + residual
    if norm and len(out) > 1:
        mean = out.mean(axis=1, keepdims=True)
        std = out.std(axis=1, keepdims=True, ddof=1)
        out[...] = (out - mean) / (std + LAYER_NORM_EPSILON) * gain + bias


def feed_forward(x: Float, w_1: Float, b_1: Float, w_2: Float, b_2: Float, hidden: Float, out: Float) -> None:
    """``relu(x w_1 + b_1) w_2 + b_2``, row by row.

    Parameters
    ----------
    x : float32 (T, D)
    w_1 : float32 (P, D, R)
    b_1 : float32 (F,)
    w_2 : float32 (P, F, R)
    b_2 : float32 (D,)
    hidden : float32 (T, F)
        Scratch.
    out : float32 (T, D)
        Not `x`.
    """
    linear(x, w_1, b_1, hidden)
    np.maximum(hidden, 0, out=hidden)
    linear(hidden, w_2, b_2, out)


def mean_pool(x: Float, out: Float) -> None:
    """Temporal pooling: the mean over the T rows of x, float32 (T, D) -> (1, D)."""
    out[0] = x.mean(axis=0)


def decode(
    window: Float,
    position: Float,
    w_qkv: Float,
    b_qkv: Float,
    gain_1: Float,
    bias_1: Float,
    w_1: Float,
    b_1: Float,
    w_2: Float,
    b_2: Float,
    gain_2: Float,
    bias_2: Float,
    w_classes: Float,
    b_classes: Float,
    heads: int,
    scale: float,
    norm: bool,
    x: Float,
    qkv: Float,
    mixed: Float,
    keys: Float,
    values: Float,
    none: Float,
    scores: Float,
    head: Float,
    hidden: Float,
    pooled: Float,
    logits: Float,
) -> None:
    """One decoder step: a window of embeddings with their projections -> logits.

    Equal to `vtn`, with less work: the first block's projections come from the window, and because the
    classifier is linear the mean over time is taken before it instead of after.

    Parameters
    ----------
    window, position : float32 (T, 4 D)
        As in `embed`.
    w_qkv : float32 (L, P, D, R)
        Packed ``[W_q, W_k, W_v]`` of each block.
    b_qkv : float32 (3 D,)
        Zeros: the authors' projections have no bias.
    gain_1, bias_1, gain_2, bias_2 : float32 (L, D)
        Layer norms after attention and after the feed-forward.
    w_1 : float32 (L, P, D, R)
    b_1 : float32 (L, F)
    w_2 : float32 (L, P, F, R)
    b_2 : float32 (L, D)
    w_classes : float32 (P, D, R)
    b_classes : float32 (max(K, R),)
        Zeros beyond K.
    heads, scale, norm
        As in `attention` and `add_norm`.
    x, mixed : float32 (T, D)
    qkv : float32 (T, 3 D)
    keys, values, none, scores, head
        As in `attention`, which calls the last one `mixed`.
    hidden : float32 (T, F)
    pooled : float32 (1, D)
        Scratch, all nine.
    logits : float32 (1, max(K, R))
        The first K are the result.
    """
    embed(window, position, x, qkv)
    for block in range(len(w_qkv)):
        if block > 0:
            linear(x, w_qkv[block], b_qkv, qkv)
        attention(qkv, heads, scale, keys, values, none, scores, head, mixed)
        add_norm(mixed, x, gain_1[block], bias_1[block], norm, x)
        feed_forward(x, w_1[block], b_1[block], w_2[block], b_2[block], hidden, mixed)
        add_norm(mixed, x, gain_2[block], bias_2[block], norm, x)
    mean_pool(x, pooled)
    linear(pooled, w_classes, b_classes, logits)


def vtn(embeddings: Float, weights: dict[str, Any], heads: int, scale: float, norm: bool) -> Float:
    """The VTN decoder from scratch, in the order of the authors' code.

    Parameters
    ----------
    embeddings : float32 (T, D)
    weights : dict
        The arrays of a bundle's ``decoder.npz``, unpacked: position (T, D), w_q, w_k, w_v (L, D, D), w_1
        (L, D, F), b_1 (L, F), w_2 (L, F, D), b_2 (L, D), w_classes (D, K), b_classes (K,) and, with `norm`,
        gain_1, bias_1, gain_2, bias_2 (L, D).
    heads, scale, norm
        As in `attention` and `add_norm`.

    Returns
    -------
    float32 (K,)
        Logits: the mean over time of every step's classification.
    """

    def layer_norm(z: Float, name: str, block: int) -> Float:
        if not norm or len(z) == 1:
            return z
        mean, std = z.mean(axis=1, keepdims=True), z.std(axis=1, keepdims=True, ddof=1)
        normal = (z - mean) / (std + LAYER_NORM_EPSILON)
        scaled: Float = normal * weights[f"gain_{name}"][block] + weights[f"bias_{name}"][block]
        return scaled

    x = embeddings + weights["position"]
    d = x.shape[1] // heads
    for block in range(len(weights["w_q"])):
        mixed = np.empty_like(x)
        for head in range(heads):
            columns = slice(head * d, (head + 1) * d)
            q, k, v = (x @ weights[name][block][:, columns] for name in ("w_q", "w_k", "w_v"))
            scores = np.exp(q @ k.T * np.float32(scale))
            mixed[:, columns] = scores / scores.sum(axis=1, keepdims=True) @ v
        x = layer_norm(mixed + x, "1", block)
        hidden = np.maximum(x @ weights["w_1"][block] + weights["b_1"][block], 0)
        x = layer_norm(hidden @ weights["w_2"][block] + weights["b_2"][block] + x, "2", block)
    steps = x @ weights["w_classes"] + weights["b_classes"]
    mean: Float = steps.mean(axis=0)
    return mean
