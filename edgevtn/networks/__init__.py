"""Encoders as ONNX graphs, written from their published weights, with batch norms folded in.

Every encoder takes uint8 pixels and gives float32 features (1, W), which the head projects to an embedding; its
normalisation is part of the graph. Needs the packages onnx and onnx-ir, which the extras [calibration], [import] and
[training] bring.
"""

from edgevtn.networks.build import build_encoder

__all__ = ["build_encoder"]
