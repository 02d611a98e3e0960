"""`edgevtn train` and `edgevtn crossval`: their arguments, and what they print."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgevtn.datasets.evaluate import Evaluation
from edgevtn.datasets.layouts import TEST, TRAIN, read_dataset
from edgevtn.errors import require
from edgevtn.files import write_whole

ENCODER_NAMES = {
    "lite0": "EfficientNet-Lite0",
    "lite1": "EfficientNet-Lite1",
    "lite2": "EfficientNet-Lite2",
    "mobilenetv2": "MobileNetV2",
    "resnet34": "ResNet-34",
}
#: Fields of a recipe that have options of their own.
WITH_OPTIONS = ("encoder", "modality", "motion")
#: Adds a command: its name, its function, its description.
Adder = Callable[[str, Callable[[argparse.Namespace], None], str], argparse.ArgumentParser]


def add_training(command: Adder, dataset: str) -> None:
    """Add both commands to a parser; `dataset` describes the argument of that name."""

    def common(added: argparse.ArgumentParser) -> None:
        added.add_argument("dataset", metavar="DATASET", help=dataset)
        added.add_argument("--split", type=int, default=1, choices=(1, 2, 3), help="of UCF-101 or HMDB-51 (default: 1)")
        added.add_argument("--seed", type=int, default=0)
        added.add_argument("--cache", metavar="DIR", help="keep the encoder's features here for the next time")
        added.add_argument(
            "--encoder", default="lite0", choices=tuple(ENCODER_NAMES),
            help="with ImageNet weights (default: %(default)s); the last two are downloaded once",
        )  # fmt: skip
        added.add_argument(
            "--modality", default="rgb", choices=("rgb", "rgbdiff", "two-stream"),
            help="what the encoder sees: frames, their differences, or an encoder for each (default: %(default)s)",
        )  # fmt: skip
        added.add_argument("--motion", action="store_true", help="let the decoder see changes of embeddings, too")
        added.add_argument(
            "--set", nargs="+", default=(), metavar="NAME=VALUE",
            help="anything else of the recipe, as frame_rate=6.25 window_len=32; see edgevtn.training.recipe",
        )  # fmt: skip

    added = command("train", train, "train a bundle on labelled clips; needs the extra [training]")
    common(added)
    added.add_argument("-o", "--output", required=True, metavar="BUNDLE", help="folder to write")
    added.add_argument("--name", help="of the model (default: the folder's)")
    added.add_argument("--license", default="unstated", help="under which the weights may be passed on")
    added.add_argument("--crossval", metavar="FILE.json", help="measured accuracy to state, from edgevtn crossval")
    added.add_argument(
        "--teacher", nargs="+", default=(), metavar="PLACE", help="bundles or .pth checkpoints to learn from, too"
    )
    added.add_argument("--validation", metavar="FOLD", help="do not train on this fold; stop when it gets no better")
    added.add_argument(
        "--tune", metavar="N", default="0", help="train the encoder's last N convolutions, too, or all (default: 0)"
    )
    added.add_argument("--resume", action="store_true", help="go on where a run was stopped")

    added = command("crossval", crossval, "cross-validate on the folds of a manifest; needs the extra [training]")
    common(added)
    added.add_argument(
        "--distill", action="store_true", help="learn from a two-stream model, trained on the same folds first"
    )
    added.add_argument("--early-stopping", action="store_true", help="the next fold decides when to stop")
    added.add_argument("--json", metavar="FILE", help="write the result for edgevtn train --crossval")
    added.add_argument("--png", metavar="FILE", help="draw the confusion matrix; needs the extra [plots]")


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
        raise ValueError(f"--set{setting}: {problem}") from None


def train(arguments: argparse.Namespace) -> None:
    require("torch", "training")
    from edgevtn.training.learn import distributed
    from edgevtn.training.streams import Facts
    from edgevtn.training.train import train as train_bundle

    output = Path(arguments.output)
    tuned = None if arguments.tune == "all" else whole_number(arguments.tune, "--tune")
    accuracy = measured(arguments.crossval) if arguments.crossval else {}
    clips = read_dataset(arguments.dataset, arguments.split)
    if {clip.fold for clip in clips} == {TRAIN, TEST}:
        clips = [clip for clip in clips if clip.fold == TRAIN]
    data = Path(arguments.dataset).resolve()
    data = data.parent if data.is_file() else data
    recipes = recipes_for(arguments.modality, arguments)
    sources = [data.name, "drawn figures"] if recipes[0].drawn else [data.name]
    facts = Facts(
        arguments.name or output.name,
        f"{ENCODER_NAMES[arguments.encoder]} (ImageNet); trained on {' and '.join(sources)}",
        arguments.license,
        sorted({clip.label for clip in clips}),
        accuracy,
    )
    with distributed.processes():
        train_bundle(
            clips,
            output,
            facts,
            recipes,
            seed=arguments.seed,
            cache=Path(arguments.cache) if arguments.cache else None,
            teachers=arguments.teacher,
            validation=arguments.validation,
            tuned=tuned,
            resume=arguments.resume,
            command=shlex.join(["edgevtn", *sys.argv[1:]]),
        )
        if distributed.first():
            print(f"wrote {output}; try: edgevtn run SOURCE --model {output}")


def whole_number(text: str, option: str) -> int:
    """A number of 0 or more."""
    if not text.isdigit():
        raise ValueError(f"{option} must be a number of convolutions, or all, got {text!r}")
    return int(text)


def measured(file: str) -> dict[str, Any]:
    """What `edgevtn crossval --json` wrote."""
    try:
        facts = json.loads(Path(file).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: cannot be read as JSON from edgevtn crossval ({error})") from error
    if not isinstance(facts, dict):
        raise ValueError(f"{file}: expected a JSON object from edgevtn crossval, got {type(facts).__name__}")
    return facts


def crossval(arguments: argparse.Namespace) -> None:
    require("torch", "training")
    if arguments.png:
        require("matplotlib", "plots")
    from edgevtn.training.crossval import PROTOCOL
    from edgevtn.training.crossval import crossval as over_folds

    recipes = recipes_for(arguments.modality, arguments)
    teachers = recipes_for("two-stream", arguments) if arguments.distill else ()
    result = over_folds(
        read_dataset(arguments.dataset, arguments.split),
        recipes,
        arguments.seed,
        Path(arguments.cache) if arguments.cache else None,
        teachers=teachers,
        early_stopping=arguments.early_stopping,
    )
    print(result)
    print_mistakes(result)
    if arguments.json:
        low, high = result.interval()
        facts: dict[str, Any] = {
            "protocol": PROTOCOL,
            "clips": int(result.confusion.sum()),
            "accuracy": round(result.accuracy, 4),
            "interval": [round(low, 4), round(high, 4)],
            "mean of the classes": round(result.mean_recall, 4),
            "single windows": round(result.window_accuracy, 4),
            "seed": arguments.seed,
        }
        write_whole(arguments.json, (json.dumps(facts, indent=1) + "\n").encode())
    if arguments.png:
        result.save_png(arguments.png)


def print_mistakes(result: Evaluation) -> None:
    if result.mistakes:
        print("\nmistaken:")
        for path, label, said in result.mistakes:
            print(f"  {path.parent.name}/{path.name}: {label}, recognised as {said}")
