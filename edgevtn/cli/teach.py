"""`edgevtn teach`: your own actions from a few clips, in seconds."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from edgevtn.cli.options import DATASET

AUTO = "auto"


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("examples", nargs="?", metavar="EXAMPLES", help=DATASET)
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("-o", "--output", metavar="MODEL", help="folder to write")
    target.add_argument("--add-to", metavar="MODEL", help="taught before: more clips or labels, without the old videos")
    parser.add_argument("--remove", metavar="LABEL", help="with --add-to: forget a label")
    parser.add_argument(
        "--nothing", action="append", metavar="CLIPS",
        help="video, or folder of videos, of what the camera sees while nobody does anything of this",
    )  # fmt: skip
    parser.add_argument(
        "--report", metavar="FILE.html",
        help="write the report as a page with pictures of your clips; the model has none; needs the extra [report]",
    )  # fmt: skip
    parser.add_argument(
        "--size", action="append", type=number_or_auto, metavar="PIXELS",
        help="side of the pictures that are looked at, such as 160, half the work of 224, which is the default; "
        "given several times, or auto for all that the encoder takes, the best by takes left out is chosen",
    )  # fmt: skip
    parser.add_argument(
        "--rate", action="append", type=number_or_auto, metavar="HZ",
        help="frames a second that are looked at: 12.5, 6.25 or 3.125 (default: 12.5 or 6.25); given several times, or "
        "auto for all three, the cheapest within a standard error of the best by takes left out is chosen",
    )  # fmt: skip
    parser.add_argument(
        "--modality", action="append", choices=("rgb", "two-stream", "movement"),
        help="two-stream: frames and the differences of two are looked at (default); movement: likewise, but "
        "differences count most, for what moves alike in any room, as falls do; rgb: frames alone, half the work; "
        "given several, the cheapest within a standard error of the best by takes left out is chosen",
    )  # fmt: skip
    parser.add_argument("--name", help="of the model (default: the folder's)")


def run(arguments: argparse.Namespace) -> None:
    """Teach, print the report, and say what to type next."""
    from edgevtn.teaching import Taught, teach
    from edgevtn.teaching.choose import EVERY_RATE

    if arguments.examples is None and not (arguments.add_to and arguments.remove):
        raise ValueError("expected clips to learn from: a folder with a folder of clips for each label")
    if arguments.remove and not arguments.add_to:
        raise ValueError("--remove goes with --add-to, which names the model")
    options = (("--size", arguments.size), ("--rate", arguments.rate), ("--modality", arguments.modality))
    for option, given in options:
        if given and arguments.add_to:
            raise ValueError(f"{option} is chosen when a model is taught first; teach it again with -o")
        if given and AUTO in given and len(given) > 1:
            raise ValueError(f"{option} auto means all that there are; expected it alone, or numbers")
    place = Path(arguments.output or arguments.add_to)
    if arguments.report:
        from edgevtn.teaching.page import check_page, write_page

        check_page(arguments.report, place)
    if arguments.add_to:
        model = Taught.load(place)
        if arguments.remove:
            model = model.remove(arguments.remove)
        if arguments.examples is not None:
            model = model.add(arguments.examples, nothing=arguments.nothing, progress=progress)
    else:
        model = teach(
            arguments.examples,
            nothing=arguments.nothing,
            sizes=sizes_for(arguments.size),
            rates=EVERY_RATE if arguments.rate == [AUTO] else arguments.rate,
            modalities=arguments.modality,
            progress=progress,
        )
    model.save(place, name=arguments.name or place.resolve().name)
    print(model.report)
    if arguments.report:
        write_page(model, arguments.report, arguments.name or place.resolve().name)
        print(f"\nwrote {arguments.report}; it has pictures of your clips inside, mind to whom you give it")
    print(f"\nwrote {place}; try: edgevtn run 0 --model {shlex.quote(str(place))}")


def number_or_auto(text: str) -> float | str:
    """A number above 0, or "auto"."""
    if text == AUTO:
        return text
    number = float(text)
    if not number > 0:
        raise ValueError(text)
    return number


def sizes_for(given: list[float | str] | None) -> list[int] | None:
    """Sides of pictures, pixels; for "auto" all that the bundled encoder takes."""
    from edgevtn.bundle import load_bundle

    if given == [AUTO]:
        return list(load_bundle().model.encoder.sizes)
    return None if given is None else [round(float(side)) for side in given]


def progress(done: int, total: int, clip: str) -> None:
    """A line that counts clips, on a terminal."""
    if sys.stderr.isatty():
        text = f"\r\033[K{done} of {total} clips, {Path(clip).name}" if done < total else "\r\033[K"
        print(text, end="", file=sys.stderr, flush=True)
