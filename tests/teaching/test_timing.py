"""When events begin and end, on clips of people who were not learned from."""

import csv

import edgevtn
from edgevtn.teaching import Example, FeatureCache, teach

LABELS = ("jack", "jump", "side")
SHOWN = ("ira", "lena", "moshe")
RATE = 25
#: Frames that a clip's first and last picture stand still.
STILL = 30


def montage(clips):
    """The clips between their own first and last pictures, held, and when each begins and ends."""
    pictures, truth = [], []
    for file, label in clips:
        with edgevtn.frames(file) as source:
            own = [frame for _, frame in source]
        start = len(pictures) + STILL
        truth.append((label, start / RATE, (start + len(own)) / RATE))
        pictures += [own[0]] * STILL + own + [own[-1]] * STILL
    return [(n / RATE, picture) for n, picture in enumerate(pictures)], truth


def test_events_begin_and_end_when_actions_do(shared, tmp_path):
    folder = shared / "data" / "weizmann64"
    with (folder / "manifest.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["label"] in LABELS]
    learned = [Example(folder / r["clip"], r["label"], r["subject"]) for r in rows if r["subject"] not in SHOWN]
    teach(learned, cache=FeatureCache(tmp_path / "features"), threads=1).save(tmp_path / "model")
    video, truth = montage([(folder / r["clip"], r["label"]) for r in rows if r["subject"] in SHOWN])
    now, told = 0.0, {}

    def live():
        nonlocal now
        for timestamp, frame in video:
            now = timestamp
            yield timestamp, frame

    ended = []
    for event in edgevtn.watch(live(), tmp_path / "model"):
        if event.end is None:
            told[event.id] = now
        else:
            ended.append(event)
    right = [
        next((e for e in ended if e.label == label and abs(e.start - start) <= 0.5 and abs(e.end - end) <= 0.5), None)
        for label, start, end in truth
    ]
    found = [event for event in right if event is not None]
    assert len(found) >= 0.85 * len(truth)
    assert len(ended) - len(found) <= len(truth) / 3  # few where there is no such action
    # Told while it goes on: half a window, the delay of smoothing and the time until it has settled lie between.
    delays = sorted(told[event.id] - event.start for event in found)
    assert delays[len(delays) // 2] < 1.6
