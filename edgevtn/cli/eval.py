"""`edgevtn eval`: accuracy of a bundle on labelled clips."""

from __future__ import annotations

import argparse

from edgevtn.cli.options import add_dataset, add_model
from edgevtn.errors import require


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_dataset(parser)
    parser.add_argument("--png", metavar="FILE", help="draw the confusion matrix; needs the extra [plots]")
    add_model(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print accuracy, classes, confusion and mistakes."""
    from edgevtn.datasets import TEST, evaluate, read_dataset
    from edgevtn.recognizer import Recognizer

    if arguments.png:
        require("matplotlib", "plots")  # before the work, not after it
    clips = read_dataset(arguments.dataset, arguments.split)
    # Where a dataset has a published split, the model was trained on the other part of it.
    clips = [clip for clip in clips if clip.fold == TEST] or clips
    recognizer = Recognizer(arguments.model, threads=arguments.threads, start="repeat", engine=arguments.engine)
    result = evaluate(recognizer, clips)
    print(result)
    if result.mistakes:
        print(result.mistaken())
    if arguments.png:
        result.save_png(arguments.png)
        print(f"\nwrote {arguments.png}")
