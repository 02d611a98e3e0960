"""What a run is made of, from its options."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgevtn.budget import Budget
from edgevtn.pace import Pace
from edgevtn.recognizer import Recognizer
from edgevtn.sinks import Video
from edgevtn.sinks.base import Sink, as_sink
from edgevtn.unknown import Unknown

if TYPE_CHECKING:
    from edgevtn.teaching.lessons import Lessons


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


def why_unknown(arguments: argparse.Namespace, live: bool) -> Sink:
    """What says why, where a model says nothing but "unknown"."""
    return as_sink(Unknown(say, print_record if arguments.json else None, live=live))


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


def say(sentence: str) -> None:
    """A line on stderr, whole whichever thread says it."""
    with contextlib.suppress(OSError):  # a terminal that is gone, or a full disk: what is said stops nothing
        sys.stderr.write(f"edgevtn: {sentence}\n")
        sys.stderr.flush()


def print_record(record: dict[str, object]) -> None:
    """A line of JSON on stdout."""
    print(json.dumps(record), flush=True)


def saving(file: str, sources: Sequence[str], names: Sequence[str]) -> Video:
    """The sink of ``--save``; ValueError if it would write over a source, or nothing that we can check."""
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
