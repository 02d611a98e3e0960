"""The kernels of `reference_int8`, compiled by Numba: same names, same signatures, same results."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgevtn.kernels.exp import float_of
from edgevtn.kernels.fast import add_norm, attention, embed, mean_pool
from edgevtn.kernels.jit import jit
from edgevtn.kernels.reference import Float
from edgevtn.kernels.reference_int8 import LARGEST, Bytes, Integer
from edgevtn.kernels.tile_fp32 import at
from edgevtn.kernels.tile_int8 import KIND, tile8

ROWS8, PANEL8, GROUP = KIND.rows, KIND.panel, KIND.group
#: Bits of infinity; a NaN's are more.
INFINITY = np.int32(0x7F800000)
MAGNITUDE = np.int32(0x7FFFFFFF)


@jit
def quantise_rows(x: Float, q: Integer, scales: Float, sums: npt.NDArray[np.int32]) -> None:
    M, K = x.shape
    # Magnitudes have the order of their bits: an integer maximum is vector code, and keeps a NaN.
    bits = x.view(np.int32)
    for r in range(M):
        most = np.int32(0)
        for c in range(K):
            most = max(most, bits[r, c] & MAGNITUDE)
        if most >= INFINITY:
            for c in range(K):
                q[r, c] = 0
            scales[r] = np.float32(np.nan)
            sums[r] = 0
            continue
        largest = float_of(most)
        factor = LARGEST / largest if largest > 0 else np.float32(0)
        total = np.int32(0)
        for c in range(K):
            step = np.int32(np.rint(x[r, c] * factor))
            q[r, c] = step
            total += step
        scales[r] = largest / LARGEST
        sums[r] = total


@jit
def linear8(
    q: Integer, scales: Float, sums: npt.NDArray[np.int32], w: Bytes, w_scale: Float, b: Float, out: Float
) -> None:
    M, N = out.shape
    K = q.shape[1]
    for p in range(w.shape[0]):
        start = max(0, min(p * PANEL8, N - PANEL8))
        panel, channel, bias = at(w, p * K * PANEL8), at(w_scale, start), at(b, start)
        following = at(w, min(p + 1, w.shape[0] - 1) * K * PANEL8)
        row = 0
        while row + ROWS8 <= M:
            tile8(
                ROWS8, at(q, row * K), K, at(scales, row), at(sums, row), panel, following, K // GROUP, channel, bias,
                at(out, row * N + start), N,
            )  # fmt: skip
            row += ROWS8
        while row < M:
            tile8(
                1, at(q, row * K), K, at(scales, row), at(sums, row), panel, following, K // GROUP, channel, bias,
                at(out, row * N + start), N,
            )  # fmt: skip
            row += 1


@jit
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
    embed(window, position, x, qkv)
    for block in range(len(w_qkv)):
        if block > 0:
            quantise_rows(x, q_narrow, scales, sums)
            linear8(q_narrow, scales, sums, w_qkv[block], s_qkv[block], b_qkv, qkv)
        attention(qkv, heads, scale, keys, values, none, scores, head, mixed)
        add_norm(mixed, x, gain_1[block], bias_1[block], norm, x)
        quantise_rows(x, q_narrow, scales, sums)
        linear8(q_narrow, scales, sums, w_1[block], s_1[block], b_1[block], hidden)
        T, F = hidden.shape
        for t in range(T):
            for c in range(F):
                # Written so that a NaN stays a NaN.
                if hidden[t, c] < np.float32(0):
                    hidden[t, c] = np.float32(0)
        quantise_rows(hidden, q_wide, scales, sums)
        linear8(q_wide, scales, sums, w_2[block], s_2[block], b_2[block], mixed)
        add_norm(mixed, x, gain_2[block], bias_2[block], norm, x)
    mean_pool(x, pooled)
    quantise_rows(pooled, q_narrow[:1], scales[:1], sums[:1])
    linear8(q_narrow[:1], scales[:1], sums[:1], w_classes, s_classes, b_classes, logits)
