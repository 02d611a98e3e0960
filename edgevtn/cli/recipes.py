"""What `edgevtn train` and `edgevtn crossval` share: the dataset, and the recipe that the arguments ask for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from edgevtn.cli.options import add_dataset
from edgevtn.errors import ManifestError, require

if TYPE_CHECKING:
    from edgevtn.datasets import Clip

ENCODER_NAMES = {
    "lite0": "EfficientNet-Lite0",
    "lite1": "EfficientNet-Lite1",
    "lite2": "EfficientNet-Lite2",
    "mobilenetv2": "MobileNetV2",
    "resnet34": "ResNet-34",
}
TWO_STREAM = "two-stream"
#: What a message calls a setting that has an option alone.
OPTIONS = {"input_size": "--size"}
#: Fields of a recipe that have options of their own.
WITH_OPTIONS = ("encoder", "modality", "motion", "input_size")


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Arguments of both commands."""
    add_dataset(parser)
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--cache", metavar="DIR", help="keep the encoder's features here for the next time")
    parser.add_argument(
        "--encoder", default="lite0", choices=tuple(ENCODER_NAMES),
        help="with ImageNet weights (default: %(default)s); the last two are downloaded once",
    )  # fmt: skip
    parser.add_argument(
        "--modality", default="rgb", choices=("rgb", "rgbdiff", TWO_STREAM),
        help="what the encoder sees: frames, their differences, or an encoder for each (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--motion", choices=("none", "change", "size"),
        help="what the head also sees of frames: how features change, or how much (default: size)",
    )  # fmt: skip
    parser.add_argument(
        "--size", type=int, metavar="PIXELS",
        help="side of the pictures, such as 160, half the work of 224 (default: what the encoder was trained on)",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=float, metavar="HZ", help="frames a second that are looked at, such as 6.25 (default: 12.5)"
    )
    parser.add_argument(
        "--set", nargs="+", default=(), metavar="NAME=VALUE",
        help="anything else of the recipe, as frame_rate=6.25 window_len=32; see edgevtn.training.recipe",
    )  # fmt: skip


def recipes_for(modality: str, arguments: argparse.Namespace) -> list[Any]:
    """The recipe of each stream that the arguments ask for.

    Raises
    ------
    MissingExtraError
        pydantic is not installed.
    ValueError
        A setting is unknown, or not what is expected of it.
    """
    pydantic = require("pydantic", "training")
    from edgevtn.training.recipe import Recipe, complaint
    from edgevtn.training.train import recipes_of

    chosen: dict[str, Any] = {"encoder": arguments.encoder, "motion": arguments.motion}
    chosen |= {} if arguments.size is None else {"input_size": arguments.size}
    chosen |= {} if arguments.rate is None else {"frame_rate": arguments.rate}
    free = [name for name in Recipe.model_fields if name not in WITH_OPTIONS]
    for text in arguments.set:
        name, equals, value = text.partition("=")
        if name not in free or not equals:
            raise ValueError(f"--set {text}: expected NAME=VALUE with one of {', '.join(free)}")
        chosen[name] = value
    try:
        return recipes_of(modality, chosen)
    except pydantic.ValidationError as error:
        name, problem = complaint(error)
        setting = "" if name is None else f" {name}={chosen[name]}"
        option = OPTIONS.get(str(name), f"--set{setting}")
        raise ValueError(f"{option}: {problem}") from None


def of_several_labels(clips: list[Clip]) -> list[Clip]:
    """The clips.

    Raises
    ------
    ManifestError
        They have a single label: whatever is trained is right on all of them, and knows nothing.
    """
    labels = sorted({clip.label for clip in clips})
    if len(labels) < 2:
        raise ManifestError(
            f"expected clips of two labels or more, got {len(clips)} of {', '.join(labels)} alone; add clips of "
            "another action, or of nothing"
        )
    return clips
