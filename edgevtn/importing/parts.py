"""What an importer found in a file, before it becomes a bundle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

Float = npt.NDArray[np.float32]


@dataclass
class Parts:
    """An encoder, a decoder, and the facts that the files themselves tell.

    Attributes
    ----------
    encoder : onnx.ModelProto
        uint8 pixels (1, 3, S, S) -> float32 embedding (1, D).
    decoder : dict of arrays, or onnx.ModelProto
        Weights, as `edgevtn.bundle.facts.decoder_shapes` names them, or a graph float32 (1, T, D) -> (1, K).
    classes : int
        K.
    facts : dict
        Those of ``model.json`` that are known.
    """

    encoder: onnx.ModelProto
    decoder: dict[str, Float] | onnx.ModelProto
    classes: int
    facts: dict[str, Any] = field(default_factory=dict)
