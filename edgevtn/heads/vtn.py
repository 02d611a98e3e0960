"""The head of the Video Transformer Network: a projection, self-attention over the window, their mean, a classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from edgevtn.arrays import Float
from edgevtn.errors import BundleError
from edgevtn.facts import FLAG, POSITIVE, Fact, choice, size
from edgevtn.heads.base import Head, HeadFacts
from edgevtn.kernels.correction import corrected_biases
from edgevtn.kernels.machine import HAS_DOT_PRODUCT, INT8
from edgevtn.kernels.native import bind
from edgevtn.kernels.step import nth
from edgevtn.kernels.structures import Precision, make_matrix, make_rows, make_scratch, make_weights
from edgevtn.window import Window

#: The least fills one weight panel of the widest vector unit.
EMBED_DIMS = (32, 8192)
PRECISIONS = ("auto", "fp32", "int8")
#: Narrower heads gain less than a tenth of a millisecond by int8, and near ties may fall the other way.
INT8_FROM_WIDTH = 256
#: What the projection sees beside a frame's features: nothing, their change since the frame before, or its size.
MOTIONS = ("none", "change", "size")


@dataclass(frozen=True)
class VTNFacts(HeadFacts):
    """The facts of a VTN.

    Attributes
    ----------
    embed_dim, heads, layers, ffn_dim : int
        D, A, L, F.
    attention_scale : float
        Factor on the scores; ``D ** -0.5`` in the authors' code.
    layer_norm : {"vtn", "none"}
        "vtn" has the unbiased deviation, and epsilon outside the root.
    motion : {"none", "change", "size"}
        "change": the projection sees ``[f_t, f_t - f_(t-1)]``; "size": ``[f_t, |f_t - f_(t-1)|]``, how much something
        moves and not whereto, which no linear projection of features can tell.
    projection : bool
        Whether there is one; without it the features are the embedding, and W is D.
    """

    kind: ClassVar[str] = "vtn"
    table: ClassVar[Mapping[str, Fact]] = {
        "embed_dim": size(*EMBED_DIMS),
        "heads": size(1, 256),
        "layers": size(1, 64),
        "ffn_dim": size(32, 32768),
        "attention_scale": POSITIVE,
        "layer_norm": choice("vtn", "none"),
        "motion": choice(*MOTIONS),
        "projection": FLAG,
    }

    embed_dim: int
    heads: int
    layers: int
    ffn_dim: int
    attention_scale: float
    layer_norm: str
    motion: str
    projection: bool

    def check(self, where: str) -> None:
        """Raise BundleError where the facts do not fit together."""
        if self.embed_dim % self.heads:
            raise BundleError(f"{where}: embed_dim {self.embed_dim} is not divisible by heads {self.heads}")
        if not self.projection and self.embed_dim != self.width:
            raise BundleError(
                f"{where}: without a projection embed_dim must be the width {self.width}, got {self.embed_dim}"
            )
        if not self.projection and self.motion != "none":
            raise BundleError(f"{where}: motion {self.motion!r} needs a projection")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The projection's arrays, then those of `edgevtn.kernels.reference.vtn`."""
        T, W, D, L, F = self.window_len, self.width, self.embed_dim, self.layers, self.ffn_dim
        shapes: dict[str, tuple[int, ...]] = {}
        if self.projection:
            shapes |= {"w_features": (W, D), "b_features": (D,)}
        if self.motion != "none":
            shapes[f"w_{self.motion}"] = (W, D)
        shapes |= {"position": (T, D), **dict.fromkeys(("w_q", "w_k", "w_v"), (L, D, D))}
        shapes |= {"w_1": (L, D, F), "b_1": (L, F), "w_2": (L, F, D), "b_2": (L, D)}
        if self.layer_norm == "vtn":
            shapes |= dict.fromkeys(("gain_1", "bias_1", "gain_2", "bias_2"), (L, D))
        return shapes | {"w_classes": (D, self.classes), "b_classes": (self.classes,)}

    def describe(self) -> str:
        """Its sizes, and what its matrix products are computed with here."""
        shape = f"VTN, {self.layers} blocks, {self.heads} heads, D {self.embed_dim}, F {self.ffn_dim}"
        motion = f", motion {self.motion}" if self.motion != "none" else ""
        return f"{shape}, layer norm {self.layer_norm}{motion}; {resolve_precision('auto', self.embed_dim)} here"

    def build(self, weights: dict[str, Float] | bytes, file: Path, precision: str) -> VTN:
        """The head that runs."""
        assert isinstance(weights, dict)
        return VTN(self, weights, precision)


