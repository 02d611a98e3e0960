"""The facts of a model, read from a bundle's `model.json` and checked."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from edgevtn.errors import BundleError

FORMAT_VERSION = 1
FACTS, ENCODER, DECODER, ONNX_DECODER = "model.json", "encoder.onnx", "decoder.npz", "decoder.onnx"

# Nobody needs more than these, and whoever claims more should not make us allocate it.
LARGEST_FACTS = 4 * 2**20
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
    heads: int  # this and the next four: 0 and "" where the decoder is an ONNX graph
    layers: int
    ffn_dim: int
    attention_scale: float
    layer_norm: str  # "vtn" or "none"
    modality: str  # "rgb", or "rgbdiff": the encoder sees the difference of two sampled frames
    motion: bool  # the encoder gives (1, 2 D): [u, v], of which the window takes u_t - v_(t-1)
    labels: tuple[str, ...]
    quantization: dict[str, Any]
    accuracy: dict[str, Any]  # measured, with its protocol
    sha256: dict[str, str]
    difference_interval: float = 0.0  # "rgbdiff": seconds between the two frames, at most one slot


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


def read_json(file: Path) -> dict[str, Any]:
    """A bundle's facts as they stand there, after a check of the format version."""

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
    return facts


def read_facts(file: Path) -> Model:
    """Read and check the facts of a model.

    Raises
    ------
    BundleError
        The file is missing or no JSON object, or a fact is missing, unknown, or out of range.
    """
    facts = read_json(file)

    def bad(reason: str) -> NoReturn:
        raise BundleError(f"{file}: {reason}")

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

    checksums = facts.get("sha256")
    frame_rate = float(fact("frame_rate", "Hz, above 0 to 240", lambda value: positive(value) and value <= 240))
    modality = one_of("modality", "rgb", "rgbdiff")
    difference_interval = 0.0
    if modality == "rgbdiff":
        # A fact of its own only where it is less than a slot: most models compare one slot's frame with the last one's.
        facts.setdefault("difference_interval", 1 / frame_rate)
        expected = f"seconds, above 0 to {1 / frame_rate:g}, one over frame_rate"
        difference_interval = float(
            fact("difference_interval", expected, lambda value: positive(value) and value <= 1 / frame_rate)
        )
    native = not (isinstance(checksums, dict) and ONNX_DECODER in checksums)
    model = Model(
        name=fact("name", "a text", text),
        source=fact("source", "a text", text),
        license=fact("license", "a text", text),
        input_size=size("input_size"),
        color_order=one_of("color_order", "RGB", "BGR"),
        mean=triple("mean", number),
        std=triple("std", positive),
        frame_rate=frame_rate,
        clip_len=size("clip_len"),
        embed_dim=size("embed_dim"),
        heads=size("heads") if native else 0,
        layers=size("layers") if native else 0,
        ffn_dim=size("ffn_dim") if native else 0,
        attention_scale=float(fact("attention_scale", "a number above 0", positive)) if native else 0.0,
        layer_norm=one_of("layer_norm", "vtn", "none") if native else "",
        modality=modality,
        difference_interval=difference_interval,
        motion=fact("motion", "true or false", lambda value: isinstance(value, bool)),
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
            f"an object with the checksums of {ENCODER} and {DECODER} (or {ONNX_DECODER})",
            lambda value: (
                isinstance(value, dict)
                and set(value) == {ENCODER, DECODER if native else ONNX_DECODER}
                and all(map(text, value.values()))
            ),
        ),
    )
    if facts:
        bad(f"unknown facts {sorted(facts)}; this edgevtn would ignore them, and the result might be wrong")
    if native and model.embed_dim % model.heads:
        bad(f"embed_dim {model.embed_dim} is not divisible by heads {model.heads}")
    return model
