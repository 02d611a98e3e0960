"""The specification: the VTN decoder in plain NumPy.

Every function here but `vtn` has a twin of the same name and signature in `fast`: inputs first, outputs last,
nothing allocated by the twin, nothing validated (the caller did). `step` puts them together. `vtn` is the whole
decoder as the paper's code computes it, from scratch and in the textbook order; the streaming path must equal it.

The letters are those of `structures`.

Matrices may be float32 or int8. Int8 weights have a scale for each output channel, made when the decoder is loaded.
Activations get a scale for each row while it runs, so nothing has to be calibrated. Attention, norms, pooling and
sums of branches stay float32.

References
----------
.. [1] Kozlov, Andronov, Gritsenko, "Lightweight Network Architecture for Real-Time Action Recognition",
       arXiv 1905.08711, and the authors' published code. The details below that differ from Vaswani et al.,
       "Attention Is All You Need", are theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgevtn.arrays import Float
from edgevtn.kernels.packing import unpack, unpack8
from edgevtn.kernels.structures import Int8Matrix, Int8Rows, Matrix, Scratch

#: Added to the standard deviation (not to the variance) in the layer norm of [1].
LAYER_NORM_EPSILON = np.float32(1e-3)
#: Steps of an int8 activation on either side of zero.
LARGEST = np.float32(127)


def quantise_rows(x: Float, rows: Int8Rows) -> None:
    """Round each row to whole steps of its largest magnitude's 127th part.

    Parameters
    ----------
    x : float32 (M, K)
    rows : Int8Rows (M or more, K)
        The first M are written; q beyond column K is left as it is, zeros. The scale of a row that is not finite is
        NaN, and its q 0.
    """
    M, K = x.shape
    largest = np.abs(x).max(axis=1)
    finite = np.isfinite(largest)
    factor = np.where(finite & (largest > 0), LARGEST / np.where(largest > 0, largest, 1), 0).astype(np.float32)
    rows.q[:M, :K] = np.rint(np.where(finite[:, None], x, 0) * factor[:, None]).astype(rows.q.dtype)
    rows.scales[:M] = np.where(finite, largest / LARGEST, np.nan)
    rows.sums[:M] = rows.q[:M].sum(axis=1)


def linear(x: Float, w: Matrix, b: Float, rows: Int8Rows, out: Float) -> None:
    """``out = x @ w + b``.

    With an int8 matrix, ``out = scales * (q @ w.q) * w.scale + b`` of the quantised x, in that order, each step
    rounded to float32.

    Parameters
    ----------
    x : float32 (M, K)
    w : float32 (P, K, R) or Int8Matrix (K, N)
    b : float32 (N,)
    rows : Int8Rows (M or more, K)
        Scratch of the product with an int8 matrix.
    out : float32 (M, N)
        N is at least a panel, R or R8.
    """
    if isinstance(w, Int8Matrix):
        quantise_rows(x, rows)
        q, scales = rows.q[: len(x)].astype(np.int64), rows.scales[: len(x), None]
        products = (q @ unpack8(w.q, out.shape[1])).astype(np.int32)
        out[...] = products.astype(np.float32) * scales * w.scale + b
    else:
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


def attention(qkv: Float, heads: int, scale: float, scratch: Scratch, out: Float) -> None:
    """Self-attention of every head; the heads' outputs side by side, with no output projection.

    Parameters
    ----------
    qkv : float32 (T, 3 D)
        Queries, keys and values side by side; head a owns columns ``a d`` to ``(a + 1) d`` of each, d = D / A.
    heads : int
        A; divides D.
    scale : float
        Factor on the scores; ``1 / sqrt(D)`` in [1], where Vaswani et al. have ``1 / sqrt(d)``.
    scratch : Scratch
        For the compiled twin.
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
        False for models trained without layer norm: the sum alone. For T = 1 it is the sum alone in any model,
        because the authors' layer norm passes a sequence of one through.
    out : float32 (T, D)
        May be `x` or `residual`.
    """
    out[...] = x + residual
    if norm and len(out) > 1:
        mean = out.mean(axis=1, keepdims=True)
        std = out.std(axis=1, keepdims=True, ddof=1)
        out[...] = (out - mean) / (std + LAYER_NORM_EPSILON) * gain + bias


def rectify(x: Float) -> None:
    """Numbers below 0 become 0, in place: float32 (T, F). A NaN stays a NaN."""
    np.maximum(x, 0, out=x)


def mean_pool(x: Float, out: Float) -> None:
    """Temporal pooling: the mean over the T rows of x, float32 (T, D) -> (1, D)."""
    out[0] = x.mean(axis=0)


def window_statistics(rows: Float, mean: Float, spread: Float, change: Float, segments: Float) -> None:
    """Statistics over time of a window of features.

    Parameters
    ----------
    rows : float32 (T, W)
        Oldest first.
    mean, spread, change : float32 (W,)
        The mean; the standard deviation, not unbiased; the mean size of the change from row to row, 0 for T = 1.
    segments : float32 (S, W)
        The means of S parts, as equal as `numpy.array_split` makes them; an empty part has the mean of all.
    """
    mean[...] = rows.mean(axis=0)
    spread[...] = rows.std(axis=0)
    change[...] = np.abs(np.diff(rows, axis=0)).mean(axis=0) if len(rows) > 1 else 0 * mean  # a NaN stays a NaN
    for n, part in enumerate(np.array_split(rows, len(segments))):
        segments[n] = part.mean(axis=0) if len(part) else mean


def classify(x: Float, w: Float, b: Float, out: Float) -> None:
    """``out = w @ x + b`` of one long row: x float32 (M,), w float32 (K, M), b and out float32 (K,)."""
    out[...] = w @ x + b


def vtn(embeddings: Float, weights: dict[str, Any], heads: int, scale: float, norm: bool) -> Float:
    """The VTN decoder from scratch, in the order of the authors' code.

    Parameters
    ----------
    embeddings : float32 (T, D)
    weights : dict
        The arrays of a bundle's ``head.npz``, unpacked: position (T, D), w_q, w_k, w_v (L, D, D), w_1
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
