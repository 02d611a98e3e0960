"""The second part of `edgevtn demo`: real people, and a model that is taught now and asked about clips held out."""

from __future__ import annotations

import csv
import time
import warnings
from pathlib import Path
from typing import NamedTuple

from edgevtn.prediction import Event

PEOPLE = Path(__file__).parents[1] / "data" / "people"
TAUGHT, ASKED = "taught", "asked"


class Part(NamedTuple):
    """A labelled part of a clip, by eye: start and end in seconds; the clips that are taught are not those asked."""

    clip: Path
    label: str
    start: float
    end: float
    use: str


def parts(use: str) -> list[Part]:
    """The parts that are "taught" or "asked"."""
    with (PEOPLE / "manifest.csv").open(newline="", encoding="utf-8") as lines:
        return [
            Part(PEOPLE / row["video"], row["label"], float(row["start"]), float(row["end"]), use)
            for row in csv.DictReader(lines)
            if row["use"] == use
        ]


def teach_people(folder: Path, threads: int | None) -> str:
    """Teach a model with the parts that are for it, nothing of which is kept from before; returns what was done."""
    from edgevtn.teaching import teach
    from edgevtn.teaching.cache import FeatureCache
    from edgevtn.teaching.examples import Example

    given = parts(TAUGHT)
    examples = [Example(part.clip, part.label, part.clip.stem, part.start, part.end) for part in given]
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # two takes are few, as the text says
        teach(examples, cache=FeatureCache(None), threads=threads).save(folder, name=folder.name)
    seconds = sum(part.end - part.start for part in given)
    labels = ", ".join(dict.fromkeys(part.label for part in given))
    return f"taught {labels} on {seconds:.0f} s of video in {time.perf_counter() - began:.1f} s"


def recognise_people(folder: Path, output: Path, threads: int | None, engine: str) -> list[Path]:
    """Ask the taught model about each clip held out; prints the timelines, and returns the files written."""
    from edgevtn.cli.showing import shown
    from edgevtn.defaults import SMOOTHING
    from edgevtn.recognizer import Recognizer

    recognizer = Recognizer(folder, threads=threads, smoothing=SMOOTHING, engine=engine)
    written = []
    for n, clip in enumerate(dict.fromkeys(part.clip for part in parts(ASKED)), 1):
        print(f"\nclip {n}: recognised by the model, beside what was marked by eye")
        events, files = shown(clip, output / f"people-{n}", recognizer)
        truth = [(part.start, part.end, part.label) for part in parts(ASKED) if part.clip == clip]
        print_beside(events, truth)
        written += files
    return written


def print_beside(events: list[Event], truth: list[tuple[float, float, str]]) -> None:
    """Print what was recognised on the left and what there is on the right, each in its own order."""
    from edgevtn.sinks.text import timeline_line

    for n in range(max(len(events), len(truth))):
        left = timeline_line(events[n]) if n < len(events) else ""
        right = "{:7.2f} - {:6.2f} s  {}".format(*truth[n]) if n < len(truth) else ""
        print(f"{left:44}|{right}".rstrip())
