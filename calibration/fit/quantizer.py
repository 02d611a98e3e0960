"""The INT8 graph: QDQ from onnxruntime's quantiser, with our scales, from the first pixel on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnx
import onnx_ir as ir
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from edgevtn.arrays import Array, Float, Pixels
from edgevtn.calibration.fit.bias import correct_biases
from edgevtn.calibration.fit.ranges import METHODS, Observed, Range, choose_range, observe
from edgevtn.calibration.fit.weights import full_scales, safe_scales
from edgevtn.graph.blocks import by_blocks
from edgevtn.graph.edit import (
    add_constant,
    convolutions,
    editable,
    finished,
    groups,
    insert_first,
    named,
    new_node,
    set_constant,
    stored,
)
from edgevtn.graph.facts import as_input
from edgevtn.graph.front import canonical

#: The rest, pooling and a projection after it, is a thousandth of the work and loses most to rounding.
QUANTISED = ["Conv", "Add", "Clip", "Relu"]

#: Processors that a file is for, and whether its weights must not saturate VPMADDUBSW, which adds two products of
#: uint8 and int8 in 16 bits: x86 without VNNI has nothing else. VNNI adds in 32 bits; so do onnxruntime's ARM
#: kernels (UDOT, SDOT, or UMULL with UADALP), which take uint8 activations as fast as int8 ones. Full-range weights
#: are therefore the better ones for both, and uint8 activations are right everywhere.
TARGETS = {"any": True, "x86": True, "x86-vnni": False, "arm": False}

#: A step on the fp32 graph: it and its activations -> the same function, easier to quantise; None: nothing to do.
Before = Callable[[onnx.ModelProto, Mapping[str, Observed]], onnx.ModelProto | None]
#: A step on the INT8 graph: it, the fp32 graph, float inputs of both, progress bar or not -> a better INT8 graph.
After = Callable[[onnx.ModelProto, onnx.ModelProto, Sequence[Array], bool], onnx.ModelProto]


@dataclass(frozen=True)
class Settings:
    """How to quantise.

    Attributes
    ----------
    target : str
        One of `TARGETS`.
    method : str
        How ranges are chosen, one of `edgevtn.calibration.fit.ranges.METHODS`.
    before : tuple of functions
        Steps on the fp32 graph, in order: see `Before`.
    after : tuple of functions
        Steps on the INT8 graph, in order: see `After`.
    float_layers : tuple of str
        Convolutions that are not quantised.
    """

    target: str = "any"
    method: str = METHODS[0]
    before: tuple[Before, ...] = ()
    after: tuple[After, ...] = (correct_biases,)
    float_layers: tuple[str, ...] = ()


class Observation(NamedTuple):
    """An fp32 graph with a float input, and what its activations are."""

    model: onnx.ModelProto
    seen: dict[str, Observed]


class Quantizer:
    """An fp32 encoder and what its activations are, to be quantised in several ways.

    Parameters
    ----------
    encoder : onnx.ModelProto
        uint8 input (1, 3, S, S).
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
        plain, self._scale, self._zero_point = _split_input(self._encoder)
        self._inputs = [self._normalised(value) for value in pixels]
        #: By the steps on the fp32 graph.
        self._observed: dict[tuple[Before, ...], Observation] = {(): Observation(plain, observe(plain, self._inputs))}
        self._ranges: dict[tuple[str, tuple[Before, ...]], dict[str, Range]] = {}
        self.layers = [str(node.name) for node in convolutions(editable(plain))]

    def _normalised(self, pixels: Pixels) -> Float:
        """What the graph after its DequantizeLinear sees, float32 (1, 3, S, S) or (1, 12, S / 2, S / 2)."""
        values: Float = as_input(self._encoder, pixels).astype(np.float32)
        return (values - self._zero_point) * np.float32(self._scale)

    def __call__(self, settings: Settings, progress: bool = True) -> onnx.ModelProto:
        """The INT8 encoder: QDQ, for onnxruntime, the input still uint8 pixels.

        Parameters
        ----------
        settings : Settings
        progress : bool
            Show progress bars.

        Raises
        ------
        ValueError
            The target is unknown.
        """
        if settings.target not in TARGETS:
            raise ValueError(f"target must be one of {', '.join(TARGETS)}, got {settings.target!r}")
        original = self.float_model(settings)
        quantised = _quantised(original, self._chosen_ranges(settings), settings)
        for step in settings.after:
            quantised = step(quantised, original, self._inputs, progress)
        return _join_input(quantised, self._encoder, self._scale, self._zero_point)

    def float_model(self, settings: Settings) -> onnx.ModelProto:
        """The fp32 graph whose weights are quantised, from its float input on."""
        return self._observe(settings.before).model

    def changes(self, step: Before) -> bool:
        """Whether a step on the fp32 graph finds anything to do."""
        return self._observe((step,)).model is not self._observe(()).model

    def _observe(self, before: tuple[Before, ...]) -> Observation:
        if before not in self._observed:
            *earlier, step = before
            so_far = self._observe(tuple(earlier))
            changed = step(so_far.model, so_far.seen)
            self._observed[before] = so_far if changed is None else Observation(changed, observe(changed, self._inputs))
        return self._observed[before]

    def _chosen_ranges(self, settings: Settings) -> dict[str, Range]:
        key = settings.method, settings.before
        if key not in self._ranges:  # the same for every attempt that differs in something else
            model, seen = self._observe(settings.before)
            ranges = {name: choose_range(observed, settings.method) for name, observed in seen.items()}
            pixels = (-self._zero_point * self._scale, (255 - self._zero_point) * self._scale)
            self._ranges[key] = ranges | {model.graph.input[0].name: pixels}
        return self._ranges[key]


