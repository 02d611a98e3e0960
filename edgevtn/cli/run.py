"""`edgevtn run`: a source in; text, JSON lines, a video or a window out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edgevtn.cli.options import add_threads
from edgevtn.sources.live import Persistence
from edgevtn.watching import SMOOTHING

NAME, HELP = "run", "recognise actions in a video file, a folder of images, a camera or a URL"


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("source", metavar="SOURCE", help="path, camera index, or URL")
    parser.add_argument(
        "--model", action="append", metavar="BUNDLE",
        help="folder of a model bundle, or default; several may be given, and share what encoder they have in common",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object a line for each prediction and event")
    parser.add_argument("--save", metavar="FILE.mp4", help="write an annotated video, too")
    parser.add_argument("--show", action="store_true", help="show a window; needs the extra [gui]")
    parser.add_argument("--frame-rate", type=float, metavar="HZ", help="of a folder of images (default: 25)")
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after so much of the source; above 0")
    parser.add_argument(
        "--smoothing", type=float, default=SMOOTHING, metavar="S", help="time constant, seconds (default: %(default)s)"
    )
    parser.add_argument(
        "--unknown-below",
        type=float,
        metavar="P",
        help="probability, of single predictions; events have thresholds of their own (default: the model's)",
    )
    parser.add_argument(
        "--patience", type=float, default=Persistence.patience, metavar="S",
        help="seconds without a new picture until a camera or stream counts as lost (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--give-up", type=float, metavar="S", help="seconds until a lost one is an error; 0: at once (default: never)"
    )
    parser.add_argument("--wait", action="store_true", help="wait for a camera or stream that is not there yet, too")
    add_threads(parser)


def run(arguments: argparse.Namespace) -> None:
    """Watch until the source ends, `--seconds` have passed in it, or the window is closed."""
    from edgevtn.recognizer import Recognizer
    from edgevtn.sinks import Display, JsonLines, Sink, Text, Video
    from edgevtn.sources import Camera
    from edgevtn.watching import watch

    if arguments.save is not None and same_file(arguments.save, arguments.source):
        raise ValueError(f"--save {arguments.save} is the source itself; give it another name")
    models = arguments.model or [None]
    sinks: list[Sink] = [JsonLines() if arguments.json else Text(name_models=len(models) > 1)]
    if arguments.save is not None:
        sinks.append(Video(arguments.save))
    if arguments.show:
        sinks.append(Display())
    # The source comes first: a wrong name is told at once, not after the kernels have loaded.
    with Camera(
        arguments.source,
        frame_rate=arguments.frame_rate,
        patience=arguments.patience,
        give_up=arguments.give_up,
        wait=arguments.wait,
        notify=lambda sentence: print(f"edgevtn: {sentence}", file=sys.stderr, flush=True),
    ) as source:
        recognizer = Recognizer(
            models[0] if len(models) == 1 else models,
            threads=arguments.threads,
            smoothing=arguments.smoothing,
            unknown_below=arguments.unknown_below,
        )
        for _ in watch(source, sinks=sinks, recognizer=recognizer, seconds=arguments.seconds):
            pass


def same_file(target: str, source: str) -> bool:
    """Whether both are names of the same file, which is there."""
    try:
        return Path(target).samefile(source)
    except OSError:
        return False
