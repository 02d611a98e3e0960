"""`edgevtn run`: a source in; text, JSON lines, a video, a window, or other programs out."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgevtn.budget import Budget
from edgevtn.cli.detection import add_detection, detector
from edgevtn.cli.options import add_budget, add_engine, add_threads
from edgevtn.cli.outputs import add_outputs, outputs
from edgevtn.cli.regions import add_regions, expense, regions
from edgevtn.cli.reload import Reload
from edgevtn.cli.service import Draining, Service
from edgevtn.errors import EdgeVTNError
from edgevtn.pace import Pace
from edgevtn.prediction import Prediction
from edgevtn.recognizer import Recognizer
from edgevtn.region import Region
from edgevtn.sinks import Video
from edgevtn.sinks.base import Sink, as_sink
from edgevtn.sources.live import Persistence
from edgevtn.unknown import Unknown
from edgevtn.watching import SMOOTHING

if TYPE_CHECKING:
    from edgevtn.teaching.lessons import Lessons


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "source", nargs="*", metavar="SOURCE", help="path, camera index, or URL; several are watched at once"
    )
    parser.add_argument(
        "--config", metavar="FILE.toml",
        help="options by their names, and source, as in give-up = 60; the command line wins",
    )  # fmt: skip
    add_regions(parser)
    parser.add_argument(
        "--model", action="append", metavar="BUNDLE",
        help="folder of a model bundle, or default; several may be given, and share what encoder they have in common",
    )  # fmt: skip
    flag = argparse.BooleanOptionalAction
    parser.add_argument("--json", action=flag, help="one JSON object a line for each prediction and event")
    parser.add_argument("--save", "--overlay", metavar="FILE.mp4", help="write an annotated video, too")
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
    add_engine(parser)
    add_budget(parser)
    add_detection(parser)
    add_outputs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Watch until the sources end, `--seconds` have passed in them, SIGTERM comes, or the window is closed.

    SIGHUP begins anew with what the file of `--config` says then. Where that cannot be begun, the old one is again.
    """
    service, before = Service(), list[argparse.Namespace]()

    def ready() -> None:
        before.clear()
        service.ready()

    def pulse() -> bool:
        service.alive()
        return reload.due()

    with Draining() as draining, Reload(arguments.reread, check, say) as reload:
        now: argparse.Namespace | None = arguments
        while now is not None and not draining.asked:
            draining.by(None)
            try:
                watch_once(now, draining, pulse, ready)
            except (EdgeVTNError, ValueError, OSError) as error:
                if not before:
                    raise
                say(f"{error}; the old configuration is used again")
                now = before.pop()
                continue
            later = reload.take()
            if later is not None:
                before.append(now)
                service.reloading()
            now = later
        service.stopping()


