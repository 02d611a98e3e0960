"""The INT8 graph: QDQ from onnxruntime's quantiser, with our scales, from the first pixel on."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from edgevtn.calibration.fit.bias import correct_biases
from edgevtn.calibration.fit.equalise import equalised
from edgevtn.calibration.fit.ranges import METHODS, Observed, Range, choose_range, observe
from edgevtn.calibration.fit.weights import full_scales, safe_scales
from edgevtn.errors import require
from edgevtn.graph.edit import as_input, constants, convolutions, groups, set_constant
from edgevtn.graph.front import by_blocks, canonical, drop_unused

Pixels = npt.NDArray[np.uint8]

#: Frames for the bias correction, which runs every layer on all of them: more change the result no further.
BIAS_FRAMES = 24
#: The rest, pooling and a projection after it, is a thousandth of the work and loses most to rounding.
QUANTISED = ["Conv", "Add", "Clip", "Relu"]

#: Processors that a file is for, and whether its weights must not saturate VPMADDUBSW, which adds two products of
#: uint8 and int8 in 16 bits: x86 without VNNI has nothing else. VNNI adds in 32 bits; so do onnxruntime's ARM
#: kernels (UDOT, SDOT, or UMULL with UADALP), which take uint8 activations as fast as int8 ones. Full-range weights
#: are therefore the better ones for both, and uint8 activations are right everywhere.
TARGETS = {"any": True, "x86": True, "x86-vnni": False, "arm": False}


@dataclass(frozen=True)
class Settings:
    """How to quantise."""

    target: str = "any"
    method: str = METHODS[0]
    equalise: bool = False
    correct: bool = True
    float_layers: tuple[str, ...] = ()


class Quantizer:
    """An fp32 encoder and what its activations are, to be quantised in several ways.

    Parameters
    ----------
    encoder : onnx.ModelProto
        uint8 input (1, 3, S, S); of the difference of two frames: two of them.
    pixels : sequence of uint8 (1, 3, S, S)
        Prepared frames of the kind that the model will see; a hundred will do.
    blocks : bool
        Let the INT8 encoder take its pixels by 2x2 blocks, (1, 12, S / 2, S / 2), where its first convolution allows:
        faster, and for edgevtn's bundles alone.

    Attributes
    ----------
    layers : list of str
        Names of the convolutions.

    Raises
    ------
    ValueError
        What is before the first convolution cannot be folded into it, or there are no frames.
    """

    def __init__(self, encoder: onnx.ModelProto, pixels: Sequence[Pixels], blocks: bool = False) -> None:
        if not pixels:
            raise ValueError("expected frames to calibrate with, got none")
        self._encoder = named(canonical(encoder))
        if blocks:
            self._encoder = by_blocks(self._encoder)
        self._original, self._scale, self._zero_point = _split_input(self._encoder)
        self._inputs = [self._normalised(value) for value in pixels]
        self._seen = observe(self._original, self._inputs)
        self._equalised = equalised(self._original, self._seen)
        self._equalised_seen = None if self._equalised is None else observe(self._equalised, self._inputs)
        self._ranges: dict[tuple[str, bool], dict[str, Range]] = {}
        self.layers = [node.name for node in convolutions(self._original)]

    @property
    def can_equalise(self) -> bool:
        """Whether there are channels to equalise."""
        return self._equalised is not None

    def _normalised(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """What the graph after its DequantizeLinear sees, float32 (1, 3, S, S) or (1, 12, S / 2, S / 2)."""
        values: npt.NDArray[np.float32] = as_input(self._encoder, pixels).astype(np.float32)
        return (values - self._zero_point) * np.float32(self._scale)

    def __call__(self, settings: Settings, progress: bool = True) -> onnx.ModelProto:
        """The INT8 encoder: QDQ, for onnxruntime, the input still uint8 pixels.

        Raises
        ------
        ValueError
            The target is unknown.
        """
        if settings.target not in TARGETS:
            raise ValueError(f"target must be one of {', '.join(TARGETS)}, got {settings.target!r}")
        original, seen = self._original, self._seen
        if settings.equalise and self._equalised is not None and self._equalised_seen is not None:
            original, seen = self._equalised, self._equalised_seen
        quantised = self._qdq(original, seen, settings)
        if settings.correct:
            tqdm = require("tqdm", "calibration").tqdm
            bar: Iterable[Any] = tqdm(range(len(self.layers)), "correcting biases", disable=not progress)
            correct_biases(quantised, original, self._inputs[:BIAS_FRAMES], bar)
        _join_input(quantised, self._encoder, self._scale, self._zero_point)
        drop_unused(quantised)
        onnx.checker.check_model(quantised, full_check=True)
        return quantised

    def float_model(self, settings: Settings) -> onnx.ModelProto:
        """The fp32 graph whose weights were quantised, from its float input on."""
        chosen = self._equalised if settings.equalise else None
        return self._original if chosen is None else chosen

    def _qdq(self, original: onnx.ModelProto, seen: dict[str, Observed], settings: Settings) -> onnx.ModelProto:
        key = settings.method, seen is self._equalised_seen
        if key not in self._ranges:  # the same for every attempt that differs in something else
            self._ranges[key] = {name: choose_range(observed, settings.method) for name, observed in seen.items()}
        ranges = dict(self._ranges[key])
        entry = original.graph.input[0].name
        ranges[entry] = (-self._zero_point * self._scale, (255 - self._zero_point) * self._scale)
        tensors = TensorsData(
            CalibrationMethod.MinMax,
            {
                name: TensorData(lowest=np.float32(low), highest=np.float32(high))
                for name, (low, high) in ranges.items()
            },
        )
        quantizer = QDQQuantizer(
            copy.deepcopy(original),
            per_channel=True,
            reduce_range=False,
            weight_qType=QuantType.QInt8,
            activation_qType=QuantType.QUInt8,
            tensors_range=tensors,
            nodes_to_quantize=[],
            nodes_to_exclude=list(settings.float_layers),
            op_types_to_quantize=QUANTISED,
            extra_options={"TensorQuantOverrides": _weight_overrides(original, TARGETS[settings.target])},
        )
        quantizer.quantize_model()
        quantizer.model.topological_sort()
        result: onnx.ModelProto = quantizer.model.model
        return result


def quantize_graph(
    encoder: onnx.ModelProto,
    pixels: Sequence[Pixels],
    settings: Settings | None = None,
    progress: bool = True,
    blocks: bool = False,
) -> onnx.ModelProto:
    """Quantise an encoder's convolutions to int8 weights and uint8 activations, in one given way.

    The input stays uint8 and is itself the first quantised tensor: nothing is computed in float before the first
    convolution. `edgevtn.calibration.quantize` tries several ways and measures them.

    Parameters
    ----------
    encoder, pixels, blocks
        As `Quantizer`.
    settings : Settings, optional
    progress : bool
        Show a progress bar (about half a minute).

    Raises
    ------
    ValueError
        As `Quantizer`.
    """
    return Quantizer(encoder, pixels, blocks)(settings or Settings(), progress)


def named(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a name for every node, which the quantiser and the report go by."""
    model = copy.deepcopy(model)
    taken: set[str] = set()
    for number, node in enumerate(model.graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}_{number}"
        taken.add(node.name)
    return model


