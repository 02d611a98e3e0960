"""A model bundle: a folder with the model's facts, its encoder and its decoder, checked before use."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from edgevtn._errors import BundleError

Float = npt.NDArray[np.float32]

FORMAT_VERSION = 1
FACTS, ENCODER, DECODER = "model.json", "encoder.onnx", "decoder.npz"
DEFAULT = Path(__file__).parent / "data" / "default"

# Nobody needs more than these, and whoever claims more should not make us allocate it.
LARGEST_FACTS = 4 * 2**20
LARGEST_ENCODER = 2 * 2**30
LIMITS = {
    "input_size": (32, 1024),
    "clip_len": (1, 1024),
    # At least one weight panel of the widest vector unit: 2 x 16 floats.
    "embed_dim": (32, 8192),
    "heads": (1, 256),
    "layers": (1, 64),
    "ffn_dim": (32, 32768),
}


@dataclass(frozen=True)
class Model:
    """The facts of a model, as `model.json` states them.

    Letters: S `input_size` (pixels), T `clip_len`, D `embed_dim`, A `heads`, L `layers`, F `ffn_dim`,
    K the number of `labels`.
    """

    name: str
    source: str
    license: str
    input_size: int
    color_order: str  # "RGB" or "BGR"
    mean: tuple[float, float, float]  # of pixel values 0 to 255, in color_order; inside the encoder already
    std: tuple[float, float, float]
    frame_rate: float  # Hz
    clip_len: int
    embed_dim: int
    heads: int
    layers: int
    ffn_dim: int
    attention_scale: float
    layer_norm: str  # "vtn" or "none"
    modality: str  # "rgb"
    labels: tuple[str, ...]
    quantization: dict[str, Any]
    accuracy: dict[str, Any]  # measured, with its protocol
    sha256: dict[str, str]


@dataclass(frozen=True)
class Bundle:
    """A checked bundle: facts, the encoder's bytes, the decoder's arrays."""

    path: Path
    model: Model
    encoder: bytes
    decoder: dict[str, Float]


def decoder_shapes(model: Model) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array in a `decoder.npz`; all are float16 or float32."""
    T, D, L, F, K = model.clip_len, model.embed_dim, model.layers, model.ffn_dim, len(model.labels)
    shapes: dict[str, tuple[int, ...]] = {
        "position": (T, D),
        "w_q": (L, D, D),
        "w_k": (L, D, D),
        "w_v": (L, D, D),
        "w_1": (L, D, F),
        "b_1": (L, F),
        "w_2": (L, F, D),
        "b_2": (L, D),
        "w_classes": (D, K),
        "b_classes": (K,),
    }
    if model.layer_norm == "vtn":
        shapes |= dict.fromkeys(("gain_1", "bias_1", "gain_2", "bias_2"), (L, D))
    return shapes


def load_bundle(path: str | Path | None = None) -> Bundle:
    """Read and check a bundle.

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
    folder = DEFAULT if path is None else Path(path)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise BundleError(f"{folder}: expected a bundle, a folder with {FACTS}; the path {what}")
    model = _read_facts(folder / FACTS)
    encoder = _read_checked(folder, ENCODER, model.sha256, LARGEST_ENCODER)
    # A float32 archive is at most its arrays, plus a header each.
    expected = sum(4 * math.prod(shape) + 1024 for shape in decoder_shapes(model).values())
    decoder = _read_checked(folder, DECODER, model.sha256, expected)
    return Bundle(folder, model, encoder, _read_decoder(folder / DECODER, decoder, model))


def _read_facts(file: Path) -> Model:
    def bad(reason: str) -> NoReturn:
        raise BundleError(f"{file}: {reason}")

    try:
        if file.stat().st_size > LARGEST_FACTS:
            bad(f"larger than {LARGEST_FACTS} bytes; this is not a bundle's facts")
        facts = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        bad("missing; a bundle is a folder with model.json, encoder.onnx and decoder.npz")
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        bad(f"cannot be read as JSON ({error})")
    if not isinstance(facts, dict):
        bad(f"expected a JSON object, got {type(facts).__name__}")
    version = facts.pop("format_version", None)
    if version != FORMAT_VERSION:
        bad(
            f"format_version is {version!r}, this edgevtn reads {FORMAT_VERSION}; "
            "upgrade edgevtn, or export the bundle again"
        )

    def fact(name: str, expected: str, accept: Callable[[Any], bool]) -> Any:
        if name not in facts:
            bad(f"{name} is missing; expected {expected}")
        value = facts.pop(name)
        if not accept(value):
            bad(f"{name} must be {expected}, got {json.dumps(value)[:80]}")
        return value

    def number(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

    def positive(value: Any) -> bool:
        return number(value) and value > 0

    def text(value: Any) -> bool:
        return isinstance(value, str) and bool(value)

    def one_of(name: str, *choices: str) -> str:
        return str(fact(name, " or ".join(map(repr, choices)), lambda value: value in choices))

    def size(name: str) -> int:
        low, high = LIMITS[name]
        return int(
            fact(
                name,
                f"a whole number from {low} to {high}",
                lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
            )
        )

    def triple(name: str, accept: Callable[[Any], bool]) -> tuple[float, float, float]:
        a, b, c = fact(
            name,
            "three numbers" if accept is number else "three numbers above 0",
            lambda value: isinstance(value, list) and len(value) == 3 and all(map(accept, value)),
        )
        return a, b, c

    model = Model(
        name=fact("name", "a text", text),
        source=fact("source", "a text", text),
        license=fact("license", "a text", text),
        input_size=size("input_size"),
        color_order=one_of("color_order", "RGB", "BGR"),
        mean=triple("mean", number),
        std=triple("std", positive),
        frame_rate=float(fact("frame_rate", "Hz, above 0 to 240", lambda value: positive(value) and value <= 240)),
        clip_len=size("clip_len"),
        embed_dim=size("embed_dim"),
        heads=size("heads"),
        layers=size("layers"),
        ffn_dim=size("ffn_dim"),
        attention_scale=float(fact("attention_scale", "a number above 0", positive)),
        layer_norm=one_of("layer_norm", "vtn", "none"),
        modality=one_of("modality", "rgb"),
        labels=tuple(
            fact(
                "labels",
                "a list of different texts",
                lambda value: (
                    isinstance(value, list) and bool(value) and all(map(text, value)) and len(set(value)) == len(value)
                ),
            )
        ),
        quantization=fact("quantization", "an object", lambda value: isinstance(value, dict)),
        accuracy=fact("accuracy", "an object", lambda value: isinstance(value, dict)),
        sha256=fact(
            "sha256",
            f"an object with the checksums of {ENCODER} and {DECODER}",
            lambda value: (
                isinstance(value, dict) and set(value) == {ENCODER, DECODER} and all(map(text, value.values()))
            ),
        ),
    )
    if facts:
        bad(f"unknown facts {sorted(facts)}; this edgevtn would ignore them, and the result might be wrong")
    if model.embed_dim % model.heads:
        bad(f"embed_dim {model.embed_dim} is not divisible by heads {model.heads}")
    return model


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