def watch_once(
    arguments: argparse.Namespace, draining: Draining, pulse: Callable[[], bool], ready: Callable[[], object]
) -> None:
    """Watch, with `ready` called when it begins, until `pulse` says that there are other arguments."""
    from edgevtn.sinks import Display, JsonLines, Origin, Text
    from edgevtn.sources import Cameras
    from edgevtn.sources.secret import source_name
    from edgevtn.watching import watch

    sources = arguments.source
    check(arguments)
    lessons = teaching(arguments)
    taught = [str(lessons.model)] if lessons is not None and lessons.model.is_dir() else [None]
    models = arguments.model or taught
    # The sources come first: a wrong name is told at once, not after the kernels have loaded.
    with (
        Cameras(
            sources if len(sources) > 1 else {"": sources[0]},
            frame_rate=arguments.frame_rate,
            patience=arguments.patience,
            give_up=arguments.give_up,
            wait=bool(arguments.wait),
            notify=say,
            pulse=lambda: cameras.stop() if pulse() else None,
        ) as cameras,
        contextlib.ExitStack() as undo,
    ):
        wanted = regions(arguments.region, sources, cameras.names)
        origin = Origin(arguments.name or ("" if len(sources) > 1 else source_name(sources[0])), cameras)
        sinks: list[Sink] = [JsonLines(None, origin) if arguments.json else Text(name_models=len(models) > 1)]
        if arguments.save is not None:
            sinks.append(saving(arguments.save, sources, cameras.names))
        if arguments.show:
            sinks.append(Display())
        if lessons is not None:
            sinks.append(lessons)
        sinks += outputs(arguments, origin, lessons)
        sinks.append(share := Share())
        sinks.append(as_sink(Unknown(say, print_record if arguments.json else None, live=cameras.live)))
        for sink in sinks:
            undo.callback(sink.close)
        recognizer = load(models[0] if len(models) == 1 else models, arguments)
        if wanted or len(sources) > 1:
            say(expense(recognizer, cameras.names, wanted))
        draining.by(cameras.stop)
        ready()
        undo.pop_all()  # they are closed by `watch` from here on
        for _ in watch(
            cameras,
            sinks=sinks,
            recognizer=recognizer,
            detector=detector(arguments),
            seconds=arguments.seconds,
            regions=wanted,
            successor=None if lessons is None else lessons.successor,
            pace=pace(arguments, recognizer) if cameras.live else None,
        ):
            pass
        if share.reused and not arguments.json:  # programs count themselves, and read nothing else
            say(f"{share.reused} of {share.predictions} predictions needed no encoding: nothing had moved")


def load(model: Any, arguments: argparse.Namespace) -> Recognizer:
    """The recogniser of one or several bundles, as the options want it."""
    return Recognizer(
        model,
        threads=arguments.threads,
        smoothing=arguments.smoothing,
        unknown_below=arguments.unknown_below,
        stillness=arguments.stillness,
        engine=arguments.engine,
    )


def pace(arguments: argparse.Namespace, recognizer: Recognizer) -> Pace:
    """What lowers the rate where the processor, or the budget for it, is too small."""
    shortest = min(model.head.window_len for model in recognizer.models.values())
    budget = None if arguments.cpu_budget is None else Budget(arguments.cpu_budget, shortest)
    return Pace(say, budget=budget)


def teaching(arguments: argparse.Namespace) -> Lessons | None:
    """What teaches from the page, if ``--teach`` asks for that."""
    if arguments.teach is None:
        return None
    from edgevtn.teaching.lessons import Lessons

    return Lessons(arguments.teach, lambda model: load(model, arguments))


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


def print_record(record: dict[str, object]) -> None:
    """A line of JSON on stdout."""
    print(json.dumps(record), flush=True)


def check(arguments: argparse.Namespace) -> None:
    """Raise ValueError for what is wrong whatever the sources are."""
    if arguments.teach is not None and arguments.page is None:
        raise ValueError("--teach is done from a page; give --page, too, or use edgevtn serve")
    if not arguments.source:
        raise ValueError("expected at least one SOURCE, on the command line or in the file of --config")
    detector(arguments)
    if arguments.cpu_budget is not None:
        Budget(arguments.cpu_budget)
    for text in arguments.region or ():
        Region.parse(text)
    if arguments.save is not None:
        refuse_same([Path(arguments.save)], arguments.source)


def saving(file: str, sources: Sequence[str], names: Sequence[str]) -> Video:
    """The sink of ``--save``; ValueError if it would write over a source."""
    video = Video(file)
    refuse_same(map(video.place, names), sources)
    return video


def refuse_same(places: Iterable[Path], sources: Sequence[str]) -> None:
    """Raise ValueError if a file that is to be written is a source."""
    for place, source in itertools.product(places, sources):
        if same_file(place, source):
            raise ValueError(f"--save {place} is the source itself; give it another name")


def same_file(target: Path, source: str) -> bool:
    """Whether both are names of the same file, which is there."""
    try:
        return target.samefile(source)
    except OSError:
        return False
