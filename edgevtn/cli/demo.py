"""`edgevtn demo`: the bundled model on the bundled clip, which is drawn."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from edgevtn.arrays import Frame
from edgevtn.cli.options import add_model
from edgevtn.sources import frames

CLIP = Path(__file__).parents[1] / "data" / "demo.mp4"
TRUTH = CLIP.with_suffix(".csv")


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("-o", "--output", default="edgevtn-demo", metavar="DIR", help="default: %(default)s")
    add_model(parser)


def ground_truth() -> list[tuple[float, float, str]]:
    """What the figure in the clip does: start, end (seconds), label."""
    with TRUTH.open(newline="", encoding="utf-8") as lines:
        return [(float(row["start"]), float(row["end"]), row["label"]) for row in csv.DictReader(lines)]


def run(arguments: argparse.Namespace) -> None:
    """Print the clip's timeline; write demo.mp4 and demo.png into the output folder."""
    from edgevtn.drawing import timeline_picture, write_png
    from edgevtn.errors import OutputError
    from edgevtn.recognizer import Recognizer
    from edgevtn.sinks import Video
    from edgevtn.sinks.text import timeline_line
    from edgevtn.watching import SMOOTHING, watch

    output = Path(arguments.output)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{output}: cannot be made a folder ({error}); choose another with --output") from error
    print("The clip is drawn by code: a jointed figure walks, waves, bends, does jumping jacks and runs.")
    recognizer = Recognizer(
        arguments.model, threads=arguments.threads, start="repeat", smoothing=SMOOTHING, engine=arguments.engine
    )
    clock = Clock()
    events = watch(CLIP, sinks=[clock, Video(output / "demo.mp4")], recognizer=recognizer)
    timeline = [event for event in events if event.end is not None]
    print("\nrecognised")
    for event in timeline:
        print(timeline_line(event))
    print("\ndrawn")
    for start, end, label in ground_truth():
        print(f"{start:7.2f} - {end:6.2f} s  {label}")
    shots = frames_at([(event.start + (event.end or 0.0)) / 2 for event in timeline])
    write_png(output / "demo.png", timeline_picture(timeline, shots, clock.now))
    print(f"\nwrote {output / 'demo.mp4'} and {output / 'demo.png'}")


class Clock:
    """A sink that knows the time of the last frame, seconds."""

    now = 0.0

    def frame(self, frame: object, timestamp: float) -> None:
        self.now = timestamp


def frames_at(moments: list[float]) -> list[Frame]:
    """The clip's frames at ascending times, seconds; read again, because to keep them all takes 76 MB."""
    shots: list[Frame] = []
    with frames(CLIP) as source:
        for timestamp, frame in source:
            while len(shots) < len(moments) and timestamp >= moments[len(shots)]:
                shots.append(frame)
    return shots
