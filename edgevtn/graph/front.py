"""The front of an encoder, from pixels to its first convolution, brought into the form that INT8 wants.

Whatever an encoder does to its pixels before the first convolution (a cast, a mean, a deviation, another colour
order) is one affine function for each channel. It is found by trying it on pictures, and moved into the weights and
the bias of that convolution: then the pixel itself, less one whole number, is the convolution's input, and the first
quantised tensor. Zero padding stands for a pixel of that whole number, where it stood for the channel's mean before:
with ImageNet's means that differs by at most 0.22 deviations, at the border alone.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgevtn.graph.edit import Array, Float, constants, intermediate_values, set_constant

#: How far, in units of the front's own output, it may be from the affine function that was found.
TOLERANCE = 1e-3


class Affine(NamedTuple):
    """``channel c of the convolution's input = gain[c] * pixel[source[c]] + offset[c]``."""

    gain: Float  # (3,)
    offset: Float  # (3,)
    source: tuple[int, ...]


def find_affine(model: onnx.ModelProto, tensor: str | None = None) -> Affine:
    """The affine function from uint8 pixels to the input of the first convolution, or to another tensor.

    Raises
    ------
    ValueError
        The model has no convolution, or what is before it is no such function.
    """
    first = next((node for node in model.graph.node if node.op_type == "Conv"), None)
    if first is None:
        raise ValueError("the encoder has no convolution; there is nothing to quantise")
    entry = model.graph.input[0]
    S = entry.type.tensor_type.shape.dim[2].dim_value
    rng = np.random.default_rng(0)
    probes = [np.zeros((1, 3, S, S), np.uint8)]
    for channel in range(3):
        probes.append(probes[0].copy())
        probes[-1][0, channel] = 200
    probes.append(rng.integers(0, 256, (1, 3, S, S), dtype=np.uint8))
    if first.input[0] == entry.name:
        raise ValueError("the encoder convolves integers; expected its normalisation before the first convolution")
    tensor = first.input[0] if tensor is None else tensor
    results = [values[tensor] for values in intermediate_values(model, [tensor], probes)]
    dark, *single, noise = results
    if dark.shape != (1, 3, S, S):
        raise ValueError(f"what is before the first convolution makes {dark.shape} of (1, 3, S, S) pixels")
    response = np.array([(one - dark)[0].mean(axis=(1, 2)) / 200 for one in single])  # (pixel channel, channel)
    source = tuple(int(index) for index in np.abs(response).argmax(axis=0))
    gain = response[source, range(3)].astype(np.float32)
    offset = dark[0].mean(axis=(1, 2)).astype(np.float32)
    expected = applied(Affine(gain, offset, source), probes[-1])
    if sorted(source) != [0, 1, 2] or np.abs(noise - expected).max() > TOLERANCE * max(1.0, np.abs(expected).max()):
        raise ValueError(
            "what is before the first convolution is no mean and deviation for each channel; export the encoder "
            "with the usual normalisation"
        )
    return Affine(gain, offset, source)


def applied(affine: Affine, pixels: Array) -> Float:
    """The affine function of pixels (1, 3, S, S)."""
    values = pixels[:, list(affine.source)].astype(np.float32)
    result: Float = values * affine.gain[:, None, None] + affine.offset[:, None, None]
    return result


