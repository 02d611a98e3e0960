"""The facts of a model, read from a bundle's ``model.json`` and checked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgevtn.bundle.format1 import upgraded
from edgevtn.errors import BundleError
from edgevtn.facts import OBJECT, POSITIVE, TEXT, Fact, checked, choice, is_number, numbers, shown, size, texts
from edgevtn.heads import KINDS, HeadFacts
from edgevtn.heads.base import WIDTHS
from edgevtn.reading import read_regular

FORMAT_VERSION = 2
FACTS, ENCODER = "model.json", "encoder.onnx"
#: What the training's features were like, if the bundle says so; see `edgevtn.novelty`.
NOVELTY = "novelty.npz"
#: What an encoder sees: frames, or the differences of two.
RGB: Final = "rgb"
RGBDIFF: Final = "rgbdiff"
MODALITIES = (RGB, RGBDIFF)
#: What sees frames and differences, a stream of each.
TWO_STREAM: Final = "two-stream"
# Nobody needs more than these, and whoever claims more should not make us allocate it.
LARGEST_FACTS = 4 * 2**20
SIZES = (32, 1024)
#: Hz: no camera of this kind is faster, and no action takes minutes between two frames.
SLOWEST, FASTEST = 0.01, 240

MODEL_TABLE = {
    "name": TEXT,
    "source": TEXT,
    "license": TEXT,
    "labels": texts(),
    "frame_rate": Fact(f"Hz, {SLOWEST} to {FASTEST}", lambda value: is_number(value) and SLOWEST <= value <= FASTEST),
    "encoder": OBJECT,
    "head": OBJECT,
    "quantization": OBJECT,
    "accuracy": OBJECT,
    "sha256": OBJECT,
}
ENCODER_TABLE = {
    "modality": choice(*MODALITIES),
    "input_size": size(*SIZES),
    "color_order": choice("RGB", "BGR"),
    "mean": numbers(3),
    "std": numbers(3, positive=True),
    "width": size(*WIDTHS),
}


@dataclass(frozen=True)
class EncoderFacts:
    """What an encoder sees, and how much it gives.

    Attributes
    ----------
    modality : {"rgb", "rgbdiff"}
        "rgbdiff": it sees the difference of two sampled frames.
    input_size : int
        S, pixels.
    color_order : {"RGB", "BGR"}
    mean, std : tuple of float
        Normalisation of pixel values 0 to 255, in `color_order`. It is inside the encoder; these are for reading only.
    width : int
        W, features of a frame.
    sizes : tuple of int
        Other sides that the encoder takes as well, `input_size` among them; empty where it takes that alone.
    difference_interval : float, optional
        Seconds between the two frames, at most one over `frame_rate`; None where it sees frames.
    """

    modality: str
    input_size: int
    color_order: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    width: int
    sizes: tuple[int, ...] = ()
    difference_interval: float | None = None

    @classmethod
    def read(cls, facts: dict[str, Any], frame_rate: float, where: str) -> EncoderFacts:
        """Check the facts of a ``model.json``; `where` is for messages."""
        table = dict(ENCODER_TABLE)
        if "sizes" in facts:
            table["sizes"] = Fact(
                f"different sides from {SIZES[0]} to {SIZES[1]}, input_size among them",
                lambda value: _sizes(value, facts.get("input_size")),
            )
        if facts.get("modality") == RGBDIFF:
            longest = 1 / frame_rate
            table["difference_interval"] = Fact(
                f"seconds, above 0 to {longest:g}, one over frame_rate",
                lambda value: POSITIVE.accept(value) and value <= longest * (1 + 1e-9),
            )
        known = checked(facts, table, where)
        return cls(**known | {name: tuple(known[name]) for name in ("mean", "std", "sizes") if name in known})

    def to_dict(self) -> dict[str, Any]:
        """The facts as they stand in ``model.json``."""
        facts = {name: getattr(self, name) for name in ENCODER_TABLE}
        facts |= {"mean": list(self.mean), "std": list(self.std)}
        if self.sizes:
            facts["sizes"] = list(self.sizes)
        return facts if self.difference_interval is None else facts | {"difference_interval": self.difference_interval}


def _sizes(value: Any, own: Any) -> bool:
    fits = size(*SIZES).accept
    return isinstance(value, list) and all(map(fits, value)) and len(set(value)) == len(value) and own in value


@dataclass(frozen=True)
class Model:
    """The facts of a model of one stream, as ``model.json`` states them.

    Attributes
    ----------
    name, source, license : str
    labels : tuple of str
        K of them.
    frame_rate : float
        Hz, at which it sees frames.
    encoder : EncoderFacts
    head : HeadFacts
        Facts of one of `edgevtn.heads.KINDS`.
    quantization, accuracy : dict
        For people: what was done, what was measured and how.
    sha256 : dict of str to str
        Checksums of the encoder's and the head's file, and of ``novelty.npz`` if there is one.
    """

    name: str
    source: str
    license: str
    labels: tuple[str, ...]
    frame_rate: float
    encoder: EncoderFacts
    head: HeadFacts
    quantization: dict[str, Any]
    accuracy: dict[str, Any]
    sha256: dict[str, str]

    @property
    def window_duration(self) -> float:
        """Seconds from the first frame of a window to the last."""
        frames = self.head.window_len + (self.encoder.difference_interval is not None)
        return (frames - 1) / self.frame_rate

    def to_dict(self) -> dict[str, Any]:
        """The facts as they stand in ``model.json``, without the format's version and the checksums."""
        own = {name: getattr(self, name) for name in MODEL_TABLE if name != "sha256"}
        return own | {"labels": list(self.labels), "encoder": self.encoder.to_dict(), "head": self.head.to_dict()}


