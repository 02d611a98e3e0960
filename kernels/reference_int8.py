"""The specification of the decoder with int8 products, in plain NumPy; its twin is `fast_int8`.

Weights have a scale for each output channel, made when the decoder is loaded. Activations get a scale for each row
while it runs, so nothing has to be calibrated. Attention, norms, pooling and sums of branches stay float32.

The letters are those of `reference`; R8 is the width of an int8 panel and G the group of neighbours along the depth
that one instruction adds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgevtn.kernels.packing import unpack8
from edgevtn.kernels.reference import Float, add_norm, attention, embed, mean_pool

Integer = npt.NDArray[np.signedinteger[Any]]
Bytes = npt.NDArray[np.uint8]

LARGEST = np.float32(127)


def quantise_rows(x: Float, q: Integer, scales: Float, sums: npt.NDArray[np.int32]) -> None:
    """Round each row to whole steps of its largest magnitude's 127th part.

    Parameters
    ----------
    x : float32 (M, K)
    q : int8 or int16 (M, K padded to whole groups)
        Beyond K it is left as it is: zeros.
    scales : float32 (M,)
        ``x`` is about ``scales[:, None] * q``. NaN for a row that is not finite, and q then 0.
    sums : int32 (M,)
        Of q's rows.
    """
    K = x.shape[1]
    largest = np.abs(x).max(axis=1)
    finite = np.isfinite(largest)
    factor = np.where(finite & (largest > 0), LARGEST / np.where(largest > 0, largest, 1), 0).astype(np.float32)
    q[:, :K] = np.rint(np.where(finite[:, None], x, 0) * factor[:, None]).astype(q.dtype)
    scales[:] = np.where(finite, largest / LARGEST, np.nan)
    sums[:] = q.sum(axis=1)


def linear8(
    q: Integer, scales: Float, sums: npt.NDArray[np.int32], w: Bytes, w_scale: Float, b: Float, out: Float
) -> None:
    """``out = scales * (q @ w) * w_scale + b``, in that order, each step rounded to float32.

    Parameters
    ----------
    q, scales, sums
        As `quantise_rows` leaves them; (M, padded K).
    w : uint8 (P, padded K / G, R8, G)
        Packed by `edgevtn.kernels.packing.pack8`.
    w_scale, b : float32 (N,)
    out : float32 (M, N)
        N is at least R8.
    """
    products = (q.astype(np.int64) @ unpack8(w, out.shape[1])).astype(np.int32)
    out[...] = products.astype(np.float32) * scales[:, None] * w_scale + b


def decode8(
    window: Float,
    position: Float,
    w_qkv: Bytes,
    s_qkv: Float,
    b_qkv: Float,
    gain_1: Float,
    bias_1: Float,
    w_1: Bytes,
    s_1: Float,
    b_1: Float,
    w_2: Bytes,
    s_2: Float,
    b_2: Float,
    gain_2: Float,
    bias_2: Float,
    w_classes: Bytes,
    s_classes: Float,
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
    q_narrow: Integer,
    q_wide: Integer,
    scales: Float,
    sums: npt.NDArray[np.int32],
    logits: Float,
) -> None:
    """One decoder step, as `reference.decode`, with int8 products.

    Parameters
    ----------
    w_qkv, w_1, w_2 : uint8 (L, P, K / G, R8, G), w_classes : uint8 (P, D / G, R8, G)
        Packed; K is the padded depth, D or F.
    s_qkv, s_1, s_2 : float32 (L, 3 D), (L, F), (L, D), s_classes : float32 (max(K, R8),)
        Scale of each output channel.
    q_narrow, q_wide : int8 or int16 (T, D padded), (T, F padded)
    scales : float32 (T,), sums : int32 (T,)
        Scratch; zeros before the first call.
    others
        As in `reference.decode`.
    """
    embed(window, position, x, qkv)
    for block in range(len(w_qkv)):
        if block > 0:
            quantise_rows(x, q_narrow, scales, sums)
            linear8(q_narrow, scales, sums, w_qkv[block], s_qkv[block], b_qkv, qkv)
        attention(qkv, heads, scale, keys, values, none, scores, head, mixed)
        add_norm(mixed, x, gain_1[block], bias_1[block], norm, x)
        quantise_rows(x, q_narrow, scales, sums)
        linear8(q_narrow, scales, sums, w_1[block], s_1[block], b_1[block], hidden)
        np.maximum(hidden, 0, out=hidden)
        quantise_rows(hidden, q_wide, scales, sums)
        linear8(q_wide, scales, sums, w_2[block], s_2[block], b_2[block], mixed)
        add_norm(mixed, x, gain_2[block], bias_2[block], norm, x)
    mean_pool(x, pooled)
    quantise_rows(pooled, q_narrow[:1], scales[:1], sums[:1])
    linear8(q_narrow[:1], scales[:1], sums[:1], w_classes, s_classes, b_classes, logits)
