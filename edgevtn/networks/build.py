"""From a network's tensors to its ONNX encoder: which network it is, is read from the names of the tensors."""

from __future__ import annotations

import onnx

from edgevtn.graph.build import Graph, Weights
from edgevtn.networks import efficientnet
from edgevtn.networks.efficientnet import efficientnet_lite
from edgevtn.networks.mobilenetv2 import mobilenetv2
from edgevtn.networks.resnet import resnet, se_resnext

#: ImageNet's, RGB, on pixel values 0 to 255.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
POOLINGS = {"mean": "GlobalAveragePool", "max": "GlobalMaxPool"}
#: A tensor that tells a network from the others.
MARKS = {
    "_conv_stem.weight": "EfficientNet-Lite",
    "0.conv1.weight": "SE-ResNeXt",
    "18.0.weight": "MobileNetV2",
    "4.0.conv1.weight": "ResNet",
}


def network_name(weights: Weights) -> str:
    """Which network the tensors are of: one of `MARKS`.

    Raises
    ------
    ValueError
        It is none that is known.
    """
    for mark, name in MARKS.items():
        if mark in weights:
            return name
    some = ", ".join(sorted(weights)[:3]) or "no tensors"
    raise ValueError(f"the encoder is none of {', '.join(MARKS.values())}; its tensors begin with {some}")


def normalisation(weights: Weights) -> tuple[tuple[float, ...], tuple[float, ...], int]:
    """Mean, deviation (of pixel values 0 to 255) and picture side that a network was trained with."""
    if network_name(weights) == "EfficientNet-Lite":
        return efficientnet.MEAN, efficientnet.STD, efficientnet.input_size(weights)
    if network_name(weights) == "SE-ResNeXt":
        # The VTN authors trained these with --no-mean-norm --no-std-norm: values from 0 to 1.
        return (0.0,) * 3, (255.0,) * 3, 224
    return IMAGENET_MEAN, IMAGENET_STD, 224


def build_encoder(
    weights: Weights, *, difference: bool = False, relu6: bool = False, pooling: str = "mean"
) -> onnx.ModelProto:
    """Write an encoder: uint8 ``pixels`` (1, 3, S, S) RGB -> float32 ``features`` (1, W).

    Parameters
    ----------
    weights : dict of float32 arrays
        Tensors of EfficientNet-Lite0, 1 or 2, MobileNetV2, ResNet-18, -34 or -50, or SE-ResNeXt, by their
        published names (the last three as ``nn.Sequential`` numbers their children).
    difference : bool
        A second input, ``previous``, the frame before: the network sees the difference of the two.
    relu6 : bool
        A MobileNetV2 was trained with ReLU6 in place of ReLU. The other networks ignore it.
    pooling : {"mean", "max"}
        Over the last feature map: networks are trained with the mean; what is small in the picture is clearer in
        the maximum.

    Raises
    ------
    ValueError
        The network or the pooling is unknown, or a tensor is missing or has a shape that does not fit.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}, got {pooling!r}")
    name = network_name(weights)
    mean, std, size = normalisation(weights)
    graph = Graph()
    x = graph.pixels(size, mean, std, difference)
    try:
        if name == "EfficientNet-Lite":
            x, width = efficientnet_lite(graph, x, weights, size)
        elif name == "MobileNetV2":
            x, width = mobilenetv2(graph, x, weights, "Relu6" if relu6 else "Relu")
        else:
            x, width = (resnet if name == "ResNet" else se_resnext)(graph, x, weights)
        pooled = graph.add(POOLINGS[pooling], [x], "pooled")
        return graph.model(name, graph.add("Flatten", [pooled], "features"), (1, width))
    except KeyError as error:
        raise ValueError(f"the encoder looks like {name}, but its tensor {error} is missing") from None
    except (IndexError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"the encoder looks like {name}, but its tensors do not fit together ({reason})") from error
