"""Static quantisation of an encoder to INT8 QDQ."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, numpy_helper
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from edgevtn._errors import require
from edgevtn.calibration._bias import correct_biases
from edgevtn.calibration._graph import constants, convolutions, groups, set_constant
from edgevtn.calibration._ranges import activation_ranges
from edgevtn.calibration._weights import weight_scales

Pixels = npt.NDArray[np.uint8]

#: Frames for the bias correction, which runs every layer on all of them: more change the result no further.
BIAS_FRAMES = 24
#: The rest, pooling and a projection after it, is a thousandth of the work and loses most to rounding.
QUANTISED = ["Conv", "Add", "Clip", "Relu"]


def quantize(encoder: onnx.ModelProto, pixels: Sequence[Pixels], progress: bool = True) -> onnx.ModelProto:
    """Quantise an encoder's convolutions to int8 weights and uint8 activations.

    Weight scales are per channel and chosen so that the sums saturate on no CPU, activation ranges by mean
    square error, and biases corrected afterwards. The input stays uint8 and is itself the first
    quantised tensor: nothing is computed in float before the first convolution.

    Parameters
    ----------
    encoder : onnx.ModelProto
        uint8 input (1, 3, S, S) whose first node is a DequantizeLinear, the normalisation.
    pixels : sequence of uint8 (1, 3, S, S)
        Prepared frames of the kind that the model will see; a hundred will do.
    progress : bool
        Show a progress bar (about half a minute).

    Returns
    -------
    onnx.ModelProto
        QDQ, for onnxruntime.

    Raises
    ------
    ValueError
        The encoder does not begin as described, or `pixels` is empty.
    """
    tqdm = require("tqdm", "calibration").tqdm
    if not pixels:
        raise ValueError("expected frames to calibrate with, got none")
    original, scale, zero_point = _split_input(encoder)
    entry = original.graph.input[0].name
    inputs = [(value.astype(np.float32) - zero_point) * np.float32(scale) for value in pixels]

    ranges = activation_ranges(original, inputs)
    ranges[entry] = (-zero_point * scale, (255 - zero_point) * scale)
    tensors = TensorsData(
        CalibrationMethod.MinMax,
        {name: TensorData(lowest=np.float32(low), highest=np.float32(high)) for name, (low, high) in ranges.items()},
    )
    quantizer = QDQQuantizer(
        copy.deepcopy(original),
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=tensors,
        nodes_to_quantize=[],
        nodes_to_exclude=[],
        op_types_to_quantize=QUANTISED,
        extra_options={"TensorQuantOverrides": _weight_overrides(original)},
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    quantised: onnx.ModelProto = quantizer.model.model
    layers = range(len(convolutions(original)))
    bar = tqdm(layers, "correcting biases", disable=not progress)
    correct_biases(quantised, original, inputs[:BIAS_FRAMES], bar)
    _join_input(quantised, encoder, scale, zero_point)
    onnx.checker.check_model(quantised, full_check=True)
    return quantised


def _split_input(encoder: onnx.ModelProto) -> tuple[onnx.ModelProto, float, int]:
    """Cut off the DequantizeLinear at the front: the model with a float input, and its scale and zero point."""
    model = copy.deepcopy(encoder)
    first, entry = model.graph.node[0], model.graph.input[0]
    if (
        first.op_type != "DequantizeLinear"
        or first.input[0] != entry.name
        or entry.type.tensor_type.elem_type != TensorProto.UINT8
    ):
        raise ValueError(
            "expected an encoder with uint8 input and a DequantizeLinear as its first node, got "
            f"{TensorProto.DataType.Name(entry.type.tensor_type.elem_type)} input and {first.op_type}"
        )
    stored = constants(model)
    scale, zero_point = (numpy_helper.to_array(stored[name]).item() for name in first.input[1:3])
    for name in first.input[1:3]:
        model.graph.initializer.remove(stored[name])
    entry.name = first.output[0]
    entry.type.tensor_type.elem_type = TensorProto.FLOAT
    model.graph.node.remove(first)
    return model, scale, zero_point


def _join_input(quantised: onnx.ModelProto, encoder: onnx.ModelProto, scale: float, zero_point: int) -> None:
    """Feed uint8 pixels where the float input was quantised, with the scale that they have by nature."""
    graph, entry = quantised.graph, quantised.graph.input[0]
    stored = constants(quantised)
    first = next(node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == entry.name)
    entry.CopyFrom(encoder.graph.input[0])
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == first.output[0]:
                node.input[index] = entry.name
    set_constant(stored[first.input[1]], np.array(scale, np.float32))
    set_constant(stored[first.input[2]], np.array(zero_point, np.uint8))
    graph.node.remove(first)


def _weight_overrides(model: onnx.ModelProto) -> dict[str, list[dict[str, object]]]:
    """Our weight scales in the form in which onnxruntime's quantiser takes them."""
    stored = constants(model)
    overrides = {}
    for node in convolutions(model):
        w = numpy_helper.to_array(stored[node.input[1]])
        channels: list[dict[str, object]] = [
            {"scale": scale, "zero_point": np.int8(0)} for scale in weight_scales(w, groups(node) == len(w))
        ]
        channels[0] |= {"quant_type": QuantType.QInt8, "axis": 0}
        overrides[node.input[1]] = channels
    return overrides
