"""`edgevtn run`: a source in; text, JSON lines, a video, a window, or other programs out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edgevtn.cli.detection import add_detection, detector
from edgevtn.cli.options import add_threads
from edgevtn.cli.outputs import add_outputs, outputs
from edgevtn.cli.service import Draining, Service
from edgevtn.pace import Pace
from edgevtn.prediction import Prediction
from edgevtn.recognizer import Recognizer
from edgevtn.region import Region
from edgevtn.sinks.base import Sink
from edgevtn.sources.live import Persistence
from edgevtn.watching import SMOOTHING

NAME, HELP = "run", "recognise actions in a video file, a folder of images, a camera or a URL"


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "source", nargs="*", metavar="SOURCE", help="path, camera index, or URL; several are watched at once"
    )
    parser.add_argument(
        "--config", metavar="FILE.toml",
        help="options by their names, and source, as in give-up = 60; the command line wins",
    )  # fmt: skip
    parser.add_argument(
        "--region", action="append", metavar="NAME=X0,Y0,X1,Y1",
        help="a rectangle to recognise by itself instead of the whole picture, in shares of its width and height: "
        "left, upper, right and lower edge, 0 to 1; its centre square is seen; several may be given, for every source",
    )  # fmt: skip
    parser.add_argument(
        "--model", action="append", metavar="BUNDLE",
        help="folder of a model bundle, or default; several may be given, and share what encoder they have in common",
    )  # fmt: skip
    flag = argparse.BooleanOptionalAction
    parser.add_argument("--json", action=flag, help="one JSON object a line for each prediction and event")
    parser.add_argument("--save", metavar="FILE.mp4", help="write an annotated video, too")
    parser.add_argument("--show", action=flag, help="show a window; needs the extra [gui]")
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
    parser.add_argument("--wait", action=flag, help="wait for a camera or stream that is not there yet, too")
    parser.add_argument(
        "--stillness", action=flag, default=True, help="encode nothing while nothing moves (default: yes)"
    )
    add_threads(parser)
    add_detection(parser)
    add_outputs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Watch until the sources end, `--seconds` have passed in them, SIGTERM comes, or the window is closed."""
    from edgevtn.sinks import Display, JsonLines, Origin, Text, Video
    from edgevtn.sources import Cameras
    from edgevtn.sources.open import source_name
    from edgevtn.watching import watch

    sources = arguments.source
    check_sources(arguments)
    regions = [Region.parse(text) for text in arguments.region or ()]
    models = arguments.model or [None]
    events, service = detector(arguments), Service()
    # The sources come first: a wrong name is told at once, not after the kernels have loaded.
    with (
        Draining() as draining,
        Cameras(
            sources if len(sources) > 1 else {"": sources[0]},
            frame_rate=arguments.frame_rate,
            patience=arguments.patience,
            give_up=arguments.give_up,
            wait=bool(arguments.wait),
            notify=say,
            pulse=service.alive,
        ) as cameras,
    ):
        origin = Origin(arguments.name or ("" if len(sources) > 1 else source_name(sources[0])), cameras)
        sinks: list[Sink] = [JsonLines(None, origin) if arguments.json else Text(name_models=len(models) > 1)]
        if arguments.save is not None:
            sinks.append(Video(arguments.save))
        if arguments.show:
            sinks.append(Display())
        sinks += outputs(arguments, origin)
        recognizer = Recognizer(
            models[0] if len(models) == 1 else models,
            threads=arguments.threads,
            smoothing=arguments.smoothing,
            unknown_below=arguments.unknown_below,
            stillness=arguments.stillness,
        )
        sinks.append(share := Share())
        if regions or len(sources) > 1:
            say(expense(recognizer, len(sources), max(1, len(regions))))
        draining.by(cameras.stop)
        service.ready()
        for _ in watch(
            cameras,
            sinks=sinks,
            recognizer=recognizer,
            detector=events,
            seconds=arguments.seconds,
            regions=regions,
            pace=Pace(say) if cameras.live else None,
        ):
            pass
        service.stopping()
        if share.reused and not arguments.json:  # programs count themselves, and read nothing else
            say(f"{share.reused} of {share.predictions} predictions needed no encoding: nothing had moved")


class Share(Sink):
    """Counts the predictions, and those for which nothing was encoded."""

    def __init__(self) -> None:
        self.predictions = self.reused = 0

    def prediction(self, prediction: Prediction) -> None:
        """Another one."""
        self.predictions += 1
        self.reused += prediction.reused


def say(sentence: str) -> None:
    """A line on stderr, whole whichever thread says it."""
    sys.stderr.write(f"edgevtn: {sentence}\n")
    sys.stderr.flush()


def check_sources(arguments: argparse.Namespace) -> None:
    """Raise ValueError if there is no source, or too many for what is wanted of them."""
    if not arguments.source:
        raise ValueError("expected at least one SOURCE, on the command line or in the file of --config")
    if len(arguments.source) > 1 and (arguments.save is not None or arguments.show or arguments.record is not None):
        count = len(arguments.source)
        raise ValueError(f"--save, --show and --record are for one source, got {count}; start one run for each")
    if arguments.save is not None and same_file(arguments.save, arguments.source[0]):
        raise ValueError(f"--save {arguments.save} is the source itself; give it another name")


def expense(recognizer: Recognizer, sources: int, regions: int) -> str:
    """What so many windows cost on this machine, in a sentence."""
    from edgevtn.views import cost

    seconds = cost(recognizer)
    wanted = max(model.frame_rate for model in recognizer.models.values())
    return (
        f"{1000 * seconds:.1f} ms a frame x {sources} sources x {regions} regions: at most "
        f"{1 / (seconds * sources * regions):.1f} frames a second of each; the model wants {wanted:g}"
    )


def same_file(target: str, source: str) -> bool:
    """Whether both are names of the same file, which is there."""
    try:
        return Path(target).samefile(source)
    except OSError:
        return False
