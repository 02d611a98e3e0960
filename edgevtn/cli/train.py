"""`edgevtn train`: from labelled clips to a bundle."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from edgevtn.cli.recipes import ENCODER_NAMES, add_recipe, of_several_labels, recipes_for
from edgevtn.errors import ManifestError, require
from edgevtn.reading import read_text

if TYPE_CHECKING:
    from edgevtn.datasets import Clip
    from edgevtn.training.recipe import Recipe


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_recipe(parser)
    parser.add_argument("-o", "--output", required=True, metavar="BUNDLE", help="folder to write")
    parser.add_argument("--name", help="of the model (default: the folder's)")
    parser.add_argument("--license", default="unstated", help="under which the weights may be passed on")
    parser.add_argument(
        "--crossval", metavar="FILE.json",
        help="measured accuracy to state, from edgevtn crossval (default: a first run is measured on a fold left out)",
    )  # fmt: skip
    parser.add_argument("--no-measure", action="store_true", help="no first run: half of the time, and nothing known")
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
    every = clips = of_several_labels(read_dataset(arguments.dataset, arguments.split))
    if {clip.fold for clip in clips} == {TRAIN, TEST}:
        clips = [clip for clip in clips if clip.fold == TRAIN]
    data = Path(arguments.dataset).resolve()
    data = data.parent if data.is_file() else data
    recipes = recipes_for(arguments.modality, arguments)
    sources = [data.name, "drawn figures"] if recipes[0].drawn else [data.name]
    cache = Path(arguments.cache) if arguments.cache else None
    with ExitStack() as stack:
        stack.enter_context(distributed.processes())
        # Another run, of a teacher's student or of a whole encoder, would take hours, and says what it needs itself.
        plain = tuned == 0 and not arguments.teacher and arguments.validation is None
        if distributed.first() and plain and not accuracy and not arguments.no_measure:
            if cache is None:  # two runs on the same features
                cache = Path(stack.enter_context(TemporaryDirectory()))
            accuracy = measured_once(every, recipes, arguments.seed, cache)
        facts = Facts(
            arguments.name or output.name,
            f"{ENCODER_NAMES[arguments.encoder]} (ImageNet); trained on {' and '.join(sources)}",
            arguments.license,
            sorted({clip.label for clip in clips}),
            accuracy,
            shlex.join(["edgevtn", *sys.argv[1:]]),
        )
        train(
            clips,
            output,
            facts,
            recipes,
            seed=arguments.seed,
            cache=cache,
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


def measured_once(clips: Sequence[Clip], recipes: Sequence[Recipe], seed: int, cache: Path) -> dict[str, Any]:
    """Accuracy on a fold that a first run does not see, told beside what teaching reaches, for the model card."""
    from edgevtn.training.crossval import crossval
    from edgevtn.training.folds import with_folds
    from edgevtn.training.held_out import taught_recall, tested_fold

    counts = Counter(clip.label for clip in clips)
    print(", ".join(f"{label} {count}" for label, count in sorted(counts.items())), flush=True)
    try:
        folded, how = with_folds(clips)
        fold = tested_fold(folded)
        rest = sum(clip.fold != fold for clip in folded)
        print(f"{how}; measured on fold {fold}, trained without it on {rest} clips first", flush=True)
        result = crossval(folded, recipes, seed, cache, tested=[fold])
        linear = taught_recall(folded, fold)
    except ManifestError as error:
        print(f"not measured: {error}", flush=True)
        return {}
    low, high = result.interval()
    print(result)
    worse = linear > result.mean_recall
    verdict = "better than this model, and cheaper: rather teach" if worse else "not better"
    print(f"edgevtn teach reaches {linear:.1%} as the mean of the classes on the same clips: {verdict}", flush=True)
    return {
        "protocol": f"fold {fold} left out of a first run; the model itself was then trained on what the card says",
        "clips": int(result.confusion.sum()),
        "accuracy": round(result.accuracy, 4),
        "interval": [round(low, 4), round(high, 4)],
        "mean of the classes": round(result.mean_recall, 4),
        "single windows": round(result.window_accuracy, 4),
        "mean of the classes with edgevtn teach": round(linear, 4),
        "seed": seed,
    }


def measured(file: str) -> dict[str, Any]:
    """What `edgevtn crossval --json` wrote."""
    try:
        facts = json.loads(read_text(file))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{file}: cannot be read as JSON from edgevtn crossval ({error})") from error
    if not isinstance(facts, dict):
        raise ValueError(f"{file}: expected a JSON object from edgevtn crossval, got {type(facts).__name__}")
    return facts
