"""A head that is an ONNX graph: one whose exporter's pattern was not recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from edgevtn.arrays import Float
from edgevtn.errors import BundleError
from edgevtn.facts import Fact
from edgevtn.heads.base import Head, HeadFacts
from edgevtn.session import open_session
from edgevtn.window import Window


@dataclass(frozen=True)
class OnnxFacts(HeadFacts):
    """The facts of a graph: the window's length is all."""

    kind: ClassVar[str] = "onnx"
    file: ClassVar[str] = "head.onnx"
    table: ClassVar[Mapping[str, Fact]] = {}

    def describe(self) -> str:
        """Its input."""
        return f"ONNX graph on {self.window_len} x {self.width} features, float32, 1 thread"

    def build(self, weights: dict[str, Float] | bytes, file: Path, precision: str) -> OnnxHead:
        """The head that runs, in the precision that the graph has."""
        assert isinstance(weights, bytes)
        return OnnxHead(self, weights, file)


class OnnxHead(Head):
    """The window of features, float32 (1, T, W) -> logits (1, K), by onnxruntime.

    Raises
    ------
    BundleError
        The graph cannot be loaded, or has another input or output.
    """

    def __init__(self, facts: OnnxFacts, graph: bytes, file: Path) -> None:
        self._file = file
        self._session = open_session(graph, file, 1)
        T, W, K = facts.window_len, facts.width, facts.classes
        got = [(node.type, node.shape) for node in (*self._session.get_inputs(), *self._session.get_outputs())]
        expected = [("tensor(float)", [1, T, W]), ("tensor(float)", [1, K])]
        if got != expected:
            raise BundleError(f"{file}: expected the input and output {expected}, to agree with model.json, got {got}")
        self._input = self._session.get_inputs()[0].name
        self.window = Window(T, W)

    def push(self, features: Float) -> None:
        """Append a frame's features, float32 (1, W)."""
        self.window.push(features)

    def __call__(self) -> Float:
        """Logits of the window, float32 (K,)."""
        try:
            (logits,) = self._session.run(None, {self._input: self.window.rows[None]})
        except Exception as error:  # onnxruntime's own exceptions share no base class
            raise BundleError(f"{self._file}: fails when it is run ({error}); export the model again") from error
        result: Float = logits[0]
        return result
