"""From a window of features to logits: one module for each kind of head.

`KINDS` is the closed table of what a bundle may ask for.
"""

from __future__ import annotations

from edgevtn.heads.base import Head, HeadFacts
from edgevtn.heads.linear import LinearFacts
from edgevtn.heads.onnx import OnnxFacts
from edgevtn.heads.vtn import VTNFacts

KINDS: dict[str, type[HeadFacts]] = {facts.kind: facts for facts in (VTNFacts, LinearFacts, OnnxFacts)}

__all__ = ["KINDS", "Head", "HeadFacts", "LinearFacts", "OnnxFacts", "VTNFacts"]