def read_json(file: Path) -> dict[str, Any]:
    """A bundle's facts as they stand there, brought to the present format.

    Raises
    ------
    BundleError
        The file is missing or no JSON object, or of a format that is not known.
    """
    try:
        facts = json.loads(read_regular(file, LARGEST_FACTS).decode("utf-8"))
    except FileNotFoundError:
        raise BundleError(
            f"{file}: missing; a bundle is a folder with {FACTS}, {ENCODER} and the head's weights"
        ) from None
    except OSError as error:
        raise BundleError(f"{file}: cannot be read as a bundle's facts ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{file}: cannot be read as JSON ({error})") from error
    if not isinstance(facts, dict):
        raise BundleError(f"{file}: expected a JSON object, got {type(facts).__name__}")
    version = facts.pop("format_version", None)
    if type(version) is int and version == 1:
        return upgraded(facts)
    if type(version) is not int or version != FORMAT_VERSION:
        raise BundleError(
            f"{file}: format_version is {shown(version)}, this edgevtn reads 1 and {FORMAT_VERSION}; upgrade edgevtn, "
            "or export the bundle again"
        )
    return facts


def _is_sum(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def read_model(file: Path) -> Model:
    """Read and check the facts of a model.

    Raises
    ------
    BundleError
        As `read_json`; or a fact is missing, unknown, or out of range.
    """
    facts = checked(read_json(file), MODEL_TABLE, str(file))
    encoder = EncoderFacts.read(facts["encoder"], facts["frame_rate"], f"{file}, encoder")
    own = dict(facts["head"])
    kind = own.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise BundleError(f"{file}, head: kind must be one of {', '.join(KINDS)}, got {shown(kind)}")
    head = KINDS[kind].read(own, encoder.width, len(facts["labels"]), f"{file}, head")
    sums = facts["sha256"]
    if set(sums) - {NOVELTY} != {ENCODER, head.file} or not all(map(_is_sum, sums.values())):
        raise BundleError(
            f"{file}: sha256 must be an object with the checksums of {ENCODER} and {head.file}, 64 hexadecimal digits, "
            f"and of {NOVELTY} where there is one"
        )
    known = {"labels": tuple(facts["labels"]), "frame_rate": float(facts["frame_rate"])}
    return Model(**facts | known | {"encoder": encoder, "head": head})
