"""Encoders and clips from disk, and the INT8 encoder to disk: checked on the way in, whole on the way out."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from edgevtn.datasets.layouts import VIDEO_SUFFIXES
from edgevtn.datasets.manifest import read_manifest
from edgevtn.graph.difference import of_one_picture
from edgevtn.graph.edit import session, takes_blocks
from edgevtn.graph.front import with_pixels
from edgevtn.sources.open import IMAGE_SUFFIXES


def load_encoder(
    file: str | Path, normalisation: tuple[tuple[float, ...], tuple[float, ...]] | None = None
) -> onnx.ModelProto:
    """Read an encoder.

    Parameters
    ----------
    file : path
    normalisation : (mean, std), optional
        Of pixel values 0 to 255, three numbers each: an encoder with float input is made to take pixels by it.

    Raises
    ------
    ValueError
        The file is missing, is no valid ONNX model, cannot be run, or has not one input of a fixed shape
        (1, 3, S, S), uint8 (or float, with `normalisation`), and one output.
    """
    file = Path(file)
    try:
        model = onnx.load(file)
        onnx.checker.check_model(model)
    except FileNotFoundError:
        raise ValueError(f"{file}: does not exist; expected an ONNX encoder") from None
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        raise ValueError(f"{file}: cannot be read as ONNX ({str(error).strip().splitlines()[0]})") from error
    return _checked(model, str(file), normalisation)


def parse_encoder(content: bytes, name: str) -> onnx.ModelProto:
    """The encoder of a bundle, one of two frames as one of the picture of their difference; `name` is for messages.

    Raises
    ------
    ValueError
        As `load_encoder`; or it takes two frames and does not begin with their difference.
    """
    model = onnx.load_from_string(content)
    return _checked(of_one_picture(model) if len(model.graph.input) == 2 else model, name, None)


def _checked(
    model: onnx.ModelProto, name: str, normalisation: tuple[tuple[float, ...], tuple[float, ...]] | None
) -> onnx.ModelProto:
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [entry for entry in model.graph.input if entry.name not in constants]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise ValueError(
            f"{name}: expected one input and one output, got {len(inputs)} and {len(model.graph.output)}; "
            "an encoder takes one frame and gives one embedding"
        )
    kind = inputs[0].type.tensor_type
    shape = [dimension.dim_value or dimension.dim_param or "?" for dimension in kind.shape.dim]
    size = shape[2] if len(shape) == 4 else 0
    square = len(shape) == 4 and shape[1] in (3, 12) and isinstance(size, int) and size == shape[3]
    floats = kind.elem_type == onnx.TensorProto.FLOAT
    got = f"{onnx.TensorProto.DataType.Name(kind.elem_type).lower()} ({', '.join(map(str, shape))})"
    if square and floats and normalisation is None:
        raise ValueError(
            f"{name}: expected uint8 input (1, 3, S, S), got {got}; say with --mean and --std how its "
            "pixels, 0 to 255, are to be normalised"
        )
    if square and floats and normalisation is not None and (shape[0] == 1 or isinstance(shape[0], str)):
        model = with_pixels(model, *normalisation)
    elif not square or shape[0] != 1 or kind.elem_type != onnx.TensorProto.UINT8:
        raise ValueError(
            f"{name}: expected uint8 input (1, 3, S, S), got {got}; export it with a fixed shape and with the "
            "normalisation inside, or with float input and --mean and --std"
        )
    try:
        session(model, optimise=False)
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise ValueError(f"{name}: onnxruntime cannot run it ({str(error).strip().splitlines()[0]})") from error
    return model


def input_size(model: onnx.ModelProto) -> int:
    """S of an encoder that `load_encoder` gave."""
    side = int(model.graph.input[0].type.tensor_type.shape.dim[2].dim_value)
    return 2 * side if takes_blocks(model) else side


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