def _split_input(encoder: onnx.ModelProto) -> tuple[onnx.ModelProto, float, int]:
    """Cut off the DequantizeLinear at the front: the model with a float input, and its scale and zero point."""
    model = copy.deepcopy(encoder)
    graph, entry = model.graph, model.graph.input[0]
    first = next(node for node in graph.node if node.op_type == "DequantizeLinear")
    stored = constants(model)
    scale, zero_point = (numpy_helper.to_array(stored[name]).item() for name in first.input[1:3])
    entry.name = first.output[0]
    entry.type.tensor_type.elem_type = TensorProto.FLOAT
    graph.node.remove(first)
    drop_unused(model)
    return model, scale, zero_point


def _join_input(quantised: onnx.ModelProto, encoder: onnx.ModelProto, scale: float, zero_point: int) -> None:
    """Feed uint8 pixels where the float input was quantised, with the scale that they have by nature."""
    graph, entry = quantised.graph, quantised.graph.input[0]
    stored = constants(quantised)
    source = encoder.graph.input[0]
    first = next(
        (node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == entry.name), None
    )
    if first is None:
        # The first convolution stays in float: the pixels are only dequantised.
        front = next(node for node in encoder.graph.node if node.op_type == "DequantizeLinear")
        wanted = constants(encoder)
        graph.initializer.extend([wanted[name] for name in front.input[1:3]])
        graph.node.insert(0, front)
    else:
        for node in graph.node:
            for index, name in enumerate(node.input):
                if name == first.output[0]:
                    node.input[index] = source.name
        set_constant(stored[first.input[1]], np.array(scale, np.float32))
        set_constant(stored[first.input[2]], np.array(zero_point, np.uint8))
        graph.node.remove(first)
    entry.CopyFrom(source)


def _weight_overrides(model: onnx.ModelProto, safe: bool) -> dict[str, list[dict[str, object]]]:
    """Our weight scales in the form in which onnxruntime's quantiser takes them."""
    stored = constants(model)
    overrides = {}
    for node in convolutions(model):
        w = numpy_helper.to_array(stored[node.input[1]])
        # Depthwise convolutions are not computed with VPMADDUBSW, and need no care.
        scales = safe_scales(w) if safe and groups(node) != len(w) else full_scales(w)
        channels: list[dict[str, object]] = [{"scale": scale, "zero_point": np.int8(0)} for scale in scales]
        channels[0] |= {"quant_type": QuantType.QInt8, "axis": 0}
        overrides[node.input[1]] = channels
    return overrides
