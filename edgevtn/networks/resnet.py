"""ResNet-18, -34, -50 (He et al., arXiv 1512.03385) and SE-ResNeXt (Hu et al., arXiv 1709.01507).

Depths, widths and groups are read from the tensors. ResNets have torchvision's tensor names, SE-ResNeXts those of
the package `pretrainedmodels`, both with the numbers that ``nn.Sequential(*children)`` gives to the stages.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgevtn.graph.build import Graph, Weights, fold


def _blocks(weights: Weights, stage: str) -> int:
    return len(
        {name.split(".")[1] for name in weights if name.startswith(f"{stage}.") and name.split(".")[1].isdigit()}
    )


def resnet(graph: Graph, x: ir.Value, weights: Weights) -> tuple[ir.Value, int]:
    """Layers 0 (convolution), 1 (norm) and 4 to 7 (stages) of a ResNet; returns the last tensor and its channels."""
    x = graph.convolution(x, "stem", *fold(weights, "0", "1"), stride=2, activation="Relu")
    x = graph.add("MaxPool", [x], "stem.pool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 0
    for stage in ("4", "5", "6", "7"):
        for block in range(_blocks(weights, stage)):
            x, channels = _residual(graph, x, weights, f"{stage}.{block}", 2 if block == 0 and stage != "4" else 1)
    return x, channels


def _residual(graph: Graph, x: ir.Value, weights: Weights, prefix: str, stride: int) -> tuple[ir.Value, int]:
    """A basic or a bottleneck block; torchvision has the stride in the first 3x3 convolution of either."""
    name = f"stage{prefix}"
    deep = f"{prefix}.conv3.weight" in weights
    shortcut = x
    if f"{prefix}.downsample.0.weight" in weights:
        w, b = fold(weights, f"{prefix}.downsample.0", f"{prefix}.downsample.1")
        shortcut = graph.convolution(x, f"{name}.shortcut", w, b, stride=stride)
    layers = 3 if deep else 2
    for layer in range(1, layers + 1):
        w, b = fold(weights, f"{prefix}.conv{layer}", f"{prefix}.bn{layer}")
        strided = layer == (2 if deep else 1)
        x = graph.convolution(
            x,
            f"{name}.conv{layer}",
            w,
            b,
            stride=stride if strided else 1,
            activation=None if layer == layers else "Relu",
        )
    x = graph.add("Add", [x, shortcut], f"{name}.sum")
    return graph.add("Relu", [x], f"{name}.relu"), len(w)


def se_resnext(graph: Graph, x: ir.Value, weights: Weights) -> tuple[ir.Value, int]:
    """Layers 0 (stem) to 4 of an SE-ResNeXt; returns the last tensor and its channels."""
    x = graph.convolution(x, "stem", *fold(weights, "0.conv1", "0.bn1"), stride=2, activation="Relu")
    # The authors of the pretrained weights round up instead of padding.
    x = graph.add("MaxPool", [x], "stem.pool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    channels = 0
    for stage in ("1", "2", "3", "4"):
        for block in range(_blocks(weights, stage)):
            stride = 2 if block == 0 and stage != "1" else 1
            x, channels = _squeezed(graph, x, weights, f"{stage}.{block}", stride)
    return x, channels


def _squeezed(graph: Graph, x: ir.Value, weights: Weights, prefix: str, stride: int) -> tuple[ir.Value, int]:
    """A grouped bottleneck whose channels are weighted by squeeze-and-excitation before the sum."""
    name = f"stage{prefix}"
    shortcut = x
    if f"{prefix}.downsample.0.weight" in weights:
        w, b = fold(weights, f"{prefix}.downsample.0", f"{prefix}.downsample.1")
        shortcut = graph.convolution(x, f"{name}.shortcut", w, b, stride=stride)
    x = graph.convolution(x, f"{name}.conv1", *fold(weights, f"{prefix}.conv1", f"{prefix}.bn1"), activation="Relu")
    w, b = fold(weights, f"{prefix}.conv2", f"{prefix}.bn2")
    groups = weights[f"{prefix}.conv1.weight"].shape[0] // w.shape[1]
    x = graph.convolution(x, f"{name}.conv2", w, b, groups=groups, stride=stride, activation="Relu")
    w, b = fold(weights, f"{prefix}.conv3", f"{prefix}.bn3")
    x = graph.convolution(x, f"{name}.conv3", w, b)
    gate = graph.add("GlobalAveragePool", [x], f"{name}.squeeze")
    for layer, activation in (("fc1", "Relu"), ("fc2", None)):
        part = f"{prefix}.se_module.{layer}"
        gate = graph.convolution(
            gate, f"{name}.{layer}", weights[f"{part}.weight"], weights[f"{part}.bias"], activation=activation
        )
    gate = graph.add("Sigmoid", [gate], f"{name}.gate")
    x = graph.add("Mul", [x, gate], f"{name}.excited")
    x = graph.add("Add", [x, shortcut], f"{name}.sum")
    return graph.add("Relu", [x], f"{name}.relu"), int(np.shape(w)[0])
