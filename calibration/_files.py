"""Encoders and clips from disk, and the INT8 encoder to disk: checked on the way in, whole on the way out."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from edgevtn._manifest import read_manifest
from edgevtn._sources import IMAGE_SUFFIXES

VIDEO_SUFFIXES = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"}


def load_encoder(file: str | Path) -> onnx.ModelProto:
    """Read an encoder.

    Raises
    ------
    ValueError
        The file is missing, is no valid ONNX model, or has not one uint8 input of a fixed shape
        (1, 3, S, S) and one output.
    """
    file = Path(file)
    try:
        model = onnx.load(file)
        onnx.checker.check_model(model)
    except FileNotFoundError:
        raise ValueError(f"{file}: does not exist; expected an ONNX encoder") from None
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        raise ValueError(f"{file}: cannot be read as ONNX ({str(error).strip().splitlines()[0]})") from error
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [entry for entry in model.graph.input if entry.name not in constants]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise ValueError(
            f"{file}: expected one input and one output, got {len(inputs)} and {len(model.graph.output)}; "
            "an encoder takes one frame and gives one embedding"
        )
    kind = inputs[0].type.tensor_type
    shape = [dimension.dim_value or dimension.dim_param or "?" for dimension in kind.shape.dim]
    fixed = len(shape) == 4 and shape[:2] == [1, 3] and isinstance(shape[2], int) and shape[2] == shape[3]
    if kind.elem_type != onnx.TensorProto.UINT8 or not fixed:
        name = onnx.TensorProto.DataType.Name(kind.elem_type).lower()
        raise ValueError(
            f"{file}: expected uint8 input (1, 3, S, S), got {name} ({', '.join(map(str, shape))}); export it with "
            "a fixed shape and with the normalisation inside, as a DequantizeLinear of the pixels"
        )
    return model


def input_size(model: onnx.ModelProto) -> int:
    """S of an encoder that `load_encoder` gave."""
    return int(model.graph.input[0].type.tensor_type.shape.dim[2].dim_value)


def is_quantised(model: onnx.ModelProto) -> bool:
    """Whether any weight is an integer already; a DequantizeLinear of the pixels alone does not count."""
    entry = model.graph.input[0].name
    return any(
        node.op_type in ("QLinearConv", "ConvInteger", "QuantizeLinear")
        or (node.op_type == "DequantizeLinear" and node.input[0] != entry)
        for node in model.graph.node
    )


def find_clips(place: str | Path) -> list[Path]:
    """Video files of a folder and the folders below it, the clips of a manifest, or one video file.

    A folder that has a ``manifest.csv`` is read by that; one with images is one clip.

    Raises
    ------
    ValueError
        There are none.
    ManifestError
        The manifest cannot be used.
    """
    place = Path(place)
    if place.suffix == ".csv" or (place / "manifest.csv").exists():
        return [clip.path for clip in read_manifest(place)]
    if place.is_file():
        return [place]
    found = sorted(file for file in place.rglob("*") if file.suffix.lower() in VIDEO_SUFFIXES)
    if not found and place.is_dir() and any(file.suffix.lower() in IMAGE_SUFFIXES for file in place.iterdir()):
        return [place]
    if not found:
        raise ValueError(f"{place}: has no video files; expected a folder of clips, a manifest.csv, or a clip")
    return found
