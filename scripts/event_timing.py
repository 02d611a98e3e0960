"""When events begin and end, against the truth: short actions between pauses, falls, and what is no action.

Models are taught on other people than those they are shown; videos run through `edgevtn.watch` at their own
timestamps. With ``--choose`` nothing of the measured part is touched: one of the people that are taught is left out in
turn, and a table says how settings do on them. Run with one thread:
``OPENBLAS_NUM_THREADS=1 taskset -c 1 python scripts/event_timing.py DATA CACHE``.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from edgevtn import Event, EventDetector, Prediction, Recognizer, watch
from edgevtn.arrays import Frame
from edgevtn.bundle import TWO_STREAM
from edgevtn.defaults import SMOOTHING
from edgevtn.smoothing import Smoothing
from edgevtn.sources import frames
from edgevtn.teaching import Example, FeatureCache, teach
from edgevtn.teaching.features import MOVEMENT

#: Clips of the montage, and people that are shown together by a model of the others.
CLIPS, TOGETHER = 60, 3
#: Seconds that a still picture stands before and after each clip: a pause is one after and one before.
STILL = 1.0, 1.5
#: Seconds by which a beginning and an end may be wrong, and the beginning of a fall.
NEAR, NEAR_FALL = 0.5, 1.5
#: As docs/fall_alarm.md has it: taught with "movement" it finds 38 of 42 falls of left-out people, and 5 that are none,
#: the defaults 36 and 1; where the rest is one label 34 and 3, the defaults 33 and 2.
ALARM = {"falling": {"enter": 0.4, "leave": 0.2}}
#: Seconds of what is no action.
QUIET = 600.0

Video = Iterable[tuple[float, Frame]]


class Segment(NamedTuple):
    """What is shown from when to when, seconds."""

    label: str
    start: float
    end: float


class Told(NamedTuple):
    """An event, and when it was told that it begins, seconds."""

    event: Event
    at: float


class Outcome(NamedTuple):
    """A video's truth and the events in it."""

    truth: list[Segment]
    told: list[Told]
    window: float


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def montage(clips: Sequence[tuple[Path, str]], seed: int) -> tuple[Video, list[Segment]]:
    """The clips one after another, each between its own first and last picture held; 25 Hz."""
    rng, pictures, truth = np.random.default_rng(seed), list[Frame](), []
    for n in rng.permutation(len(clips)):
        file, label = clips[n]
        with frames(file) as source:
            own = [frame for _, frame in source]
        before, after = (round(25 * length) for length in rng.uniform(*STILL, 2))
        pictures += [own[0]] * before
        truth.append(Segment(label, len(pictures) / 25, (len(pictures) + len(own)) / 25))
        pictures += own + [own[-1]] * after
    return [(n / 25, picture) for n, picture in enumerate(pictures)], truth


