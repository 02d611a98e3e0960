"""MobileNetV2 (Sandler et al., arXiv 1801.04381); the VTN authors trained it with ReLU, others with ReLU6."""

from __future__ import annotations

import onnx_ir as ir

from edgevtn.graph.build import Graph, Weights, fold

#: The first block of each stage that halves the picture; the layer numbers are those of the published checkpoints.
STRIDED = {2, 4, 7, 14}
LAST = 18


def mobilenetv2(graph: Graph, x: ir.Value, weights: Weights, activation: str = "Relu") -> tuple[ir.Value, int]:
    """Layers 0 (stem), 1 to 17 (inverted residuals) and 18; returns the last tensor and its channels."""
    x = graph.convolution(x, "stem", *fold(weights, "0.0", "0.1"), stride=2, activation=activation)
    for block in range(1, LAST):
        name, source = f"block{block}", x
        stride = 2 if block in STRIDED else 1
        first = weights[f"{block}.conv.0.weight"]
        # conv.0, .1, .2: convolution, norm, activation; the depthwise one comes first where nothing is expanded.
        layer = 0
        if first.shape[1] != 1:
            w, b = fold(weights, f"{block}.conv.0", f"{block}.conv.1")
            x = graph.convolution(x, f"{name}.expand", w, b, activation=activation)
            layer = 3
        w, b = fold(weights, f"{block}.conv.{layer}", f"{block}.conv.{layer + 1}")
        x = graph.convolution(x, f"{name}.depthwise", w, b, groups=len(w), stride=stride, activation=activation)
        layer += 3
        w, b = fold(weights, f"{block}.conv.{layer}", f"{block}.conv.{layer + 1}")
        x = graph.convolution(x, f"{name}.project", w, b)
        if stride == 1 and len(w) == first.shape[0 if layer == 3 else 1]:
            x = graph.add("Add", [x, source], f"{name}.sum")
    w, b = fold(weights, f"{LAST}.0", f"{LAST}.1")
    return graph.convolution(x, "head", w, b, activation=activation), len(w)
