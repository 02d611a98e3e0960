"""The decoder: embeddings in, one at a time; logits of the window out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgevtn.bundle.load import Bundle
from edgevtn.kernels import fast
from edgevtn.kernels.jit import compiled_for
from edgevtn.kernels.machine import HAS_DOT_PRODUCT, INT8
from edgevtn.kernels.step import nth
from edgevtn.kernels.structures import Precision, make_rows, make_scratch, make_weights
from edgevtn.window import Window

Float = npt.NDArray[np.float32]

PRECISIONS = ("auto", "fp32", "int8")
#: Narrower decoders gain less than a tenth of a millisecond by int8, for which near ties may fall the other way.
INT8_FROM_WIDTH = 256


def resolve_precision(precision: str, embed_dim: int) -> Precision:
    """ "fp32" or "int8": what "auto" stands for on this processor.

    Raises
    ------
    ValueError
        The precision is none of `PRECISIONS`, or the decoder is too narrow for int8.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision == "int8" and embed_dim < INT8.panel:
        raise ValueError(f"precision int8 needs a decoder at least {INT8.panel} wide, got embed_dim {embed_dim}")
    if precision == "auto":
        return "int8" if HAS_DOT_PRODUCT and embed_dim >= INT8_FROM_WIDTH else "fp32"
    return "int8" if precision == "int8" else "fp32"


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
        model = bundle.model
        D = model.embed_dim
        self.precision: Precision = resolve_precision(precision, D)
        norm = model.layer_norm == "vtn"
        self._weights = make_weights(
            bundle.decoder, heads=model.heads, scale=model.attention_scale, norm=norm, precision=self.precision
        )
        self._scratch = make_scratch(self._weights)
        self._logits = np.zeros((1, len(self._weights.b_classes)), np.float32)
        self._classes = len(model.labels)
        self._row = np.zeros((1, 4 * D), np.float32)
        self._embedding, projected = self._row[:, :D], self._row[:, D:]  # views: the kernel writes where it is read
        first, rows = nth(self._weights.blocks.w_qkv, 0), make_rows(1, D, self.precision)
        self._projection = (self._embedding, first, self._weights.b_qkv, rows, projected)
        self._project = compiled_for(fast.linear, *self._projection)
        self.window = Window(model.clip_len, 4 * D)
        self._step = compiled_for(fast.decode, self.window.rows, self._weights, self._scratch, self._logits)

    def push(self, embedding: Float) -> None:
        """Append the embedding of a new frame, float32 (1, D)."""
        self._embedding[...] = embedding
        self._project(*self._projection)
        self.window.push(self._row)

    def repeat(self) -> None:
        """Append the newest embedding once more: time passed, and no frame came."""
        self.window.push(self.window.newest)

    def __call__(self) -> Float:
        """Logits of the window, float32 (K,): a view, overwritten by the next call."""
        self._step(self.window.rows, self._weights, self._scratch, self._logits)
        return self._logits[0, : self._classes]
