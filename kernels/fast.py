"""The kernels of `reference`, compiled by Numba: same names, same signatures, same results.

Arrays are float32 and C-contiguous. A read-only or Fortran-ordered array would be correct too, but would make
Numba compile a second version while a stream waits; the decoder that calls these never passes one.
"""

from __future__ import annotations

import math

import numpy as np

from edgevtn.kernels.exp import exp
from edgevtn.kernels.jit import PANEL, ROWS, jit
from edgevtn.kernels.reference import LAYER_NORM_EPSILON, Float
from edgevtn.kernels.tile_fp32 import at, tile


@jit
def _panel(
    M: int, x: Float, x_start: int, x_stride: int, w: Float, w_start: int, w_next: int, depth: int,
    b: Float, b_start: int, out: Float, out_start: int, out_stride: int,
) -> None:  # fmt: skip
    """One panel's columns of M rows; starts and strides are counted in floats."""
    panel, following, bias = at(w, w_start), at(w, w_next), at(b, b_start)
    row = 0
    while row + ROWS <= M:
        source, target = at(x, x_start + row * x_stride), at(out, out_start + row * out_stride)
        tile(ROWS, source, x_stride, panel, following, depth, bias, target, out_stride)
        row += ROWS
    while row < M:
        source, target = at(x, x_start + row * x_stride), at(out, out_start + row * out_stride)
        tile(1, source, x_stride, panel, following, depth, bias, target, out_stride)
        row += 1


@jit
def linear(x: Float, w: Float, b: Float, out: Float) -> None:
    M, K = x.shape
    N = out.shape[1]
    for p in range(w.shape[0]):
        start = max(0, min(p * PANEL, N - PANEL))
        following = min(p + 1, w.shape[0] - 1)
        _panel(M, x, 0, K, w, p * K * PANEL, following * K * PANEL, K, b, start, out, start, N)


@jit
def embed(window: Float, position: Float, x: Float, qkv: Float) -> None:
    T, D = x.shape
    for t in range(T):
        for c in range(D):
            x[t, c] = window[t, c] + position[t, c]
        for c in range(3 * D):
            qkv[t, c] = window[t, D + c] + position[t, D + c]


@jit
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
    T, D = out.shape
    d = D // heads
    factor = np.float32(scale)
    wide, deep = scores.shape[1], mixed.shape[1]
    for head in range(heads):
        q, k, v = head * d, D + head * d, 2 * D + head * d
        # Both products are the register tile's, for which keys and values are laid out as weights are.
        for s in range(T):
            p, j = s // PANEL, s % PANEL
            for c in range(d):
                keys[p, c, j] = qkv[s, k + c]
        for p in range(values.shape[0]):
            for s in range(T):
                for j in range(min(PANEL, d - p * PANEL)):
                    values[p, s, j] = qkv[s, v + p * PANEL + j]
        for p in range(keys.shape[0]):
            _panel(T, qkv, q, 3 * D, keys, p * d * PANEL, p * d * PANEL, d, none, 0, scores, p * PANEL, wide)
        for t in range(T):
            largest = np.float32(-np.inf)
            for s in range(T):
                score = scores[t, s] * factor
                scores[t, s] = score
                # Not max(): a NaN must win, so that it reaches the logits.
                if not score <= largest:
                    largest = score
            total = np.float32(0)
            for s in range(T):
                weight = exp(scores[t, s] - largest)
                scores[t, s] = weight
                total += weight
            share = np.float32(1) / total
            for s in range(T):
                scores[t, s] *= share
        for p in range(values.shape[0]):
            _panel(T, scores, 0, wide, values, p * T * PANEL, p * T * PANEL, T, none, 0, mixed, p * PANEL, deep)
        for t in range(T):
            for c in range(d):
                out[t, q + c] = mixed[t, c]


@jit
def add_norm(x: Float, residual: Float, gain: Float, bias: Float, norm: bool, out: Float) -> None:
    T, D = out.shape
    for t in range(T):
        total = np.float32(0)
        for c in range(D):
            value = x[t, c] + residual[t, c]
            out[t, c] = value
            total += value
        if norm and T > 1:
            mean = total / np.float32(D)
            squares = np.float32(0)
            for c in range(D):
                difference = out[t, c] - mean
                squares += difference * difference
            std = np.float32(math.sqrt(squares / np.float32(D - 1)))
            factor = np.float32(1) / (std + LAYER_NORM_EPSILON)
            for c in range(D):
                out[t, c] = (out[t, c] - mean) * factor * gain[c] + bias[c]


@jit
def feed_forward(x: Float, w_1: Float, b_1: Float, w_2: Float, b_2: Float, hidden: Float, out: Float) -> None:
    linear(x, w_1, b_1, hidden)
    T, F = hidden.shape
    for t in range(T):
        for c in range(F):
            # Written so that a NaN stays a NaN.
            if hidden[t, c] < np.float32(0):
                hidden[t, c] = np.float32(0)
    linear(hidden, w_2, b_2, out)


@jit
def mean_pool(x: Float, out: Float) -> None:
    T, D = x.shape
    for c in range(D):
        out[0, c] = x[0, c]
    for t in range(1, T):
        for c in range(D):
            out[0, c] += x[t, c]
    for c in range(D):
        out[0, c] /= np.float32(T)


@jit
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
