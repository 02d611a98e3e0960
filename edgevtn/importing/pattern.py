"""The weights of a VTN decoder in an OpenVINO graph, told apart by their order and shapes."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgevtn.importing.constants import Constants

Float = npt.NDArray[np.float32]

WEIGHTED = ("MatMul", "Convolution", "Add", "Multiply", "Subtract")
PROJECTIONS = ("w_q", "w_k", "w_v")


class OtherPatternError(Exception):
    """The graph has other weights than a VTN decoder, or has them in another order."""


class Weight(NamedTuple):
    """A constant, and the type of the operation that applies it."""

    kind: str
    value: Float


class Pattern(NamedTuple):
    """What order and shapes tell; which of the three projections is which, they do not.

    Attributes
    ----------
    arrays : dict
        As `edgevtn.heads.VTNFacts.shapes` names them; `w_q`, `w_k` and `w_v` in the order of the graph.
    heads : int
        A.
    key_scales : float32 (L, D / A), or None
        Factors on each head's keys, where the graph has a vector for them and not one number on the scores.
    """

    arrays: dict[str, Float]
    heads: int
    key_scales: Float | None


def weights_of(model: Any) -> list[Weight]:
    """Everything in an `openvino.Model` that has weights, in order of execution; single numbers are left out."""
    constant = Constants()
    found = []
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind not in WEIGHTED or constant(node.output(0)) is not None:
            continue
        for index in range(2):
            value = constant(node.input(index).get_source_output())
            if value is None or value.size == 1:
                continue
            if kind == "MatMul" and node.get_attributes()["transpose_b"]:
                value = value.swapaxes(-1, -2)
            found.append(Weight(kind, value.astype(np.float32)))
    return found


def read_pattern(weights: list[Weight], T: int, D: int, K: int) -> Pattern:
    """Read position, blocks and classifier in their order.

    Raises
    ------
    OtherPatternError
        Anything else comes.
    """
    reader = _Reader(weights, D)
    position = reader.take("Add", T * D).reshape(T, D)
    while reader.next_is("MatMul", D * D) and reader.left[0].value.ndim == 3:
        reader.block()
    w_classes = reader.take("MatMul", D * K)
    if w_classes.shape[-2:] != (D, K):
        raise OtherPatternError
    b_classes = reader.take("Add", K).reshape(K)
    arrays = reader.blocks()
    key_scales = arrays.pop("key_scales", None)
    arrays |= {"position": position, "w_classes": w_classes.reshape(D, K), "b_classes": b_classes}
    return Pattern(arrays, reader.heads, key_scales)


class _Reader:
    """Takes weights one after another, and keeps those of the blocks by name."""

    def __init__(self, weights: list[Weight], D: int) -> None:
        self.left = deque(weights)
        self.D = D
        self.heads = 0
        self.kept: dict[str, list[Float]] = defaultdict(list)

    def next_is(self, kind: str, size: int) -> bool:
        return bool(self.left) and self.left[0].kind == kind and self.left[0].value.size == size

    def take(self, kind: str, size: int) -> Float:
        if not self.next_is(kind, size):
            raise OtherPatternError
        return self.left.popleft().value

    def block(self) -> None:
        self._attention()
        self._norm("1")
        self._linear("1", self.D)
        self._linear("2", self.kept["w_1"][-1].shape[1])
        self._norm("2")

    def blocks(self) -> dict[str, Float]:
        """The kept arrays, (L, ...) each; all is read, and every block has the same."""
        L = len(self.kept["w_q"])
        same = all(len(values) == L and len({value.shape for value in values}) == 1 for values in self.kept.values())
        if self.left or L == 0 or not same or ("gain_1" in self.kept) != ("gain_2" in self.kept):
            raise OtherPatternError
        return {name: np.stack(values) for name, values in self.kept.items()}

    def _attention(self) -> None:
        for name in PROJECTIONS:
            value = self.take("MatMul", self.D**2)  # (A, D, d)
            if value.ndim != 3 or value.shape[1] != self.D:
                raise OtherPatternError
            self.heads = value.shape[0]
            self.kept[name].append(value.transpose(1, 0, 2).reshape(self.D, self.D))
            # IR 10 spreads the scale of the scores over the keys' columns; they may come before or after the values.
            # A single head's would look like the gain of a layer norm.
            if self.heads > 1 and self.next_is("Multiply", self.D // self.heads):
                self.kept["key_scales"].append(self.left.popleft().value.reshape(-1))

    def _norm(self, part: str) -> None:
        # A gain, then a bias; a graph without layer norm goes on with a matrix.
        if self.left and self.left[0].kind == "Multiply":
            self.kept[f"gain_{part}"].append(self.take("Multiply", self.D).reshape(-1))
            self.kept[f"bias_{part}"].append(self.take("Add", self.D).reshape(-1))

    def _linear(self, part: str, rows: int) -> None:
        """A layer of the feed-forward network, as a convolution of width 1 or as a product."""
        if not self.left:
            raise OtherPatternError
        kind, value = self.left.popleft()
        if kind == "Convolution" and value.ndim == 3 and value.shape[2] == 1:
            w = value[..., 0].T
        elif kind == "MatMul" and value.ndim == 2:
            w = value
        else:
            raise OtherPatternError
        columns = self.D if part == "2" else w.shape[1]
        if w.shape != (rows, columns):
            raise OtherPatternError
        self.kept[f"w_{part}"].append(w)
        self.kept[f"b_{part}"].append(self.take("Add", columns).reshape(-1))