def quantize_graph(
    encoder: onnx.ModelProto,
    pixels: Sequence[Pixels],
    settings: Settings | None = None,
    progress: bool = True,
    blocks: bool = False,
) -> onnx.ModelProto:
    """Quantise an encoder's convolutions to int8 weights and uint8 activations, in one given way.

    The input stays uint8 and is itself the first quantised tensor: nothing is computed in float before the first
    convolution. `edgevtn.calibration.calibrate` tries several ways and measures them.

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


def _quantised(original: onnx.ModelProto, ranges: Mapping[str, Range], settings: Settings) -> onnx.ModelProto:
    """The graph with a float input in QDQ, by onnxruntime's quantiser."""
    data = {name: TensorData(lowest=np.float32(low), highest=np.float32(high)) for name, (low, high) in ranges.items()}
    model = editable(original)
    quantizer = QDQQuantizer(
        ir.to_proto(model),  # a copy, which it changes
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, data),
        nodes_to_quantize=[],
        nodes_to_exclude=list(settings.float_layers),
        op_types_to_quantize=QUANTISED,
        extra_options={"TensorQuantOverrides": _weight_overrides(model, TARGETS[settings.target])},
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    result: onnx.ModelProto = quantizer.model.model
    return result


def _weight_overrides(model: ir.Model, safe: bool) -> dict[str, list[dict[str, object]]]:
    """Our weight scales in the form in which onnxruntime's quantiser takes them."""
    overrides = {}
    for node in convolutions(model):
        weight = node.inputs[1]
        assert weight is not None
        w = stored(weight)
        # Depthwise convolutions are not computed with VPMADDUBSW, and need no care.
        scales = safe_scales(w) if safe and groups(node) != len(w) else full_scales(w)
        channels: list[dict[str, object]] = [{"scale": scale, "zero_point": np.int8(0)} for scale in scales]
        channels[0] |= {"quant_type": QuantType.QInt8, "axis": 0}
        overrides[str(weight.name)] = channels
    return overrides


def _split_input(encoder: onnx.ModelProto) -> tuple[onnx.ModelProto, float, int]:
    """Cut off the DequantizeLinear at the front: the model with a float input, and its scale and zero point."""
    model = editable(encoder)
    front = model.graph[0]
    scale, zero_point = (stored(value).item() for value in front.inputs[1:3])
    values = front.outputs[0]
    entry = ir.val(values.name, ir.DataType.FLOAT, model.graph.inputs[0].shape)
    values.replace_all_uses_with(entry)
    values.name = None
    model.graph.inputs[0] = entry
    return finished(model), scale, zero_point


def _join_input(quantised: onnx.ModelProto, encoder: onnx.ModelProto, scale: float, zero_point: int) -> onnx.ModelProto:
    """Feed uint8 pixels where the float input was quantised, with the scale that they have by nature."""
    model = editable(quantised)
    entry, source = model.graph.inputs[0], editable(encoder).graph.inputs[0]
    pixels = ir.val(source.name, ir.DataType.UINT8, source.shape)
    model.graph.inputs[0] = pixels
    for node in entry.consumers():
        if node.op_type == "QuantizeLinear":
            set_constant(node.inputs[1], np.array(scale, np.float32))
            set_constant(node.inputs[2], np.array(zero_point, np.uint8))
            node.outputs[0].replace_all_uses_with(pixels)
            model.graph.remove(node, safe=True)
    if entry.uses():  # a first convolution that stays in float: for it the pixels are only dequantised
        facts = [
            add_constant(model, "pixels.scale", np.array(scale, np.float32)),
            add_constant(model, "pixels.zero_point", np.array(zero_point, np.uint8)),
        ]
        dequantise = new_node("DequantizeLinear", [pixels, *facts], str(entry.name))
        entry.replace_all_uses_with(insert_first(model, dequantise))
    return finished(model)
