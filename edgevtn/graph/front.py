"""The front of an encoder, from pixels to its first convolution, brought into the form that INT8 wants.

Whatever an encoder does to its pixels before the first convolution (a cast, a mean, a deviation, another colour
order) is one affine function for each channel. It is found by trying it on pictures, and moved into the weights and
the bias of that convolution: then the pixel itself, less one whole number, is the convolution's input, and the first
quantised tensor. Zero padding stands for a pixel of that whole number, where it stood for the channel's mean before:
with ImageNet's means that differs by at most 0.22 deviations, at the border alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import onnx
import onnx_ir as ir

from edgevtn.arrays import Array, Float
from edgevtn.graph.edit import (
    add_constant,
    constant,
    convolutions,
    editable,
    finished,
    forget_shapes,
    insert_first,
    new_node,
    remove_unused,
    stored,
)
from edgevtn.graph.facts import input_shape
from edgevtn.graph.run import intermediate_values

#: How far, in units of the front's own output, it may be from the affine function that was found.
TOLERANCE = 1e-3


class Affine(NamedTuple):
    """``channel c of the convolution's input = gain[c] * pixel[source[c]] + offset[c]``."""

    gain: Float  # (3,)
    offset: Float  # (3,)
    source: tuple[int, ...]

    def __call__(self, pixels: Array) -> Float:
        """The function of pixels (1, 3, S, S)."""
        values = pixels[:, list(self.source)].astype(np.float32)
        result: Float = values * self.gain[:, None, None] + self.offset[:, None, None]
        return result

    def zero_point(self) -> int:
        """The whole pixel value that comes nearest to zero, 0 to 255."""
        return int(np.clip(np.rint(np.mean(-self.offset / self.gain)), 0, 255))


def find_affine(encoder: onnx.ModelProto, tensor: str | None = None) -> Affine:
    """The affine function from uint8 pixels to the input of the first convolution, or to another tensor.

    Parameters
    ----------
    encoder : onnx.ModelProto
        uint8 (1, 3, S, S).
    tensor : str, optional
        Another tensor's name.

    Raises
    ------
    ValueError
        The model has no convolution, or what is before it is no such function.
    """
    model = editable(encoder)
    entry, first = model.graph.inputs[0], next(iter(convolutions(model)), None)
    if first is None:
        raise ValueError("the encoder has no convolution; there is nothing to quantise")
    if first.inputs[0] is entry:
        raise ValueError("the encoder convolves integers; expected its normalisation before the first convolution")
    if tensor is None:
        assert first.inputs[0] is not None
        tensor = str(first.inputs[0].name)
    S = input_shape(encoder)[2]
    probes = [np.zeros((1, 3, S, S), np.uint8)]
    for channel in range(3):
        probes.append(probes[0].copy())
        probes[-1][0, channel] = 200
    probes.append(np.random.default_rng(0).integers(0, 256, (1, 3, S, S), dtype=np.uint8))
    dark, *single, noise = [values[tensor] for values in intermediate_values(encoder, [tensor], probes)]
    if dark.shape != (1, 3, S, S):
        raise ValueError(f"what is before the first convolution makes {dark.shape} of (1, 3, S, S) pixels")
    # (pixel channel, channel)
    response = np.array([(bright - dark)[0].mean(axis=(1, 2)) / 200 for bright in single])
    source = tuple(int(index) for index in np.abs(response).argmax(axis=0))
    gain = response[source, range(3)].astype(np.float32)
    affine = Affine(gain, dark[0].mean(axis=(1, 2)).astype(np.float32), source)
    expected = affine(probes[-1])
    if sorted(source) != [0, 1, 2] or np.abs(noise - expected).max() > TOLERANCE * max(1.0, np.abs(expected).max()):
        raise ValueError(
            "what is before the first convolution is no mean and deviation for each channel; export the encoder "
            "with the usual normalisation"
        )
    return affine


def canonical(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """The same encoder, beginning with a DequantizeLinear of its pixels that feeds the first convolution.

    Parameters
    ----------
    encoder : onnx.ModelProto
        uint8 (1, 3, S, S), fp32 inside.

    Raises
    ------
    ValueError
        As `find_affine`; or the first convolution's weights are not constant.
    """
    affine = find_affine(encoder)
    model = editable(encoder)
    first = convolutions(model)[0]
    w = constant(first.inputs[1])
    if w is None:
        raise ValueError("the first convolution's weights are not constant; expected a plain fp32 encoder")
    scale, zero_point = float(np.abs(affine.gain).mean()), affine.zero_point()
    moved = np.empty_like(w)
    for channel, source in enumerate(affine.source):
        moved[:, source] = w[:, channel] * (affine.gain[channel] / scale)
    shift = w.sum(axis=(2, 3)) @ (affine.gain * zero_point + affine.offset)
    shifted = shift + stored(first.inputs[2]) if first.inputs[2:] and first.inputs[2] is not None else shift

    first.resize_inputs(0)
    remove_unused(model)  # before new names come, which an earlier call may have given, too
    pixels = new_node(
        "DequantizeLinear",
        [
            model.graph.inputs[0],
            add_constant(model, f"{first.name}.pixel_scale", np.array(scale, np.float32)),
            add_constant(model, f"{first.name}.pixel_zero_point", np.array(zero_point, np.uint8)),
        ],
        "normalised_pixels",
    )
    inputs = [
        insert_first(model, pixels),
        add_constant(model, f"{first.name}.folded_weight", moved.astype(np.float32)),
        add_constant(model, f"{first.name}.folded_bias", shifted.astype(np.float32)),
    ]
    first.resize_inputs(len(inputs))
    for index, value in enumerate(inputs):
        first.replace_input_with(index, value)
    return finished(model)


def with_pixels(encoder: onnx.ModelProto, mean: tuple[float, ...], std: tuple[float, ...]) -> onnx.ModelProto:
    """An encoder with float input made to take uint8 pixels.

    Parameters
    ----------
    encoder : onnx.ModelProto
        float32 (1, 3, S, S), or with a free first dimension.
    mean, std : three numbers
        Normalisation of pixel values 0 to 255, in the order of the encoder's channels.

    Returns
    -------
    onnx.ModelProto
        uint8 (1, 3, S, S).
    """
    model = editable(encoder)
    graph = model.graph
    entry = graph.inputs[0]
    assert entry.shape is not None
    pixels = ir.val(entry.name, ir.DataType.UINT8, ir.Shape([1, *entry.shape[1:]]))
    factor = (1 / np.array(std, np.float32)).reshape(3, 1, 1)
    cast = new_node("Cast", [pixels], "pixels.float", {"to": ir.DataType.FLOAT})
    less = add_constant(model, "pixels.mean", np.array(mean, np.float32).reshape(3, 1, 1))
    centred = new_node("Sub", [cast.outputs[0], less], "pixels.centred")
    times = add_constant(model, "pixels.factor", factor)
    normalised = new_node("Mul", [centred.outputs[0], times], "normalised")
    entry.replace_all_uses_with(normalised.outputs[0])
    graph.inputs[0] = pixels
    insert_first(model, cast, centred, normalised)
    for output in graph.outputs:
        if output.shape is not None:
            output.shape = ir.Shape([1, *output.shape[1:]])
    forget_shapes(model)
    return ir.to_proto(model)