def quiet(data: Path) -> Iterator[tuple[float, Frame]]:
    """Other scenes, each once, and empty ones: medians of clips that someone crosses, held in turn."""
    start = last = 0.0
    for file in sorted((data / "clips").iterdir()):
        with frames(file) as source:
            for timestamp, frame in source:
                last = start + timestamp
                yield last, frame
        start = last + 0.1
    empty = []
    for file in sorted((data / "weizmann64" / "walk").glob("*.avi")):
        with frames(file) as source:
            empty.append(np.median(np.stack([frame for _, frame in source]), axis=0).astype(np.uint8))
    count = round((QUIET - start) * 25)
    for n in range(count):
        yield start + n / 25, empty[n * len(empty) // count]


def live(place: Path, video: Video, detector: EventDetector | None = None) -> list[Told]:
    """What `edgevtn.watch` tells, with the time of the frame at which it did."""
    now, begun, found = 0.0, {}, []

    def timed() -> Iterator[tuple[float, Frame]]:
        nonlocal now
        for timestamp, frame in video:
            now = timestamp
            yield timestamp, frame

    recognizer = Recognizer(place, smoothing=SMOOTHING, threads=1)
    for event in watch(timed(), recognizer=recognizer, detector=detector):
        if event.end is None:
            begun[event.id] = now
        else:
            found.append(Told(event, begun[event.id]))
    return found


def taught(examples: Sequence[Example], arguments: argparse.Namespace, folder: str, modality: str = TWO_STREAM) -> Path:
    place = Path(folder) / "model"
    teach(examples, cache=FeatureCache(arguments.cache), threads=1, modalities=[modality]).save(place)
    return place


def replayed(seen: Sequence[Prediction], smoothing: float, detector: EventDetector) -> list[Told]:
    """What a detector would tell of predictions that were not smoothed, as `live`."""
    mean, begun, found = Smoothing(smoothing), {}, []
    for raw in [*seen, None] if seen else []:
        now = seen[-1].timestamp if raw is None else raw.timestamp
        events = detector.finish() if raw is None else detector.update(
            replace(raw, probabilities=mean(raw.probabilities, now), delay=mean.delay)
        )  # fmt: skip
        for event in events:
            if event.end is None:
                begun[event.id] = now
            else:
                found.append(Told(event, begun[event.id]))
    return found


def overlap(event: Event, segment: Segment) -> float:
    assert event.end is not None
    return min(event.end, segment.end) - max(event.start, segment.start)


def report(outcomes: Sequence[Outcome]) -> str:
    """Each segment goes with the event of its label that overlaps it most."""
    near, starts, ends, delays, soon, pauses, others, count = 0, [], [], [], 0, 0, 0, 0
    for truth, told, window in outcomes:
        count += len(truth)
        own = set()
        for segment in truth:
            fits = [t for t in told if t.event.label == segment.label and overlap(t.event, segment) > 0]
            if not fits:
                continue
            best = max(fits, key=lambda t: overlap(t.event, segment))
            own.add(best.event.id)
            start, end = best.event.start - segment.start, (best.event.end or 0.0) - segment.end
            near += abs(start) <= NEAR and abs(end) <= NEAR
            starts.append(start)
            ends.append(end)
            delays.append(best.at - segment.start)
            soon += delays[-1] <= 1.0 + window / 2
        for event in (t.event for t in told if t.event.id not in own):
            nowhere = all(overlap(event, segment) <= 0 for segment in truth)
            pauses, others = pauses + nowhere, others + (not nowhere)
    low, middle, high = (np.quantile(x, [0.1, 0.5, 0.9]).round(2).tolist() for x in (starts, ends, delays))
    return (
        f"of {count} both ends right {near / count:.1%}, found {len(starts) / count:.1%}; off by (10, 50, 90 %): start "
        f"{low} s, end {middle} s; told after {high} s, in time {soon / count:.1%}; false in pauses {pauses}, "
        f"other false {others}"
    )


def falls_report(outcomes: Sequence[Outcome]) -> str:
    found = false = count = 0
    for truth, told, _ in outcomes:
        starts = [t.event.start for t in told if t.event.label == "falling"]
        hits = [any(abs(start - segment.start) <= NEAR_FALL for start in starts) for segment in truth]
        count, found, false = count + len(truth), found + sum(hits), false + len(starts) - sum(hits)
    return f"of {count} falls found {found}, false {false}"


def weizmann(arguments: argparse.Namespace, choose: bool) -> None:
    folder = arguments.data / "weizmann64"
    rows = rows_of(folder / "manifest.csv")
    people = sorted({row["subject"] for row in rows})
    parts = [people[n : n + TOGETHER] for n in range(0, len(people), TOGETHER)]
    outcomes, tables = list[Outcome](), dict[object, list[Outcome]]()
    quiet_told: list[int] = []
    for part, shown in enumerate(parts):
        learned = [person for person in people if person not in shown]
        for inner in [learned[n : n + 2] for n in range(0, len(learned), 2)] if choose else [[]]:
            examples = [
                Example(folder / r["clip"], r["label"], r["subject"])
                for r in rows if r["subject"] in learned and r["subject"] not in inner
            ]  # fmt: skip
            clips = [(folder / r["clip"], r["label"]) for r in rows if r["subject"] in (inner or shown)]
            if not choose:  # each part gives as many, drawn
                drawn = np.random.default_rng(part).permutation(len(clips))[: CLIPS // len(parts)]
                clips = [clips[n] for n in sorted(drawn)]
            video, truth = montage(clips, part)
            with tempfile.TemporaryDirectory() as scratch:
                place = taught(examples, arguments, scratch)
                window = Recognizer(place, threads=1).window_duration
                if choose:
                    tried(place, video, lambda told, t=truth, w=window: Outcome(t, told, w), tables, part)
                    continue
                outcomes.append(Outcome(truth, live(place, video), window))
                quiet_told.append(len(live(place, quiet(arguments.data))))
    if choose:
        show("montage", tables, report)
        return
    print(f"montage: {report(outcomes)}", flush=True)
    print(f"{QUIET / 60:g} minutes of other and empty scenes: events by each model {quiet_told}", flush=True)


def falls(arguments: argparse.Namespace, choose: bool) -> None:
    folder = arguments.data / "gmdcsa24"
    rows = rows_of(folder / "segments.csv")
    for row in rows:
        row["label"] = "falling" if row["label"] == "fall" else row["label"]
    people = sorted({row["fold"] for row in rows})
    for other, modality in itertools.product((False, True), (TWO_STREAM, MOVEMENT)):
        outcomes, alarms, tables = list[Outcome](), list[Outcome](), dict[object, list[Outcome]]()
        for person in people:
            learned = [p for p in people if p != person]
            for inner in learned if choose else [None]:
                examples = [
                    Example(folder / r["clip"], r["label"] if r["label"] == "falling" or not other else "other",
                            r["fold"], float(r["start"]), float(r["end"]))
                    for r in rows if r["fold"] in learned and r["fold"] != inner
                ]  # fmt: skip
                with tempfile.TemporaryDirectory() as scratch:
                    place = taught(examples, arguments, scratch, modality)
                    for clip in sorted({r["clip"] for r in rows if r["fold"] == (inner or person)}):
                        truth = [
                            Segment(r["label"], float(r["start"]), float(r["end"]))
                            for r in rows if r["clip"] == clip and r["label"] == "falling"
                        ]  # fmt: skip
                        with frames(folder / clip) as source:
                            video = list(source)
                        if choose:
                            tried(place, video, lambda told, t=truth: Outcome(t, told, 0.0), tables, person)
                            continue
                        outcomes.append(Outcome(truth, live(place, video), 0.0))
                        alarms.append(Outcome(truth, live(place, video, EventDetector(labels=ALARM)), 0.0))
        name = "falls against one label of all the rest" if other else "falls among labels of their own"
        name += f", {modality}"
        if choose:
            show(name, tables, falls_report)
        else:
            print(f"{name}: {falls_report(outcomes)}; as an alarm: {falls_report(alarms)}", flush=True)


#: Smoothing, seconds, and `enter`, `leave` and `min_duration` that are compared.
TRIED = [(s, *p, d) for s, p, d in itertools.product((0.0, 0.3), ((0.6, 0.4), (0.5, 0.3), (0.4, 0.2)), (0.25, 0.5))]


def tried(
    place: Path, video: Video, outcome: Callable[[list[Told]], Outcome],
    tables: dict[object, list[Outcome]], part: object,
) -> None:  # fmt: skip
    """Add what each of the settings tells to its tables, of all parts and of this one."""
    seen = list(Recognizer(place, threads=1).stream(video))
    for settings in TRIED:
        found = outcome(replayed(seen, settings[0], EventDetector(*settings[1:])))
        for key in (("all", settings), (part, settings)):
            tables.setdefault(key, []).append(found)


def show(name: str, tables: dict[object, list[Outcome]], words: Callable[[Sequence[Outcome]], str]) -> None:
    for key, outcomes in sorted(tables.items(), key=str):
        print(f"{name}, left out {key}: {words(outcomes)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with weizmann64, gmdcsa24 and clips")
    parser.add_argument("cache", type=Path, help="folder for features")
    parser.add_argument("--only", nargs="*", default=["weizmann", "falls"])
    parser.add_argument("--choose", action="store_true", help="compare settings, on people that are taught alone")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    for name, measure in (("weizmann", weizmann), ("falls", falls)):
        if name in arguments.only:
            measure(arguments, arguments.choose)


if __name__ == "__main__":
    main()
