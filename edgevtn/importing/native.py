"""Recognise a VTN decoder in an OpenVINO graph, by its weights' order and shapes, and by what it computes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from edgevtn.errors import require
from edgevtn.importing.constants import Constants
from edgevtn.kernels.reference import vtn

Float = npt.NDArray[np.float32]

#: Agreement of logits that proves the reading right: float32 sums in another order, and fp16 weights in both.
TOLERANCE = 2e-3
WEIGHTED = ("MatMul", "Convolution", "Add", "Multiply", "Subtract")


class _Other(Exception):
    """The graph is not of the pattern."""


def native_decoder(model: Any, T: int, D: int, K: int) -> tuple[dict[str, Float], dict[str, Any]] | None:
    """Arrays and facts of a decoder, or None where the graph is not recognised.

    Parameters
    ----------
    model : openvino.Model
        (1, T, D) -> (1, K).
    """
    try:
        arrays, heads = _arrays(_weights(model), T, D, K)
    except _Other:
        return None
    window = np.random.default_rng(0).standard_normal((T, D)).astype(np.float32)
    expected = _run(model, window)
    norm = "gain_1" in arrays
    for order in permutations(("w_q", "w_k", "w_v")):
        renamed = arrays | {new: arrays[old] for new, old in zip(("w_q", "w_k", "w_v"), order, strict=True)}
        for scale in (D**-0.5, (D // heads) ** -0.5):
            with np.errstate(all="ignore"):  # a wrong reading may overflow; it will not agree either
                got = vtn(window, renamed, heads, scale, norm)
            if np.abs(got - expected).max() <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
                layers, _, F = arrays["w_1"].shape
                facts = {
                    "kind": "vtn", "window_len": T, "embed_dim": D, "heads": heads, "layers": layers, "ffn_dim": F,
                    "attention_scale": scale, "layer_norm": "vtn" if norm else "none", "motion": "none",
                    "projection": False,
                }  # fmt: skip
                return {name: np.ascontiguousarray(value) for name, value in renamed.items()}, facts
    return None


def _run(model: Any, window: Float) -> Float:
    openvino = require("openvino", "import")
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(model, "CPU", exact)
    result: Float = compiled([window[None]])[0][0]
    return result


def _weights(model: Any) -> list[tuple[str, Float]]:
    """Operation and constant of everything that has weights, in order of execution; numbers alone left out."""
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
            found.append((kind, value.astype(np.float32)))
    return found


def _arrays(found: list[tuple[str, Float]], T: int, D: int, K: int) -> tuple[dict[str, Float], int]:
    """Read position, blocks, classifier in their order; `_Other` where anything else comes."""
    heads = 0
    lists: dict[str, list[Float]] = {}
    parts: Iterator[tuple[str, Float]] = iter(found)
    ahead: list[tuple[str, Float]] = []

    def peek() -> tuple[str, Float]:
        if not ahead:
            following = next(parts, None)
            if following is None:
                raise _Other
            ahead.append(following)
        return ahead[0]

    def take(kind: str, size: int) -> Float:
        got, value = peek()
        if got != kind or value.size != size:
            raise _Other
        ahead.clear()
        return value

    def norm(part: str) -> None:
        # A gain, then a bias; a graph without layer norm goes on with a matrix.
        if peek()[0] == "Multiply":
            lists.setdefault(f"gain_{part}", []).append(take("Multiply", D).reshape(D))
            lists.setdefault(f"bias_{part}", []).append(take("Add", D).reshape(D))

    def square() -> Float:
        nonlocal heads
        value = take("MatMul", D * D)  # (A, D, d)
        if value.ndim != 3 or value.shape[1] != D:
            raise _Other
        heads = value.shape[0]
        return value.transpose(1, 0, 2).reshape(D, D)

    def widen(rows: int) -> Float:
        kind, value = peek()
        if kind == "Convolution" and value.ndim == 3 and value.shape[1:] == (rows, 1):
            ahead.clear()
            return value[..., 0].T
        if kind == "MatMul" and value.ndim == 2 and value.shape[0] == rows:
            ahead.clear()
            return value
        raise _Other

    position = take("Add", T * D).reshape(T, D)
    while peek()[1].ndim == 3 and peek()[0] == "MatMul":
        for name in ("w_q", "w_k", "w_v"):
            lists.setdefault(name, []).append(square())
        norm("1")
        w_1 = widen(D)
        lists.setdefault("w_1", []).append(w_1)
        F = w_1.shape[1]
        lists.setdefault("b_1", []).append(take("Add", F).reshape(F))
        lists.setdefault("w_2", []).append(widen(F))
        lists.setdefault("b_2", []).append(take("Add", D).reshape(D))
        norm("2")
    w_classes = take("MatMul", D * K)
    if w_classes.shape[-2:] != (D, K) or "w_q" not in lists:
        raise _Other
    b_classes = take("Add", K).reshape(K)
    if next(parts, None) is not None or len({len(values) for values in lists.values()}) != 1:
        raise _Other
    if len({value.shape for value in lists["w_1"]}) != 1:
        raise _Other
    arrays = {name: np.stack(values) for name, values in lists.items()}
    return arrays | {"position": position, "w_classes": w_classes.reshape(D, K), "b_classes": b_classes}, heads