def resolve_precision(precision: str, embed_dim: int) -> Precision:
    """ "fp32" or "int8": what "auto" stands for on this processor.

    Raises
    ------
    ValueError
        The precision is none of `PRECISIONS`, or the head is too narrow for int8.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    narrowest = INT8.panel
    if precision == "int8" and embed_dim < narrowest:
        raise ValueError(f"precision int8 needs a head at least {narrowest} wide, got embed_dim {embed_dim}")
    if precision != "auto":
        return "int8" if precision == "int8" else "fp32"
    return "int8" if HAS_DOT_PRODUCT and embed_dim >= INT8_FROM_WIDTH else "fp32"


class VTN(Head):
    """Weights packed for the kernels, the window, and scratch that is allocated once.

    The window's rows hold an embedding and its first-block projections, which are computed once per frame:
    ``[e, e W_q, e W_k, e W_v]``, 4 D floats.

    Parameters
    ----------
    facts : VTNFacts
    arrays : dict of float32 arrays
        As `VTNFacts.shapes` names them.
    precision : {"auto", "fp32", "int8"}
        Precision of the matrix products in the blocks and the classifier. "auto" is int8 where the processor has
        instructions for it and the head is wide enough to gain by them. The projection is computed in fp32: features
        have outliers that eight bits would not hold.
    """

    def __init__(self, facts: VTNFacts, arrays: dict[str, Float], precision: str = "auto") -> None:
        D, W = facts.embed_dim, facts.width
        self.precision = resolve_precision(precision, D)
        self._classes, self._width = facts.classes, W
        norm = facts.layer_norm == "vtn"
        if self.precision == "int8":
            arrays = arrays | corrected_biases(arrays, facts.heads, facts.attention_scale, norm)
        self._weights = make_weights(
            arrays, heads=facts.heads, scale=facts.attention_scale, norm=norm, precision=self.precision
        )
        self._scratch = make_scratch(self._weights)
        self._logits = np.zeros((1, len(self._weights.b_classes)), np.float32)
        self.window = Window(facts.window_len, 4 * D)
        self._step = bind("decode", self.window.rows, self._weights, self._scratch, self._logits)

        self._row = np.zeros((1, 4 * D), np.float32)
        self._embedding, queries = self._row[:, :D], self._row[:, D:]  # views: the kernels write where rows are read
        first, rows = nth(self._weights.blocks.w_qkv, 0), make_rows(1, D, self.precision)
        self._linear = bind("linear", self._embedding, first, self._weights.b_qkv, rows, queries)
        #: What the projection sees: features, and with motion input their change or its size.
        self._input = np.zeros((1, W if facts.motion == "none" else 2 * W), np.float32)
        self._only_size = facts.motion == "size"
        self._begun = False
        self._project: Callable[..., None] | None = None
        if facts.projection:
            pieces = [arrays[name] for name in ("w_features", f"w_{facts.motion}") if name in arrays]
            w = make_matrix(np.concatenate(pieces), "fp32")
            self._project = bind(
                "linear", self._input, w, arrays["b_features"], make_rows(1, W, "fp32"), self._embedding
            )

    def push(self, features: Float) -> None:
        """Append a frame's features, float32 (1, W)."""
        W = self._width
        if self._project is None:
            self._embedding[...] = features
        else:
            if self._input.shape[1] > W:
                change = self._input[:, W:]
                if self._begun:
                    np.subtract(features, self._input[:, :W], out=change)
                    if self._only_size:
                        np.abs(change, out=change)
                else:
                    change[...] = 0
            self._input[:, :W] = features
            self._project()
        self._begun = True
        self._append()

    def repeat(self) -> None:
        """Append the last frame's features once more, which then did not change."""
        if self._project is not None and self._input.shape[1] > self._width:
            self._input[:, self._width :] = 0
            self._project()
            self._append()
        else:
            super().repeat()

    def _append(self) -> None:
        """The embedding, with its projections for the first block."""
        self._linear()
        self.window.push(self._row)

    def clear(self) -> None:
        """Forget all frames."""
        super().clear()
        self._begun = False

    def __call__(self) -> Float:
        """Logits of the window, float32 (K,): a view, overwritten by the next call."""
        self._step(self.window.rows)
        return self._logits[0, : self._classes]
