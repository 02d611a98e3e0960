"""Labels that differ by place or length are found out; labels that differ by movement are not accused."""

import cv2
import numpy as np
import pytest

from edgevtn.teaching import Example, teach
from edgevtn.teaching.shortcuts import shortcuts, suspicions

LABELS = ("a", "b", "c")
WIDTH, GROUPS = 24, 6


def clips(place=0.0, movement=0.0, lengths=(30, 30, 30), seed=0):
    """Rows of features of three labels by six people: a place for each label, and a direction in which it moves."""
    rng = np.random.default_rng(seed)
    places, ways = rng.normal(size=(3, WIDTH)), rng.normal(size=(3, WIDTH))
    people = rng.normal(size=(GROUPS, WIDTH))
    rows, classes, group_of = [], [], []
    for k in range(3):
        for group in range(GROUPS):
            length = lengths[k] + int(rng.integers(-1, 2))
            swing = np.sin(np.arange(length) / 3)[:, None] * ways[k]
            rows.append(people[group] + place * places[k] + movement * swing + 0.1 * rng.normal(size=(length, WIDTH)))
            classes.append(k)
            group_of.append(group)
    groups = [np.flatnonzero(np.array(group_of) == group) for group in range(GROUPS)]
    return [part.astype(np.float32) for part in rows], np.array(classes), groups


def test_places_are_found_out():
    first, duration = shortcuts(*clips(place=3.0))
    assert first.accuracy == 1.0
    assert duration.accuracy < 0.8
    (text,) = suspicions([first, duration], 1.0, LABELS)
    assert "first frame alone" in text
    assert "a, b, c" in text
    assert "same places" in text


def test_lengths_are_found_out():
    first, duration = shortcuts(*clips(movement=1.0, lengths=(20, 40, 80)))
    assert duration.accuracy == 1.0
    assert first.accuracy < 0.8
    (text,) = suspicions([first, duration], 0.95, LABELS)
    assert "duration alone" in text


def test_movement_is_not_accused():
    found = shortcuts(*clips(movement=2.0))
    assert max(shortcut.accuracy for shortcut in found) < 0.8
    assert suspicions(found, 0.98, LABELS) == []
    # What is no better than guessing is no shortcut, however bad the model is.
    assert suspicions(found, 0.3, LABELS) == []


def test_alarms_run_through_the_clips_as_long_as_they_are(examples, cache, videos, tmp_path):
    known = [e for e in examples if e.label != "jack"]
    file = tmp_path / "nothing.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 25, (160, 120))
    still = None
    for _ in range(2):
        for clip in sorted(videos.glob("jack/*.avi")):
            capture = cv2.VideoCapture(str(clip))
            while (read := capture.read())[0]:
                still = read[1]
                writer.write(still)
            capture.release()
    writer.release()
    report = teach(known, nothing=file, cache=cache, threads=1).report
    assert report.nothing_hours == pytest.approx(6 * 1.5 / 3600, rel=0.1)
    alarms = report.alarms_per_hour * report.nothing_hours
    assert alarms == pytest.approx(round(alarms), abs=1e-6)
    assert "seconds" in report.alarms() or "minutes" in report.alarms()
    assert "does not rule out" in str(report)
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 25, (160, 120))
    for _ in range(150):
        writer.write(np.zeros_like(still))
    writer.release()
    assert teach(known, nothing=file, cache=cache, threads=1).report.alarms_per_hour == 0


def test_an_action_that_was_called_nothing_is_an_alarm(examples, cache):
    acting = [e for e in examples if e.label == "bend" and "ann" in e.source.name]
    others = [e for e in examples if e not in acting]
    model = teach(
        [*others, *(Example(e.source, "nothing") for e in acting)], cache=cache, threads=1, make_nothing=False
    )
    assert model.report.alarms_per_hour * model.report.nothing_hours == pytest.approx(1)
