"""Encoders and clips from disk, checked on the way in."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx_ir as ir
from google.protobuf.message import DecodeError

from edgevtn.datasets import Clip, read_manifest
from edgevtn.graph.difference import of_one_picture
from edgevtn.graph.edit import editable
from edgevtn.graph.facts import is_quantised
from edgevtn.graph.front import with_pixels
from edgevtn.graph.run import session
from edgevtn.graph.sizes import checked_side, resized, with_side
from edgevtn.reading import check_regular
from edgevtn.sources.file import video_files
from edgevtn.sources.folder import IMAGE_SUFFIXES

#: Bytes; protobuf takes no more.
LARGEST = 2 * 2**30
#: Mean and deviation of pixel values 0 to 255, for each channel.
Normalisation = tuple[tuple[float, float, float], tuple[float, float, float]]


def load_encoder(
    file: str | Path,
    normalisation: Normalisation | None = None,
    *,
    quantised: bool = True,
    size: int | None = None,
) -> onnx.ModelProto:
    """Read an encoder.

    Parameters
    ----------
    file : path
    normalisation : (mean, std), optional
        Three numbers each, for pixel values 0 to 255. With them an encoder with float input is made to take pixels.
    quantised : bool
        Whether it may be in INT8.
    size : int, optional
        Pixels of the pictures' sides, where it leaves them open, or others than its own.

    Raises
    ------
    ValueError
        `size` is none; or the file is missing, is no valid ONNX model, cannot be run, or does not have one input of a
        fixed shape (1, 3, S, S), uint8 (or float, with `normalisation`), and one output.
    """
    file = Path(file)
    try:
        check_regular(file, LARGEST)
        model = onnx.load(file)
        onnx.checker.check_model(model)
    except FileNotFoundError:
        raise ValueError(f"{file}: does not exist; expected an ONNX encoder") from None
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        raise ValueError(f"{file}: cannot be read as ONNX ({str(error).strip().splitlines()[0]})") from error
    if size is None:
        return _checked(model, str(file), normalisation, quantised)
    encoder = _checked(with_side(model, checked_side(size)), str(file), normalisation, quantised)
    return resized(encoder, size)


def parse_encoder(content: bytes, name: str, *, quantised: bool = True) -> onnx.ModelProto:
    """The encoder of a bundle; an encoder of two frames becomes one of the picture of their difference.

    Parameters
    ----------
    content : bytes
    name : str
        For messages.
    quantised : bool
        Whether it may be in INT8.

    Raises
    ------
    ValueError
        As `load_encoder`; or it takes two frames and does not begin with their difference.
    """
    model = onnx.load_from_string(content)
    return _checked(of_one_picture(model) if len(model.graph.input) == 2 else model, name, None, quantised)


def _checked(
    model: onnx.ModelProto, name: str, normalisation: Normalisation | None, quantised: bool
) -> onnx.ModelProto:
    if not quantised and is_quantised(model):  # first, as an encoder that ships in INT8 may have open sides, too
        raise ValueError(f"{name}: is INT8 already; expected the fp32 encoder that it was made from")
    graph = editable(model).graph
    inputs = [entry for entry in graph.inputs if not entry.is_initializer()]
    if len(inputs) != 1 or len(graph.outputs) != 1:
        raise ValueError(
            f"{name}: expected one input and one output, got {len(inputs)} and {len(graph.outputs)}; "
            "an encoder takes one frame and gives its features"
        )
    axes = list(inputs[0].shape or [])
    shape = [axis if isinstance(axis, int) else axis.value or "?" for axis in axes]
    kind = inputs[0].dtype
    size = shape[2] if len(shape) == 4 else 0
    square = len(shape) == 4 and shape[1] in (3, 12) and isinstance(size, int) and size == shape[3]
    got = f"{'no type' if kind is None else kind.name.lower()} ({', '.join(map(str, shape))})"
    if len(shape) == 4 and shape[1] in (3, 12) and all(isinstance(side, str) for side in shape[2:]):
        raise ValueError(
            f"{name}: leaves the sides of its pictures open, got {got}; say with the --size of edgevtn calibrate how "
            "large they are, as in --size 224, or export it with fixed sides"
        )
    if square and kind == ir.DataType.FLOAT and normalisation is None:
        raise ValueError(
            f"{name}: expected uint8 input (1, 3, S, S), got {got}; say with --mean and --std how its "
            "pixels, 0 to 255, are to be normalised"
        )
    free = square and (shape[0] == 1 or isinstance(shape[0], str))  # a batch may be one picture
    if free and kind == ir.DataType.FLOAT and normalisation is not None:
        model = with_pixels(model, *normalisation)
    elif not square or shape[0] != 1 or kind != ir.DataType.UINT8:
        raise ValueError(
            f"{name}: expected uint8 input (1, 3, S, S), got {got}; export it with a fixed shape and with the "
            "normalisation inside, or with float input and --mean and --std"
        )
    try:
        session(model, optimise=False)
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise ValueError(f"{name}: onnxruntime cannot run it ({str(error).strip().splitlines()[0]})") from error
    return model


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
    if _has_manifest(place):
        return [clip.path for clip in read_manifest(place)]
    if place.is_file():
        return [place]
    found = video_files(place)
    if not found and place.is_dir() and any(file.suffix.lower() in IMAGE_SUFFIXES for file in place.iterdir()):
        return [place]
    if not found:
        raise ValueError(f"{place}: has no video files; expected a folder of clips, a manifest.csv, or a clip")
    return found


def labelled_clips(place: str | Path) -> list[Clip]:
    """The clips of a manifest; none for a folder without one.

    Raises
    ------
    ManifestError
        The manifest cannot be used.
    """
    place = Path(place)
    return list(read_manifest(place)) if _has_manifest(place) else []


def split_clips(clips: list[Path]) -> tuple[list[Path], list[Path]]:
    """Clips to calibrate with and clips to measure on: every fourth is held out.

    With fewer than four clips both are all of them, and only the moments differ.
    """
    if len(clips) < 4:
        return clips, clips
    return [clip for n, clip in enumerate(clips) if n % 4], clips[::4]


def _has_manifest(place: Path) -> bool:
    return place.suffix == ".csv" or (place / "manifest.csv").exists()
