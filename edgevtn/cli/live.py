"""`edgevtn run` on cameras, on streams, and on a single file: all sources at once, by one encoder."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable

from edgevtn.cli.detection import detector
from edgevtn.cli.outputs import outputs
from edgevtn.cli.parts import load, pace, saving, say, teaching, why_unknown
from edgevtn.cli.regions import expense, regions
from edgevtn.cli.service import Draining
from edgevtn.cores import keep_to_big_cores
from edgevtn.sinks.base import Sink


def watch_cameras(
    arguments: argparse.Namespace, draining: Draining, pulse: Callable[[], bool], ready: Callable[[], object]
) -> None:
    """Watch all sources at once, until `pulse` says that there are other arguments; `ready` is called first."""
    from edgevtn.sinks import Display, JsonLines, Origin, Text
    from edgevtn.sources import Cameras
    from edgevtn.sources.secret import source_name
    from edgevtn.watching import watch

    sources, names = arguments.source, arguments.name or []
    named = len(names) > 1  # each by its own
    lessons = teaching(arguments)
    taught = [str(lessons.model)] if lessons is not None and lessons.model.is_dir() else [None]
    models = arguments.model or taught
    # The sources come first: a wrong name is told at once, not after the kernels have loaded.
    with (
        Cameras(
            dict(zip(names, sources, strict=True)) if named else sources if len(sources) > 1 else {"": sources[0]},
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
        whole = "" if len(sources) > 1 else source_name(sources[0])
        origin = Origin(names[0] if len(names) == 1 else whole, cameras)
        text = None if arguments.json else Text(name_models=len(models) > 1)
        sinks: list[Sink] = [JsonLines(None, origin) if text is None else text]
        if text is not None:
            undo.callback(text.close)
            text.follow(cameras, seconds=arguments.seconds)
        if arguments.save is not None:
            sinks.append(saving(arguments.save, sources, cameras.names))
        if arguments.show:
            sinks.append(Display())
        if lessons is not None:
            sinks.append(lessons)
        sinks += outputs(arguments, origin, lessons)
        sinks.append(why_unknown(arguments, cameras.live))
        for sink in sinks:
            undo.callback(sink.close)
        recognizer, events = load(models, arguments), detector(arguments)
        try:
            events.check(label for model in recognizer.models.values() for label in model.labels)
        except ValueError as error:
            if lessons is None:
                raise
            say(f"{error}; that holds from when it is taught")
        if wanted or len(sources) > 1:
            say(expense(recognizer, cameras.names, wanted))
        draining.by(cameras.stop)
        ready()
        keep_to_big_cores(recognizer.threads)  # this thread, which recognises, and none that is there already
        undo.pop_all()  # they are closed by `watch` from here on
        for _ in watch(
            cameras,
            sinks=sinks,
            recognizer=recognizer,
            detector=events,
            seconds=arguments.seconds,
            regions=wanted,
            successor=None if lessons is None else lessons.successor,
            pace=pace(arguments, recognizer) if cameras.live else None,
        ):
            pass
        if text is not None and not text.live and text.tally.reused:  # programs count themselves, and read nothing else
            say(f"{text.tally.reused} of {text.tally.predictions} predictions needed no encoding: nothing had moved")
