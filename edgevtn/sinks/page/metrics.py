"""The same for Prometheus, in its text format."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping

from edgevtn.cpu import temperature
from edgevtn.sinks.page.answers import plain
from edgevtn.sinks.page.board import Board
from edgevtn.sinks.page.health import BOUNDS, Latency, Tally, memory
from edgevtn.sinks.page.pictures import Pictures

TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: What a source tells of itself: how it is called here, its kind, and what it is. Several sources are told by name.
OF_SOURCES = {
    "dropped": (
        "frames_dropped_total", "counter", "Pictures that were older than the newest when they were asked for."
    ),
    "repeated": ("frames_repeated_total", "counter", "Pictures that equal the one before."),
    "bad": ("frames_bad_total", "counter", "Pictures that could not be decoded."),
    "reconnects": ("reconnects_total", "counter", "How often the source was found again."),
    "lost": ("lost", "gauge", "1 while it is lost."),
}  # fmt: skip

Sample = tuple[Mapping[str, str], float]


def metrics(board: Board, pictures: Pictures) -> str:
    """All of them."""
    return "\n".join(itertools.chain.from_iterable(_families(board, pictures))) + "\n"


def _families(board: Board, pictures: Pictures) -> Iterator[Iterable[str]]:
    each = board.each()
    watched: list[Sample] = [({"source": name or board.origin.name}, 1) for name in each]
    yield _family("edgevtn_info", "gauge", "What is watched.", watched)
    # A single source has no name here, so that what asks for it stays right.
    tallies: list[tuple[dict[str, str], Tally]] = [({}, board.total)]
    if len(each) > 1:
        tallies = [({"source": name}, board.tallies.get(name) or Tally()) for name in each]
    frames: list[Sample] = [(whose, tally.frames.count) for whose, tally in tallies]
    yield _family("edgevtn_frames_total", "counter", "Frames from the source.", frames)
    last: list[Sample] = [
        (whose, round(time.time() - since, 3))
        for whose, tally in tallies
        if (since := tally.frames.since()) is not None
    ]
    if last:
        yield _family("edgevtn_last_frame_timestamp_seconds", "gauge", "When the last frame came.", last)
    counts: list[Sample] = [
        (whose | {"model": name}, rate.count)
        for whose, tally in tallies
        for name, rate in tally.predictions.copy().items()
    ]
    yield _family("edgevtn_predictions_total", "counter", "Predictions.", counts)
    still: list[Sample] = [
        (whose | {"model": name}, count) for whose, tally in tallies for name, count in tally.reused.copy().items()
    ]
    text = "Predictions for which nothing was encoded: nothing had moved."
    yield _family("edgevtn_predictions_reused_total", "counter", text, still)
    begun: list[Sample] = [
        (whose | {"model": model, "label": label}, count)
        for whose, tally in tallies
        for (model, label), count in tally.begun.copy().items()
    ]
    yield _family("edgevtn_events_total", "counter", "Events that began.", begun)
    late = [(whose, tally.latency) for whose, tally in tallies if any(tally.latency.counts)]
    if late:
        yield _histogram(late)
    for count, (name, kind, text) in OF_SOURCES.items():
        told: list[Sample] = [
            ({"source": source} if source else {}, int(own[count])) for source, own in each.items() if count in own
        ]
        if told:
            yield _family(f"edgevtn_source_{name}", kind, text, told)
    yield _family("edgevtn_page_viewers", "gauge", "Who look at the picture.", [({}, pictures.viewers)])
    yield _family("edgevtn_page_pictures_total", "counter", "JPEGs encoded.", [({}, pictures.encoded)])
    degrees, used = temperature(), memory()
    if degrees is not None:
        yield _family("edgevtn_temperature_celsius", "gauge", "The processor's.", [({}, degrees)])
    if used is not None:
        yield _family("process_resident_memory_bytes", "gauge", "Memory of the process.", [({}, used)])
    yield _family("process_cpu_seconds_total", "counter", "Processor time used.", [({}, time.process_time())])
    yield _family("process_start_time_seconds", "gauge", "When the page was opened.", [({}, round(board.began, 3))])


def _family(name: str, kind: str, text: str, samples: Iterable[Sample]) -> list[str]:
    lines = [_line(name, labels, value) for labels, value in samples]
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *lines]


def _histogram(latencies: Iterable[tuple[dict[str, str], Latency]]) -> list[str]:
    name = "edgevtn_latency_seconds"
    bounds = [f"{bound:g}" for bound in BOUNDS] + ["+Inf"]
    lines = [f"# HELP {name} From a picture's capture to its prediction.", f"# TYPE {name} histogram"]
    for whose, latency in latencies:
        sums = list(itertools.accumulate(latency.counts))
        lines += [
            *(_line(f"{name}_bucket", whose | {"le": le}, count) for le, count in zip(bounds, sums, strict=True)),
            _line(f"{name}_sum", whose, latency.total),
            _line(f"{name}_count", whose, sums[-1]),
        ]
    return lines


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    pairs = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{pairs}}} {value}" if pairs else f"{name} {value}"


def _escaped(text: str) -> str:
    return plain(text).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
