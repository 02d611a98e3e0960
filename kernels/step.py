"""The decoder step, a sequence of kernels: here of those in `reference`; `fast` binds the same code to its own."""

from __future__ import annotations

from edgevtn.arrays import Float
from edgevtn.kernels.reference import add_norm, attention, embed, linear, mean_pool, rectify
from edgevtn.kernels.structures import Blocks, Int8Matrix, Matrix, Scratch, Weights


def nth(w: Matrix, n: int) -> Matrix:
    """The n-th of stacked matrices: a view."""
    return Int8Matrix(w.q[n], w.scale[n]) if isinstance(w, Int8Matrix) else w[n]


def block_of(blocks: Blocks, n: int) -> Blocks:
    """The weights of the n-th block: views."""
    return Blocks(
        nth(blocks.w_qkv, n),
        blocks.gain_1[n],
        blocks.bias_1[n],
        nth(blocks.w_1, n),
        blocks.b_1[n],
        nth(blocks.w_2, n),
        blocks.b_2[n],
        blocks.gain_2[n],
        blocks.bias_2[n],
    )


def feed_forward(x: Float, block: Blocks, scratch: Scratch, out: Float) -> None:
    """``relu(x w_1 + b_1) w_2 + b_2``, row by row.

    Parameters
    ----------
    x : float32 (T, D)
    block : Blocks
        The weights of one block.
    scratch : Scratch
    out : float32 (T, D)
        Not `x`.
    """
    linear(x, block.w_1, block.b_1, scratch.narrow, scratch.hidden)
    rectify(scratch.hidden)
    linear(scratch.hidden, block.w_2, block.b_2, scratch.wide, out)


def decode(window: Float, weights: Weights, scratch: Scratch, logits: Float) -> None:
    """One decoder step: a window of embeddings with their projections -> logits.

    Equal to `reference.vtn`, with less work: the first block's projections come from the window, and because the
    classifier is linear the mean over time is taken before it instead of after.

    Parameters
    ----------
    window : float32 (T, 4 D)
        As in `embed`.
    weights : Weights
    scratch : Scratch
        By `make_scratch` of these weights.
    logits : float32 (1, max(K, R))
        As long as ``weights.b_classes``. The first K are the result.
    """
    x, qkv, mixed = scratch.x, scratch.qkv, scratch.mixed
    embed(window, weights.position, x, qkv)
    for n in range(len(weights.blocks.b_1)):
        block = block_of(weights.blocks, n)
        if n > 0:
            linear(x, block.w_qkv, weights.b_qkv, scratch.narrow, qkv)
        attention(qkv, weights.heads, weights.scale, scratch, mixed)
        add_norm(mixed, x, block.gain_1, block.bias_1, weights.norm, x)
        feed_forward(x, block, scratch, mixed)
        add_norm(mixed, x, block.gain_2, block.bias_2, weights.norm, x)
    mean_pool(x, scratch.pooled)
    linear(scratch.pooled, weights.w_classes, weights.b_classes, scratch.narrow, logits)
