"""What an importer found in a file, before it becomes a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx

from edgevtn.arrays import Float


@dataclass
class Parts:
    """An encoder, a head, and the facts that the files themselves tell.

    Attributes
    ----------
    source : str
        Where it is from, for people.
    encoder : onnx.ModelProto
        uint8 pixels (1, 3, S, S) -> float32 features (1, W).
    encoder_facts : dict
        The facts of ``model.json``, but for `difference_interval`, which follows from the frame rate.
    head : dict of arrays, or onnx.ModelProto
        Weights, as `edgevtn.heads.VTNFacts.shapes` names them, or a graph float32 (1, T, W) -> (1, K).
    head_facts : dict
        Likewise.
    classes : int
        K.
    """

    source: str
    encoder: onnx.ModelProto
    encoder_facts: dict[str, Any]
    head: dict[str, Float] | onnx.ModelProto
    head_facts: dict[str, Any]
    classes: int
