"""The decoder: embeddings in, one at a time; logits of the window out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from edgevtn.bundle.load import Bundle
from edgevtn.kernels import fast, fast_int8
from edgevtn.kernels.jit import PANEL
from edgevtn.kernels.packing import attention_scratch, int8_weights, pack, pack8, padded
from edgevtn.kernels.tile_int8 import HAS_DOT_PRODUCT, KIND
from edgevtn.window import Window

Float = npt.NDArray[np.float32]

PRECISIONS = ("auto", "fp32", "int8")
#: Narrower decoders gain less than a tenth of a millisecond by int8, for which near ties may fall the other way.
INT8_FROM_WIDTH = 256


def resolve_precision(precision: str, embed_dim: int) -> str:
    """ "fp32" or "int8": what "auto" stands for on this processor.

    Raises
    ------
    ValueError
        The precision is none of `PRECISIONS`, or the decoder is too narrow for int8.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision == "int8" and embed_dim < KIND.panel:
        raise ValueError(f"precision int8 needs a decoder at least {KIND.panel} wide, got embed_dim {embed_dim}")
    if precision != "auto":
        return precision
    return "int8" if HAS_DOT_PRODUCT and embed_dim >= INT8_FROM_WIDTH else "fp32"


def _stack(weights: Float) -> Float:
    """(L, M, N) -> packed (L, P, M, R)."""
    return np.stack([pack(w) for w in weights])


def _stack8(weights: Float) -> tuple[npt.NDArray[np.uint8], Float]:
    """(L, M, N) -> packed int8 (L, P, M / G, R8, G), and scales (L, N)."""
    integers, scales = int8_weights(weights)
    return np.stack([pack8(w) for w in integers]), scales


class Decoder:
    """Weights packed for the kernels, the window, and scratch that is allocated once.

    The window's rows hold an embedding and its first-block projections, which are computed once per frame:
    ``[e, e W_q, e W_k, e W_v]``, 4 D floats.

    Parameters
    ----------
    bundle : Bundle
        With native weights.
    precision : {"auto", "fp32", "int8"}
        Of the matrix products. "auto" is int8 where the processor has instructions for it and the decoder is
        wide enough to gain by them.

    Attributes
    ----------
    precision : str
        "fp32" or "int8".
    """

    def __init__(self, bundle: Bundle, precision: str = "fp32") -> None:
        model, arrays = bundle.model, bundle.decoder
        T, D, F, L = model.clip_len, model.embed_dim, model.ffn_dim, model.layers
        K = len(model.labels)
        self.precision = resolve_precision(precision, D)
        int8 = self.precision == "int8"
        self._step: Callable[..., None] = fast_int8.decode8 if int8 else fast.decode
        self._project: Callable[..., None] = fast_int8.linear8 if int8 else fast.linear
        self._classes = K
        wide_enough = max(K, KIND.panel if int8 else PANEL)  # the kernels write whole panels

        w_qkv = np.concatenate([arrays["w_q"], arrays["w_k"], arrays["w_v"]], axis=2)  # (L, D, 3 D)
        position = np.concatenate([arrays["position"], arrays["position"] @ w_qkv[0]], axis=1)  # (T, 4 D)
        norm = model.layer_norm == "vtn"
        unused = np.zeros((L, D), np.float32)
        gain_1, bias_1, gain_2, bias_2 = (
            arrays[name] if norm else unused for name in ("gain_1", "bias_1", "gain_2", "bias_2")
        )
        b_qkv = np.zeros(3 * D, np.float32)
        b_classes = np.zeros(wide_enough, np.float32)
        b_classes[:K] = arrays["b_classes"]
        scratch = (
            np.zeros((T, D), np.float32),  # x
            np.zeros((T, 3 * D), np.float32),  # qkv
            np.zeros((T, D), np.float32),  # mixed
            *attention_scratch(T, D // model.heads),
            np.zeros((T, F), np.float32),  # hidden
            np.zeros((1, D), np.float32),  # pooled
        )
        facts = (model.heads, model.attention_scale, norm)
        self._b_qkv = b_qkv
        self._first: tuple[Any, ...]  # of the first block's projection: weights, and scales
        self._arguments: tuple[Any, ...]  # of the step, but for its window and its logits
        self._row_scratch: tuple[Any, ...] = ()
        if int8:
            (w, s), (w_1, s_1), (w_2, s_2) = (_stack8(value) for value in (w_qkv, arrays["w_1"], arrays["w_2"]))
            classes, s_k = int8_weights(arrays["w_classes"])
            s_classes = np.zeros(wide_enough, np.float32)
            s_classes[:K] = s_k
            self._first = (w[0], s[0])
            self._row_scratch = (
                np.zeros((1, padded(D)), KIND.activation),
                np.zeros(1, np.float32),
                np.zeros(1, np.int32),
            )
            self._arguments = (
                position, w, s, b_qkv, gain_1, bias_1, w_1, s_1, arrays["b_1"], w_2, s_2, arrays["b_2"], gain_2,
                bias_2, pack8(classes), s_classes, b_classes, *facts, *scratch,
                np.zeros((T, padded(D)), KIND.activation), np.zeros((T, padded(F)), KIND.activation),
                np.zeros(T, np.float32), np.zeros(T, np.int32),
            )  # fmt: skip
        else:
            packed = _stack(w_qkv)
            self._first = (packed[0],)
            self._arguments = (
                position, packed, b_qkv, gain_1, bias_1, _stack(arrays["w_1"]), arrays["b_1"], _stack(arrays["w_2"]),
                arrays["b_2"], gain_2, bias_2, pack(arrays["w_classes"]), b_classes, *facts, *scratch,
            )  # fmt: skip
        self._logits = np.zeros((1, wide_enough), np.float32)
        self._embed_dim = D
        self._row = np.zeros((1, 4 * D), np.float32)
        self._projected = self._row[:, D:]  # (1, 3 D), a view: the kernel writes where the row is read
        self.window = Window(T, 4 * D)

    def push(self, embedding: Float) -> None:
        """Append the embedding of a new frame, float32 (1, D)."""
        rows: tuple[Any, ...] = (embedding,)
        if self._row_scratch:
            fast_int8.quantise_rows(embedding, *self._row_scratch)
            rows = self._row_scratch
        self._project(*rows, *self._first, self._b_qkv, self._projected)
        self._row[:, : self._embed_dim] = embedding
        self.window.push(self._row)

    def repeat(self) -> None:
        """Append the newest embedding once more: time passed, and no frame came."""
        self.window.push(self.window.newest)

    def __call__(self) -> Float:
        """Logits of the window, float32 (K,): a view, overwritten by the next call."""
        self._step(self.window.rows, *self._arguments, self._logits)
        return self._logits[0, : self._classes]
