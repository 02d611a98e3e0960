"""A model bundle: a folder with the model's facts, its encoder and its decoder, checked before use."""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgevtn.bundle.facts import DECODER, ENCODER, FACTS, ONNX_DECODER, Model, decoder_shapes, read_facts, read_json
from edgevtn.errors import BundleError

Float = npt.NDArray[np.float32]

DEFAULT = Path(__file__).parents[1] / "data" / "default"
#: What a two-stream bundle may hold: folders of these names, each a bundle of that modality.
STREAMS = ("rgb", "rgbdiff")
# Nobody needs more than this, and whoever claims more should not make us allocate it.
LARGEST_ONNX = 2 * 2**30


@dataclass(frozen=True)
class Bundle:
    """A checked bundle: facts, the encoder's bytes, the decoder's arrays (or the bytes of its ONNX graph)."""

    path: Path
    model: Model
    encoder: bytes
    decoder: dict[str, Float]
    onnx_decoder: bytes = b""


def load_bundle(path: str | Path | None = None) -> Bundle:
    """Read and check a bundle of one stream.

    Parameters
    ----------
    path : path, optional
        The bundle's folder; the default model that comes with edgevtn if None.

    Raises
    ------
    BundleError
        A file is missing or does not match its checksum, a fact is missing or out of range, an array's shape
        does not match the facts, or the format version is not one that this edgevtn reads.
    """
    folder = _folder(path)
    model = read_facts(folder / FACTS)
    encoder = _read_checked(folder, ENCODER, model.sha256, LARGEST_ONNX)
    if ONNX_DECODER in model.sha256:
        graph = _read_checked(folder, ONNX_DECODER, model.sha256, LARGEST_ONNX)
        return Bundle(folder, model, encoder, {}, graph)
    # A float32 archive is at most its arrays, plus a header each.
    expected = sum(4 * math.prod(shape) + 1024 for shape in decoder_shapes(model).values())
    decoder = _read_checked(folder, DECODER, model.sha256, expected)
    return Bundle(folder, model, encoder, _read_decoder(folder / DECODER, decoder, model))


def load_streams(path: str | Path | None = None) -> tuple[Bundle, ...]:
    """Read and check a bundle of one stream or of two, whose logits are averaged.

    A two-stream bundle is a folder whose ``model.json`` says ``{"format_version": 1, "streams": ["rgb",
    "rgbdiff"]}`` and which has a bundle under each of these names.

    Raises
    ------
    BundleError
        As `load_bundle`; or the streams do not belong together.
    """
    folder = _folder(path)
    facts = read_json(folder / FACTS)
    if "streams" not in facts:
        return (load_bundle(folder),)
    if facts != {"streams": list(STREAMS)}:
        raise BundleError(f'{folder / FACTS}: of a two-stream bundle expected "streams": {list(STREAMS)} and no more')
    streams = tuple(load_bundle(folder / name) for name in STREAMS)
    for name, stream in zip(STREAMS, streams, strict=True):
        if stream.model.modality != name:
            raise BundleError(f"{stream.path}: expected modality {name!r}, got {stream.model.modality!r}")
    first, second = (stream.model for stream in streams)
    for fact in ("labels", "frame_rate"):
        if getattr(first, fact) != getattr(second, fact):
            raise BundleError(f"{folder}: the two streams have different {fact}; their logits cannot be averaged")
    return streams


def _folder(path: str | Path | None) -> Path:
    folder = DEFAULT if path is None else Path(path)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise BundleError(f"{folder}: expected a bundle, a folder with {FACTS}; the path {what}")
    return folder


def _read_checked(folder: Path, name: str, sha256: dict[str, str], largest: int) -> bytes:
    file = folder / name
    try:
        if file.stat().st_size > largest:
            raise BundleError(f"{file}: larger than the {largest} bytes that {FACTS} allows for")
        content = file.read_bytes()
    except FileNotFoundError:
        raise BundleError(f"{file}: missing; copy the whole bundle folder") from None
    except OSError as error:
        raise BundleError(f"{file}: cannot be read ({error})") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256[name]:
        raise BundleError(
            f"{file}: checksum does not match {FACTS} (expected sha256 {sha256[name][:16]}..., got "
            f"{digest[:16]}...); the file is damaged or was replaced, copy the bundle again"
        )
    return content


def _read_decoder(file: Path, content: bytes, model: Model) -> dict[str, Float]:
    """Arrays of a decoder from the bytes that were checked; `file` is for messages."""
    shapes = decoder_shapes(model)
    try:
        # Sizes first: a few bytes of zip can claim gigabytes.
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sizes = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
        missing, unknown = sorted(shapes.keys() - sizes), sorted(sizes.keys() - shapes)
        if missing or unknown:
            raise BundleError(
                f"{file}: the arrays do not fit {FACTS}: missing {missing or 'none'}, unknown {unknown or 'none'}"
            )
        for name, shape in shapes.items():
            if sizes[name] > 4 * math.prod(shape) + 1024:
                raise BundleError(f"{file}: {name} is larger than float32 {shape}, which {FACTS} calls for")
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in shapes}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BundleError(f"{file}: cannot be read as an .npz archive ({error})") from error
    for name, array in arrays.items():
        if array.shape != shapes[name] or array.dtype not in (np.float16, np.float32):
            raise BundleError(
                f"{file}: {name} must be float16 or float32 {shapes[name]} to agree with {FACTS}, "
                f"got {array.dtype} {array.shape}"
            )
        if not np.isfinite(array).all():
            raise BundleError(f"{file}: {name} has values that are not finite; export the model again")
    return {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in arrays.items()}
