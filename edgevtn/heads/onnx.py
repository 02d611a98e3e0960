"""A decoder that is an ONNX graph: of a model whose exporter's pattern was not recognised."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgevtn.bundle.facts import ONNX_DECODER
from edgevtn.bundle.load import Bundle
from edgevtn.encoder import open_session
from edgevtn.errors import BundleError
from edgevtn.window import Window

Float = npt.NDArray[np.float32]


class OnnxDecoder:
    """The interface of `Decoder` over onnxruntime: float32 (1, T, D) -> (1, K)."""

    precision = "fp32"

    def __init__(self, bundle: Bundle) -> None:
        model, file = bundle.model, bundle.path / ONNX_DECODER
        self._session = open_session(bundle.onnx_decoder, file, 1)
        T, D, K = model.clip_len, model.embed_dim, len(model.labels)
        got = [(node.type, node.shape) for node in (*self._session.get_inputs(), *self._session.get_outputs())]
        expected = [("tensor(float)", [1, T, D]), ("tensor(float)", [1, K])]
        if got != expected:
            raise BundleError(f"{file}: expected the input and output {expected}, to agree with model.json, got {got}")
        self._input = self._session.get_inputs()[0].name
        self.window = Window(T, D)

    def push(self, embedding: Float) -> None:
        """Append the embedding of a new frame, float32 (1, D)."""
        self.window.push(embedding)

    def repeat(self) -> None:
        """Append the newest embedding once more: time passed, and no frame came."""
        self.window.push(self.window.newest)

    def __call__(self) -> Float:
        """Logits of the window, float32 (K,)."""
        (logits,) = self._session.run(None, {self._input: self.window.rows[None]})
        result: Float = logits[0]
        return result
