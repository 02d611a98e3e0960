"""What the kernels take: a decoder's weights and its scratch, as structures of arrays, and functions that make them.

Letters: T window, D embedding, A heads, d = D / A, F feed-forward width, L blocks, K classes; P panels of R columns
in a packed float32 matrix; R8 and G are the width of an int8 panel and the neighbours along the depth that are added
at once. R and R8 depend on the processor, see `edgevtn.kernels.machine`.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from edgevtn.arrays import Float
from edgevtn.kernels.machine import FP32, INT8
from edgevtn.kernels.packing import int8_weights, pack, pack8, padded

Precision = Literal["fp32", "int8"]


class Int8Matrix(NamedTuple):
    """A packed matrix (M, N) of 8-bit weights; with a leading axis L, one of each block.

    Its columns are `scale` times what `edgevtn.kernels.packing.unpack8` gives.
    """

    q: npt.NDArray[np.uint8]  # (P, padded M / G, R8, G)
    scale: Float  # (max(N, R8),), of each output channel


#: float32 (P, M, R), packed by `edgevtn.kernels.packing.pack`; or int8. With a leading axis L, one of each block.
Matrix: TypeAlias = Float | Int8Matrix


class Int8Rows(NamedTuple):
    """Activations (M, K) in 8 bits, about ``scales[:, None] * q``."""

    q: npt.NDArray[np.signedinteger[Any]]  # int8 or int16 (M, padded K); beyond K zeros
    scales: Float  # (M,)
    sums: npt.NDArray[np.int32]  # (M,), of q's rows


class Blocks(NamedTuple):
    """The weights of a block; with a leading axis L, those of all."""

    w_qkv: Matrix  # (D, 3 D): [W_q, W_k, W_v]
    gain_1: Float  # (D,), layer norm after attention
    bias_1: Float  # (D,)
    w_1: Matrix  # (D, F)
    b_1: Float  # (F,)
    w_2: Matrix  # (F, D)
    b_2: Float  # (D,)
    gain_2: Float  # (D,), layer norm after the feed-forward
    bias_2: Float  # (D,)


class Weights(NamedTuple):
    """All that a decoder has learnt, and how it is applied."""

    position: Float  # (T, 4 D), rows [p, p W_q, p W_k, p W_v], W of the first block
    blocks: Blocks  # stacked: every array has a leading axis L
    b_qkv: Float  # (3 D,) zeros: the authors' projections have no bias
    w_classes: Float  # (D, K), packed; float32 whatever the blocks are
    b_classes: Float  # (max(K, R),), zeros beyond K
    heads: int  # A; divides D
    scale: float  # factor on the scores of attention
    norm: bool  # whether there is layer norm


class Scratch(NamedTuple):
    """Memory that a step writes to; zeros before the first one."""

    x: Float  # (T, D)
    qkv: Float  # (T, 3 D)
    mixed: Float  # (T, D)
    # For attention, one head at a time. The reference does without them.
    keys: Float  # (P, d, R), P R >= T
    values: Float  # (Q, T, R), Q R >= d
    none: Float  # (max(P, Q) R,), stays zeros
    scores: Float  # (T, P R)
    head: Float  # (T, Q R)
    hidden: Float  # (T, F)
    pooled: Float  # (1, D)
    narrow: Int8Rows  # (T, D); empty for float32 products, and so is the next
    wide: Int8Rows  # (T, F)


def make_matrix(w: Float, precision: Precision) -> Matrix:
    """Pack a matrix for `linear`.

    Parameters
    ----------
    w : float32 (M, N)
        Weights, applied as ``x @ w``.
    precision : {"fp32", "int8"}
        Precision of the product.
    """
    if precision == "fp32":
        return pack(w)
    integers, scale = int8_weights(w)
    return Int8Matrix(pack8(integers), _filled(scale, max(len(scale), INT8.panel)))


def make_rows(M: int, K: int, precision: Precision) -> Int8Rows:
    """What `linear` needs for M rows of K numbers: nothing for float32 products, hence empty arrays."""
    M, K = (M, padded(K)) if precision == "int8" else (0, 0)
    return Int8Rows(np.zeros((M, K), INT8.activation), np.zeros(M, np.float32), np.zeros(M, np.int32))


def make_weights(arrays: dict[str, Any], *, heads: int, scale: float, norm: bool, precision: Precision) -> Weights:
    """A decoder's weights as the kernels take them.

    Parameters
    ----------
    arrays : dict of float32 arrays
        Those of a bundle's ``head.npz``: position (T, D), w_q, w_k, w_v (L, D, D), w_1 (L, D, F), b_1 (L, F),
        w_2 (L, F, D), b_2 (L, D), w_classes (D, K), b_classes (K,) and, with `norm`, gain_1, bias_1, gain_2, bias_2
        (L, D).
    heads : int
        A; divides D.
    scale : float
        Factor on the scores of attention.
    norm : bool
        Whether there is layer norm.
    precision : {"fp32", "int8"}
        Precision of the blocks' products; the classifier's is float32. D must be at least a panel's width.
    """
    w_qkv = np.concatenate([arrays["w_q"], arrays["w_k"], arrays["w_v"]], axis=2)  # (L, D, 3 D)
    panel = INT8.panel if precision == "int8" else FP32.panel
    # The kernels write whole panels. Hidden units whose weights are zeros add nothing.
    hidden = max(arrays["b_1"].shape[1], panel)
    unused = np.zeros_like(arrays["b_2"])
    gain_1, bias_1, gain_2, bias_2 = (
        arrays[name] if norm else unused for name in ("gain_1", "bias_1", "gain_2", "bias_2")
    )
    blocks = Blocks(
        w_qkv=_stack(w_qkv, precision),
        gain_1=gain_1,
        bias_1=bias_1,
        w_1=_stack(_filled(arrays["w_1"], hidden), precision),
        b_1=_filled(arrays["b_1"], hidden),
        w_2=_stack(_filled(arrays["w_2"], hidden, axis=1), precision),
        b_2=arrays["b_2"],
        gain_2=gain_2,
        bias_2=bias_2,
    )
    return Weights(
        position=np.concatenate([arrays["position"], arrays["position"] @ w_qkv[0]], axis=1),
        blocks=blocks,
        b_qkv=np.zeros(w_qkv.shape[2], np.float32),
        # One row of it is computed a step, and what it rounds is not evened out by anything that follows.
        w_classes=pack(arrays["w_classes"]),
        b_classes=_filled(arrays["b_classes"], max(len(arrays["b_classes"]), FP32.panel)),
        heads=heads,
        scale=scale,
        norm=norm,
    )


def make_scratch(weights: Weights) -> Scratch:
    """The memory that `decode` writes to, for a decoder's weights."""
    T, D, F = len(weights.position), weights.position.shape[1] // 4, weights.blocks.b_1.shape[1]
    precision: Precision = "int8" if isinstance(weights.blocks.w_1, Int8Matrix) else "fp32"
    d, R = D // weights.heads, FP32.panel
    P, Q = -(-T // R), -(-d // R)

    def zeros(*shape: int) -> Float:
        return np.zeros(shape, np.float32)

    return Scratch(
        x=zeros(T, D),
        qkv=zeros(T, 3 * D),
        mixed=zeros(T, D),
        keys=zeros(P, d, R),
        values=zeros(Q, T, R),
        none=zeros(max(P, Q) * R),
        scores=zeros(T, P * R),
        head=zeros(T, Q * R),
        hidden=zeros(T, F),
        pooled=zeros(1, D),
        narrow=make_rows(T, D, precision),
        wide=make_rows(T, F, precision),
    )


def _stack(weights: Float, precision: Precision) -> Matrix:
    """(L, M, N), each packed, with a leading axis L."""
    matrices = [make_matrix(w, precision) for w in weights]
    if isinstance(matrices[0], Int8Matrix):
        q, scale = (np.stack(parts) for parts in zip(*matrices, strict=True))
        return Int8Matrix(q, scale)
    return np.stack(matrices)


def _filled(values: Float, size: int, axis: int = -1) -> Float:
    """Zeros appended along an axis, up to a size."""
    missing = [(0, 0)] * values.ndim
    missing[axis] = (0, size - values.shape[axis])
    return np.pad(values, missing) if missing[axis][1] else values
