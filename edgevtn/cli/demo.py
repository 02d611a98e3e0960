"""`edgevtn demo`: a drawn figure, real people, or what one's own camera sees."""

from __future__ import annotations

import argparse
import csv
import shlex
from pathlib import Path

from edgevtn.cli.options import add_model

CLIP = Path(__file__).parents[1] / "data" / "demo.mp4"
TRUTH = CLIP.with_suffix(".csv")
NEXT = """
next
  edgevtn demo --camera                      your own camera: two actions of yours, in a minute
  edgevtn record takes --label wave          record takes of an action; then the same with another label
  edgevtn teach takes -o mine                teach them, in seconds
  edgevtn run 0 --model mine                 recognise them
  edgevtn serve 0 --model mine               the same as a page in the browser; needs the extra [serve]"""


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("-o", "--output", default="edgevtn-demo", metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--camera", nargs="?", const="0", metavar="SOURCE",
        help="your own camera: two actions are recorded, taught and recognised (default: 0, the first camera)",
    )  # fmt: skip
    add_model(parser)


def ground_truth() -> list[tuple[float, float, str]]:
    """What the figure in the clip does: start, end (seconds), label."""
    with TRUTH.open(newline="", encoding="utf-8") as lines:
        return [(float(row["start"]), float(row["end"]), row["label"]) for row in csv.DictReader(lines)]


def run(arguments: argparse.Namespace) -> None:
    """Print timelines; write videos, pictures and the taught model into the output folder."""
    from edgevtn.errors import OutputError

    output = Path(arguments.output)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{output}: cannot be made a folder ({error}); choose another with --output") from error
    print("edgevtn says what people do in a video or before a camera, as it happens, on a small computer's CPU.")
    if arguments.camera is not None:
        from edgevtn.cli.own import try_camera

        try_camera(arguments.camera, output, arguments.threads, arguments.engine)
        return
    drawn(arguments, output)
    people(arguments, output)
    print(NEXT)


def drawn(arguments: argparse.Namespace, output: Path) -> None:
    """The bundled model, or another, on the bundled clip."""
    from edgevtn.cli.showing import shown
    from edgevtn.defaults import SMOOTHING
    from edgevtn.recognizer import Recognizer
    from edgevtn.sinks.text import timeline_line

    print("\n1. A drawn figure, and the model that comes with edgevtn. It knows nine movements.\n")
    print("The clip is drawn by code: a jointed figure walks, waves, bends, does jumping jacks and runs.")
    recognizer = Recognizer(arguments.model, threads=arguments.threads, smoothing=SMOOTHING, engine=arguments.engine)
    timeline, files = shown(CLIP, output / "demo", recognizer)
    print("\nrecognised")
    for event in timeline:
        print(timeline_line(event))
    print("\ndrawn")
    for start, end, label in ground_truth():
        print(f"{start:7.2f} - {end:6.2f} s  {label}")
    print(f"\nwrote {', '.join(map(str, files))}")


def people(arguments: argparse.Namespace, output: Path) -> None:
    """A model that is taught on one person and asked about another."""
    from edgevtn.cli.people import recognise_people, teach_people

    print("\n2. Real people, and a model that is taught now, on two clips of one person who falls.")
    print("It is then asked about two clips of another person in the same room, of which it has seen nothing.")
    print("So few clips show that teaching works. They make no fall alarm: in other rooms it finds no fall.\n")
    model = output / "falls"
    print(teach_people(model, arguments.threads))
    files = recognise_people(model, output, arguments.threads, arguments.engine)
    print(f"\nwrote {model}, {', '.join(map(str, files))}")
    print(f"again: {shlex.join(['edgevtn', 'run', str(output / 'people-1-clean.mp4'), '--model', str(model)])}")
    print("The people are of GMDCSA-24, copyright 2024 Ekram Alam, MIT licence; see NOTICE.")
