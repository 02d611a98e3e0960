"""The kernels of `reference` and `step`, compiled by Numba: same names, same signatures, same results.

Arrays are C-contiguous. A read-only or Fortran-ordered array would be correct too, but would make
Numba compile a second version while a stream waits; the head that calls these never passes one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import FunctionType
from typing import Any, cast

import numpy as np
from numba import types
from numba.extending import overload

from edgevtn.arrays import Float
from edgevtn.kernels import step
from edgevtn.kernels.exp import exp, float_of
from edgevtn.kernels.jit import Function, jit, jit_uncached
from edgevtn.kernels.machine import FP32, INT8
from edgevtn.kernels.reference import LARGEST, LAYER_NORM_EPSILON
from edgevtn.kernels.structures import Int8Matrix, Int8Rows, Matrix, Scratch
from edgevtn.kernels.tile import make_product
from edgevtn.kernels.tile_fp32 import Fp32
from edgevtn.kernels.tile_int8 import Int8

PANEL = FP32.panel
#: Bits of infinity; a NaN's are more.
INFINITY = np.int32(0x7F800000)
MAGNITUDE = np.int32(0x7FFFFFFF)

# Closures, which Numba's cache would not find again at the next start; the kernels that call them are cached whole.
_product = jit_uncached(make_product(Fp32(FP32)))
_product8 = jit_uncached(make_product(Int8(INT8)), inline=True)


@jit
def quantise_rows(x: Float, rows: Int8Rows) -> None:
    M, K = x.shape
    # Magnitudes have the order of their bits: an integer maximum is vector code, and keeps a NaN.
    bits = x.view(np.int32)
    for r in range(M):
        most = np.int32(0)
        for c in range(K):
            most = max(most, bits[r, c] & MAGNITUDE)
        if most >= INFINITY:
            for c in range(K):
                rows.q[r, c] = 0
            rows.scales[r] = np.float32(np.nan)
            rows.sums[r] = 0
            continue
        largest = float_of(most)
        factor = LARGEST / largest if largest > 0 else np.float32(0)
        total = np.int32(0)
        for c in range(K):
            number = np.int32(np.rint(x[r, c] * factor))
            rows.q[r, c] = number
            total += number
        rows.scales[r] = largest / LARGEST
        rows.sums[r] = total


def _multiply(x: Float, w: Matrix, b: Float, rows: Int8Rows, out: Float) -> None:
    """`linear` inside compiled code, by the kind of matrix."""


@overload(_multiply)
def _multiply_compiled(x: Any, w: Any, b: Any, rows: Any, out: Any) -> Callable[..., None]:
    def fp32(x: Any, w: Any, b: Any, rows: Any, out: Any) -> None:
        _product(x, w, b, out)

    def int8(x: Any, w: Any, b: Any, rows: Any, out: Any) -> None:
        quantise_rows(x, rows)
        _product8(rows, w, b, out)

    return fp32 if isinstance(w, types.Array) else int8


@jit
def linear(x: Float, w: Matrix, b: Float, rows: Int8Rows, out: Float) -> None:
    _multiply(x, w, b, rows, out)


@jit
def embed(window: Float, position: Float, x: Float, qkv: Float) -> None:
    T, D = x.shape
    for t in range(T):
        for c in range(D):
            x[t, c] = window[t, c] + position[t, c]
        for c in range(3 * D):
            qkv[t, c] = window[t, D + c] + position[t, D + c]


@jit
def attention(qkv: Float, heads: int, scale: float, scratch: Scratch, out: Float) -> None:
    T, D = out.shape
    d = D // heads
    factor = np.float32(scale)
    keys, values, scores, mixed = scratch.keys, scratch.values, scratch.scores, scratch.head
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
        _product(qkv[:, q : q + d], keys, scratch.none, scores)
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
        _product(scores[:, :T], values, scratch.none, mixed)
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
def rectify(x: Float) -> None:
    T, F = x.shape
    for t in range(T):
        for c in range(F):
            # Written so that a NaN stays a NaN.
            if x[t, c] < np.float32(0):
                x[t, c] = np.float32(0)


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
def window_statistics(rows: Float, mean: Float, spread: Float, change: Float, segments: Float) -> None:
    T, W = rows.shape
    S = segments.shape[0]
    for c in range(W):
        mean[c] = spread[c] = change[c] = np.float32(0)
    t = 0
    for n in range(S):
        count = T // S + (1 if n < T % S else 0)
        for c in range(W):
            segments[n, c] = np.float32(0)
        for _ in range(count):
            before = max(t - 1, 0)
            for c in range(W):
                value = rows[t, c]
                # Deviations from the first row: squares about 0 would cancel where features hardly move.
                deviation = value - rows[0, c]
                segments[n, c] += deviation
                spread[c] += deviation * deviation
                change[c] += abs(value - rows[before, c])
            t += 1
        for c in range(W):
            mean[c] += segments[n, c]
        if count > 0:
            for c in range(W):
                segments[n, c] = segments[n, c] / np.float32(count) + rows[0, c]
    for c in range(W):
        offset = mean[c] / np.float32(T)
        variance = spread[c] / np.float32(T) - offset * offset
        # Written so that a NaN stays a NaN.
        spread[c] = np.float32(0) if variance < np.float32(0) else np.float32(math.sqrt(variance))
        change[c] /= np.float32(max(1, T - 1))
        mean[c] = offset + rows[0, c]
    for n in range(T, S):
        for c in range(W):
            segments[n, c] = mean[c]


@jit
def classify(x: Float, w: Float, b: Float, out: Float) -> None:
    K, M = w.shape
    for k in range(K):
        total = np.float32(0)
        for c in range(M):
            total += w[k, c] * x[c]
        out[k] = total + b[k]


def _bound(function: Function, inline: bool = False) -> Function:
    """A function of `step` over the kernels that this module has by now, compiled.

    The same code with other globals is a plain function, which Numba's cache finds again at the next start.
    """
    twin = FunctionType(function.__code__, vars(step) | globals(), function.__name__)
    twin.__annotations__, twin.__doc__ = function.__annotations__, function.__doc__
    return cast(Function, jit(twin, inline))


@overload(step.nth)
def _nth_compiled(w: Any, n: Any) -> Callable[..., Any]:
    def fp32(w: Any, n: Any) -> Any:
        return w[n]

    def int8(w: Any, n: Any) -> Any:
        return Int8Matrix(w.q[n], w.scale[n])

    return fp32 if isinstance(w, types.Array) else int8


nth = step.nth
block_of = _bound(step.block_of, inline=True)
feed_forward = _bound(step.feed_forward, inline=True)
decode = _bound(step.decode)