def canonical(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same encoder, beginning with a DequantizeLinear of its pixels that feeds the first convolution.

    Raises
    ------
    ValueError
        As `find_affine`; or the first convolution's weights are not constant.
    """
    affine = find_affine(model)
    model = copy.deepcopy(model)
    graph, stored = model.graph, constants(model)
    first = next(node for node in graph.node if node.op_type == "Conv")
    if first.input[1] not in stored:
        raise ValueError("the first convolution's weights are not constant; expected a plain fp32 encoder")
    w = numpy_helper.to_array(stored[first.input[1]])
    scale = float(np.abs(affine.gain).mean())
    zero_point = int(np.clip(np.rint(np.mean(-affine.offset / affine.gain)), 0, 255))
    moved = np.empty_like(w)
    for channel, source in enumerate(affine.source):
        moved[:, source] = w[:, channel] * (affine.gain[channel] / scale)
    shift = w.sum(axis=(2, 3)) @ (affine.gain * zero_point + affine.offset)
    bias = numpy_helper.to_array(stored[first.input[2]]) if len(first.input) > 2 else np.zeros(len(w), np.float32)

    _cut(model, first)
    del first.input[:]
    drop_unused(model)  # before new names come, which an earlier call may have given, too
    names = {"scale": f"{first.name}.pixel_scale", "zero": f"{first.name}.pixel_zero_point"}
    weight, offset = f"{first.name}.folded_weight", f"{first.name}.folded_bias"
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array(scale, np.float32), names["scale"]),
            numpy_helper.from_array(np.array(zero_point, np.uint8), names["zero"]),
            numpy_helper.from_array(moved.astype(np.float32), weight),
            numpy_helper.from_array((bias + shift).astype(np.float32), offset),
        ]
    )
    entry = graph.input[0].name
    first.input.extend(["normalised_pixels", weight, offset])
    graph.node.insert(
        0,
        helper.make_node("DequantizeLinear", [entry, *names.values()], ["normalised_pixels"], name="normalised_pixels"),
    )
    drop_unused(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def weight_tensor(model: onnx.ModelProto, node: onnx.NodeProto) -> onnx.TensorProto:
    """The stored weights of a convolution: float32, or the integers of a QDQ graph."""
    stored = constants(model)
    name = node.input[1]
    if name not in stored:
        name = next(one for one in model.graph.node if name in one.output).input[0]
    return stored[name]


def _cut(model: onnx.ModelProto, first: onnx.NodeProto) -> None:
    """Remove the nodes that only the first convolution's input needs."""
    needed = {first.input[0]}
    for node in reversed(list(model.graph.node)):
        if node is not first and needed & set(node.output):
            needed |= set(node.input)
            model.graph.node.remove(node)


def drop_unused(model: onnx.ModelProto) -> None:
    """Remove initialisers that no node reads."""
    used = {name for node in model.graph.node for name in node.input}
    for tensor in [tensor for tensor in model.graph.initializer if tensor.name not in used]:
        model.graph.initializer.remove(tensor)


def with_pixels(model: onnx.ModelProto, mean: tuple[float, ...], std: tuple[float, ...]) -> onnx.ModelProto:
    """A float-input encoder, (1, 3, S, S) or with a free first dimension, made to take uint8 pixels.

    Parameters
    ----------
    mean, std : three numbers
        Of pixel values 0 to 255, in the order of the encoder's channels.
    """
    model = copy.deepcopy(model)
    entry = model.graph.input[0]
    name = entry.name
    for node in model.graph.node:
        for index, source in enumerate(node.input):
            if source == name:
                node.input[index] = "normalised"
    factor = (1 / np.array(std, np.float32)).reshape(3, 1, 1)
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.array(mean, np.float32).reshape(3, 1, 1), "pixels.mean"),
            numpy_helper.from_array(factor, "pixels.factor"),
        ]
    )
    nodes = [
        helper.make_node("Cast", [name], ["pixels.float"], name="pixels.float", to=TensorProto.FLOAT),
        helper.make_node("Sub", ["pixels.float", "pixels.mean"], ["pixels.centred"], name="pixels.centred"),
        helper.make_node("Mul", ["pixels.centred", "pixels.factor"], ["normalised"], name="normalised"),
    ]
    for position, node in enumerate(nodes):
        model.graph.node.insert(position, node)
    entry.type.tensor_type.elem_type = TensorProto.UINT8
    for port in (*model.graph.input, *model.graph.output):
        port.type.tensor_type.shape.dim[0].dim_value = 1
    del model.graph.value_info[:]
    return model


def by_blocks(model: onnx.ModelProto) -> onnx.ModelProto:
    """Rewrite a first convolution of stride 2 over 3 channels as one of stride 1 over 2x2 blocks, 12 channels.

    The same sums of the same numbers (and zeros), of pixels that the runtime's `prepare` writes in that order.
    onnxruntime gathers the pixels of an INT8 convolution three bytes at a time here, twelve there: measured on an
    AVX-512 core, a 3x3 stem with what follows it fell from 0.68 to 0.40 ms, ResNet's 7x7 from 1.63 to 1.00 ms.
    A model whose first convolution is of another kind is left as it is.

    Parameters
    ----------
    model : onnx.ModelProto
        That begins with the DequantizeLinear of its pixels, as `canonical` gives it; fp32 or QDQ.
    """
    graph = model.graph
    first = next(node for node in graph.node if node.op_type == "Conv")
    facts = {attribute.name: helper.get_attribute_value(attribute) for attribute in first.attribute}
    w = numpy_helper.to_array(weight_tensor(model, first))
    S = graph.input[0].type.tensor_type.shape.dim[2].dim_value
    kernel = w.shape[2]
    pads = list(facts.get("pads", [0] * 4))
    plain = (
        w.shape[1] == 3
        and kernel == w.shape[3]
        and list(facts.get("strides", [])) == [2, 2]
        and facts.get("dilations", [1, 1]) == [1, 1]
        and "auto_pad" not in facts
        and S % 2 == 0
        and pads[0] == pads[1]
        and pads[2] == pads[3]
    )
    if not plain:
        return model
    model = copy.deepcopy(model)
    graph = model.graph
    first = next(node for node in graph.node if node.op_type == "Conv")
    before, after = pads[0], pads[2]
    outputs = (S + before + after - kernel) // 2 + 1
    lead = before % 2  # a kernel that begins on an odd row begins one row into its first block
    blocks_before = (before + lead) // 2
    size = -(-(kernel + lead) // 2)
    blocks_after = outputs - 1 + size - S // 2 - blocks_before
    if blocks_after < 0:
        return model
    wide = np.zeros((len(w), 3, 2 * size, 2 * size), w.dtype)
    wide[:, :, lead : lead + kernel, lead : lead + kernel] = w
    # In the order of edgevtn.kernels.prepare.by_blocks: row, column, channel.
    blocks = wide.reshape(len(w), 3, size, 2, size, 2).transpose(0, 3, 5, 1, 2, 4).reshape(len(w), 12, size, size)
    set_constant(weight_tensor(model, first), blocks)
    for attribute in list(first.attribute):
        if attribute.name in ("pads", "strides", "kernel_shape"):
            first.attribute.remove(attribute)
    pads = [blocks_before] * 2 + [blocks_after] * 2
    first.attribute.extend(
        [
            helper.make_attribute("pads", pads),
            helper.make_attribute("strides", [1, 1]),
            helper.make_attribute("kernel_shape", [size, size]),
        ]
    )
    shape = graph.input[0].type.tensor_type.shape
    for axis, value in ((1, 12), (2, S // 2), (3, S // 2)):
        shape.dim[axis].dim_value = value
    del graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    return model
