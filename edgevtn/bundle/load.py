"""A model bundle: a folder with the model's facts, its encoder and its head, checked before use."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgevtn.archive import read_arrays
from edgevtn.arrays import Float
from edgevtn.bundle.facts import ENCODER, FACTS, MODALITIES, NOVELTY, Model, read_json, read_model
from edgevtn.bundle.format1 import FILES, with_projection
from edgevtn.bundle.hub import download, is_hub_name
from edgevtn.errors import BundleError
from edgevtn.novelty import Novelty
from edgevtn.reading import kind_of, read_regular

DATA = Path(__file__).parents[1] / "data"
#: The name of the model that comes with edgevtn; a folder of that name is given as ./default.
DEFAULT = "default"
# Nobody needs more than this, and whoever claims more should not make us allocate it.
LARGEST_ONNX = 2 * 2**30
#: Bytes of an .npz beside each array's own: its header, and its place in the archive.
OVERHEAD = 1024


@dataclass(frozen=True)
class Bundle:
    """A checked bundle of one stream.

    Attributes
    ----------
    path : Path
    model : Model
    encoder : bytes
        ONNX.
    head : dict of arrays, or bytes
        Weights, float32, as ``model.head.shapes()`` says, or an ONNX graph.
    novelty : Novelty, optional
        What the training's features were like; None where the bundle does not say.
    """

    path: Path
    model: Model
    encoder: bytes
    head: dict[str, Float] | bytes
    novelty: Novelty | None = None


def load_bundle(path: str | Path | None = None) -> Bundle:
    """Read and check a bundle of one stream.

    Parameters
    ----------
    path : path, optional
        The bundle's folder; the model that comes with edgevtn if None or "default"; "org/name@revision" of the Hugging
        Face hub where there is no such folder (extra ``edgevtn[hub]``).

    Raises
    ------
    BundleError
        A file is missing or does not match its checksum, a fact is missing or out of range, an array's shape
        does not match the facts, or the format version is not one that this edgevtn reads.
    """
    folder = bundle_folder(path)
    model = read_model(folder / FACTS)
    encoder = _read_checked(folder / ENCODER, model.sha256[ENCODER], LARGEST_ONNX)
    name, shapes = model.head.file, model.head.shapes()
    old = name in FILES and not (folder / name).exists() and (folder / FILES[name]).exists()
    file = folder / (FILES[name] if old else name)
    if old and "w_change" in shapes:
        shapes = {key: shape for key, shape in shapes.items() if key not in ("w_features", "b_features", "w_change")}
    novelty = _novelty(folder / NOVELTY, model) if NOVELTY in model.sha256 else None
    if not shapes:
        return Bundle(folder, model, encoder, _read_checked(file, model.sha256[name], LARGEST_ONNX), novelty)
    arrays = _archived(file, model.sha256[name], shapes)
    arrays = arrays if shapes == model.head.shapes() else with_projection(arrays)
    return Bundle(folder, model, encoder, arrays, novelty)


def _novelty(file: Path, model: Model) -> Novelty:
    W = model.encoder.width
    arrays = _archived(file, model.sha256[NOVELTY], {"mean": (W,), "spread": (W,), "limit": (1,)})
    try:
        return Novelty.read(arrays)
    except ValueError as error:
        raise BundleError(f"{file}: {error}; export the model again") from error


def load_streams(path: str | Path | None = None) -> tuple[Bundle, ...]:
    """Read and check a bundle of one stream or of two, whose logits are averaged.

    A two-stream bundle is a folder whose ``model.json`` says ``{"format_version": 2, "streams": ["rgb",
    "rgbdiff"]}`` and which has a bundle under each of these names.

    Raises
    ------
    BundleError
        As `load_bundle`; or the streams do not belong together.
    """
    folders = stream_folders(path)
    streams = tuple(load_bundle(folder) for folder in folders)
    if len(streams) == 1:
        return streams
    folder = folders[0].parent
    for name, stream in zip(MODALITIES, streams, strict=True):
        if stream.model.encoder.modality != name:
            raise BundleError(f"{stream.path}: expected modality {name!r}, got {stream.model.encoder.modality!r}")
    first, second = (stream.model for stream in streams)
    for fact in ("labels", "frame_rate"):
        if getattr(first, fact) != getattr(second, fact):
            raise BundleError(f"{folder}: the two streams have different {fact}; their logits cannot be averaged")
    return streams


def stream_folders(path: str | Path | None = None) -> tuple[Path, ...]:
    """The folder of a bundle of one stream, or those of the two; what is in them is not read.

    Raises
    ------
    BundleError
        As `bundle_folder`; or its ``model.json`` cannot be read.
    """
    folder = bundle_folder(path)
    facts = read_json(folder / FACTS)
    if "streams" not in facts:
        return (folder,)
    if facts != {"streams": list(MODALITIES)}:
        raise BundleError(f'{folder / FACTS}: expected "streams": {list(MODALITIES)} of a two-stream bundle, no more')
    return tuple(folder / name for name in MODALITIES)


def bundle_folder(path: str | Path | None) -> Path:
    """The folder of a bundle, which is downloaded where it is named as on the Hugging Face hub, "org/name@revision".

    Raises
    ------
    BundleError
        There is no such folder.
    MissingExtraError, DownloadError
        It is on the hub, and cannot be had from there.
    """
    if isinstance(path, str) and is_hub_name(path):
        return download(path, LARGEST_ONNX)
    folder = DATA / DEFAULT if path in (None, DEFAULT) else Path(str(path))
    found = kind_of(folder)
    if found != "folder":
        what = f"is a {found}" if found else "does not exist"
        raise BundleError(f"{folder}: expected a bundle, a folder with {FACTS}; the path {what}")
    return folder


def _read_checked(file: Path, sha256: str, largest: int) -> bytes:
    try:
        content = read_regular(file, largest)
    except FileNotFoundError:
        raise BundleError(f"{file}: missing; copy the whole bundle folder") from None
    except OSError as error:
        raise BundleError(
            f"{file}: cannot be read ({error.strerror}; {FACTS} allows for {largest} bytes); copy the bundle again"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise BundleError(
            f"{file}: checksum does not match {FACTS} (expected sha256 {sha256[:16]}..., got "
            f"{digest[:16]}...); the file is damaged or was replaced, copy the bundle again"
        )
    return content


def _archived(file: Path, sha256: str, shapes: dict[str, tuple[int, ...]]) -> dict[str, Float]:
    """The arrays of a file, checked; a float32 archive is at most its arrays, plus a header each."""
    expected = sum(4 * math.prod(shape) + OVERHEAD for shape in shapes.values())
    return _arrays(file, _read_checked(file, sha256, expected), shapes)


def _arrays(file: Path, content: bytes, shapes: dict[str, tuple[int, ...]]) -> dict[str, Float]:
    """Arrays from the bytes that were checked; `file` is for messages."""
    try:
        arrays = read_arrays(content)
    except ValueError as error:
        raise BundleError(
            f"{file}: cannot be read as an .npz archive ({error}); copy the bundle again, or write it with numpy.savez"
        ) from error
    missing, unknown = sorted(shapes.keys() - arrays), sorted(arrays.keys() - shapes)
    if missing or unknown:
        raise BundleError(
            f"{file}: the arrays do not fit {FACTS}: missing {missing or 'none'}, unknown {unknown or 'none'}"
        )
    for name, expected in shapes.items():
        array = arrays[name]
        if array.shape != expected or array.dtype not in (np.float16, np.float32):
            raise BundleError(
                f"{file}: {name} must be float16 or float32 {expected} to agree with {FACTS}, got {array.dtype} "
                f"{array.shape}"
            )
        if not np.isfinite(array).all():
            raise BundleError(f"{file}: {name} has values that are not finite; export the model again")
    return {name: np.ascontiguousarray(arrays[name], dtype=np.float32) for name in shapes}
