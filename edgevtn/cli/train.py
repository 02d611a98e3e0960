"""`edgevtn train`: from labelled clips to a bundle."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from edgevtn.cli.recipes import ENCODER_NAMES, add_recipe, recipes_for
from edgevtn.errors import require

NAME, HELP = "train", "train a bundle on labelled clips; needs the extra [training]"


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_recipe(parser)
    parser.add_argument("-o", "--output", required=True, metavar="BUNDLE", help="folder to write")
    parser.add_argument("--name", help="of the model (default: the folder's)")
    parser.add_argument("--license", default="unstated", help="under which the weights may be passed on")
    parser.add_argument("--crossval", metavar="FILE.json", help="measured accuracy to state, from edgevtn crossval")
    parser.add_argument(
        "--teacher", nargs="+", default=(), metavar="PLACE", help="bundles or .pth checkpoints to learn from, too"
    )
    parser.add_argument("--validation", metavar="FOLD", help="do not train on this fold; stop when it gets no better")
    parser.add_argument(
        "--tune", metavar="N", default="0", help="train the encoder's last N convolutions, too, or all (default: 0)"
    )
    parser.add_argument("--resume", action="store_true", help="go on where a run was stopped")


def run(arguments: argparse.Namespace) -> None:
    """Train, and say where the bundle is."""
    require("torch", "training")
    from edgevtn.datasets import TEST, TRAIN, read_dataset
    from edgevtn.training.learn import distributed
    from edgevtn.training.streams import Facts
    from edgevtn.training.train import train

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
        shlex.join(["edgevtn", *sys.argv[1:]]),
    )
    with distributed.processes():
        train(
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
