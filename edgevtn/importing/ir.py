"""OpenVINO IR: an encoder and a decoder, each an .xml with its .bin, into the parts of a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from edgevtn.bundle import RGB
from edgevtn.engines.openvino import load_openvino
from edgevtn.errors import ModelFileError
from edgevtn.importing.native import native_decoder
from edgevtn.importing.parts import Parts
from edgevtn.importing.translate import translate
from edgevtn.reading import check_regular

#: The largest published .xml has a quarter of a megabyte, the largest .bin 85.
LARGEST_XML, LARGEST_BIN = 64 * 2**20, 2 * 2**30


def read_ir(encoder: str | Path, decoder: str | Path) -> Parts:
    """Read a VTN model in OpenVINO's intermediate representation, versions 10 and 11, FP32, FP16 or INT8.

    The encoder is translated to ONNX, with its own colour order and normalisation, its FakeQuantize operations to
    QuantizeLinear and DequantizeLinear with the same scales. The decoder becomes native weights if its pattern is
    recognised, which is checked by computing with both, and an ONNX graph otherwise.

    Parameters
    ----------
    encoder, decoder : path
        The .xml files; each .bin lies beside its .xml.

    Raises
    ------
    ModelFileError
        A file is missing, damaged, or no part of a VTN, or has operations that are not known.
    """
    encoder, decoder = Path(encoder), Path(decoder)
    first, second = read_network(encoder), read_network(decoder)
    S, W = _encoder_shape(encoder, first)
    T, K = _decoder_shape(decoder, second, W)
    seen = {
        "modality": RGB,
        "input_size": S,
        # What the published IRs take; their mean is inside the graph, in that order.
        "color_order": "BGR",
        "mean": [0.0] * 3,
        "std": [1.0] * 3,
        "width": W,
    }
    source, graph = f"OpenVINO IR {encoder.stem}", translated(encoder, first, pixels=True)
    try:
        found = native_decoder(second, T, W, K)
    except ModelFileError:
        raise
    except Exception as error:  # what was read may still be more than OpenVINO can compile, or have a type it knows not
        raise ModelFileError(f"{decoder}: OpenVINO cannot run it ({_last_line(error)})") from error
    if found is None:
        facts = {"kind": "onnx", "window_len": T}
        return Parts(source, graph, seen, translated(decoder, second, pixels=False), facts, K)
    arrays, facts = found
    return Parts(source, graph, seen, arrays, facts, K)


def read_network(xml: Path) -> Any:
    """An `openvino.Model`, with one input and one output of fixed shape.

    Raises
    ------
    ModelFileError
        The files are missing or damaged, or it has other inputs or outputs.
    """
    openvino = load_openvino("import")
    weights = xml.with_suffix(".bin")
    for file, largest in ((xml, LARGEST_XML), (weights, LARGEST_BIN)):
        try:
            check_regular(file, largest)
        except FileNotFoundError:
            raise ModelFileError(f"{file}: does not exist; an IR is an .xml and a .bin of the same name") from None
        except OSError as error:
            raise ModelFileError(f"{file}: cannot be read as part of an IR ({error.strerror})") from None
    try:
        model = openvino.Core().read_model(str(xml), str(weights))
        shapes = [port.get_partial_shape() for port in (*model.inputs, *model.outputs)]
    except Exception as error:  # openvino raises RuntimeError, TypeError and others of its own
        raise ModelFileError(f"{xml}: cannot be read as OpenVINO IR ({_last_line(error)})") from error
    if len(model.inputs) != 1 or len(model.outputs) != 1 or not all(shape.is_static for shape in shapes):
        raise ModelFileError(
            f"{xml}: expected one input and one output of fixed shape, got {', '.join(str(shape) for shape in shapes)}"
        )
    return model


def _last_line(error: Exception) -> str:
    """OpenVINO's messages begin with places in its own sources and end with what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or ["unknown"])[-1][:200]


def translated(xml: Path, model: Any, *, pixels: bool) -> onnx.ModelProto:
    """The ONNX graph of an IR.

    Raises
    ------
    ModelFileError
        It has an operation that cannot be translated.
    """
    try:
        return translate(str(xml), model, pixels=pixels)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError, IndexError) as error:
        if isinstance(error, ModelFileError):
            raise
        reason = str(error).strip().splitlines()[0][:200]
        raise ModelFileError(f"{xml}: its graph does not fit together ({reason})") from error


def _shapes(model: Any) -> tuple[list[int], list[int]]:
    source, sink = (list(port.get_partial_shape().to_shape()) for port in (model.inputs[0], model.outputs[0]))
    return source, sink


def _encoder_shape(file: Path, model: Any) -> tuple[int, int]:
    source, sink = _shapes(model)
    flat = len(sink) in (2, 4) and sink[0] == 1 and all(size == 1 for size in sink[2:])
    if len(source) != 4 or source[:2] != [1, 3] or source[2] != source[3] or not flat:
        raise ModelFileError(f"{file}: expected an encoder, (1, 3, S, S) -> (1, W), got {source} -> {sink}")
    return source[2], sink[1]


def _decoder_shape(file: Path, model: Any, width: int) -> tuple[int, int]:
    source, sink = _shapes(model)
    if len(source) != 3 or source[0] != 1 or source[2] != width or len(sink) != 2 or sink[0] != 1:
        raise ModelFileError(f"{file}: expected a decoder, (1, T, {width}) -> (1, K), got {source} -> {sink}")
    return source[1], sink[1]
