"""Why all is "unknown": each reason on a clip that was made for it, and none where something is recognised."""

import json

import cv2
import numpy as np
import pytest

import edgevtn
from edgevtn.cli.demo import CLIP
from edgevtn.cli.main import main
from edgevtn.cli.people import PEOPLE
from edgevtn.prediction import UNKNOWN, Event, Prediction
from edgevtn.unknown import NEXT, PATIENCE, Picture, Unknown
from edgevtn.video import VideoWriter


def demo(start, end):
    with edgevtn.frames(CLIP) as source:
        return [frame for timestamp, frame in source if start <= timestamp < end]


def noisy(frames, deviation=2.0):
    rng = np.random.default_rng(0)
    return [np.clip(frame + rng.normal(0, deviation, frame.shape), 0, 255).astype(np.uint8) for frame in frames]


def still():
    return noisy(demo(4.0, 4.04) * 75)


def dark():
    return noisy([(frame * 0.03).astype(np.uint8) for frame in demo(3.8, 6.8)], 1.0)


def small():
    figures = [cv2.resize(frame, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) for frame in demo(3.8, 6.8)]
    return [cv2.copyMakeBorder(figure, 100, 44, 96, 96, cv2.BORDER_REPLICATE) for figure in figures]


def outside():
    """The figure is in the right half of the picture, the square in the middle."""
    return [cv2.copyMakeBorder(frame, 0, 0, 300, 0, cv2.BORDER_REPLICATE) for frame in demo(3.8, 6.8)]


def unlike():
    with edgevtn.frames(PEOPLE / "asked-1.mp4") as source:
        return [frame for _, frame in source]


def write(file, frames):
    writer = VideoWriter(file, 25.0)
    for n, frame in enumerate(frames):
        writer.write(frame, n / 25)
    writer.close()
    return str(file)


#: What each clip was made for, and what its text says.
MADE = {still: "nothing moves", dark: "dark", small: "as high as", outside: "outside", unlike: "unlike"}


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_each_reason_is_given_for_the_clip_that_is_made_for_it(make, tmp_path, capsys):
    assert main(["run", write(tmp_path / "clip.mp4", make()), "--json"]) == 0
    printed = capsys.readouterr()
    records = [json.loads(line) for line in printed.out.splitlines()]
    (told,) = (record["unknown"] for record in records if "unknown" in record)
    assert told["share"] >= 0.95
    assert make.__name__ in [reason["reason"] for reason in told["reasons"]], told
    others = {"still", "dark", "outside"} - {make.__name__}
    assert not others & {reason["reason"] for reason in told["reasons"]}, told
    assert MADE[make] in printed.err
    assert all(line in printed.err for line in NEXT)


@pytest.mark.parametrize("seconds", [(0, 21), (3.8, 7.4), (8, 12.5)])
def test_no_reason_is_given_for_what_is_recognised(seconds, tmp_path, capsys):
    assert main(["run", write(tmp_path / "clip.mp4", demo(*seconds))]) == 0
    assert "may be why" not in capsys.readouterr().err


def test_no_reason_is_given_for_people_who_are_recognised(tmp_path, capsys):
    from edgevtn.cli.people import teach_people

    teach_people(tmp_path / "falls", None)
    for clip in ("asked-1", "asked-2"):
        assert main(["run", str(PEOPLE / f"{clip}.mp4"), "--model", str(tmp_path / "falls")]) == 0
        assert "may be why" not in capsys.readouterr().err


def prediction(timestamp, label=UNKNOWN, novelty=0.1, source=""):
    probabilities = np.array([0.5, 0.5], np.float32)
    return Prediction(
        "m", label, 0.5, probabilities, timestamp, timestamp - 1, ("a", "b"), source=source, novelty=novelty
    )


def run(sink, labels, step=0.2, **more):
    for n, label in enumerate(labels):
        sink.prediction(prediction(n * step, label, **more))
        sink.frame(np.full((48, 64, 3), 100, np.uint8), n * step)


def test_a_camera_is_told_of_once_after_a_while():
    lines = []
    sink = Unknown(lines.append, live=True)
    run(sink, [UNKNOWN] * round(PATIENCE / 0.2 - 1))
    assert not lines
    run(sink, [UNKNOWN] * 1000)
    assert len([line for line in lines if "may be why" in line]) == 1
    sink.close()
    assert len([line for line in lines if "may be why" in line]) == 1


def test_a_camera_that_sees_an_action_now_and_then_is_not_told_of():
    lines = []
    sink = Unknown(lines.append, live=True)
    run(sink, ([UNKNOWN] * 90 + ["a"]) * 10)
    sink.close()
    assert not lines


def test_of_a_camera_the_row_alone_is_told_and_nothing_after_an_event():
    for acted in (False, True):
        lines = []
        sink = Unknown(lines.append, live=True)
        run(sink, ["a"] * 1000 + [UNKNOWN])
        if acted:
            sink.event(Event(1, "m", "a", 0.0, 1.0, 0.9))
        for n in range(1001, 1200):
            sink.prediction(prediction(n * 0.2, UNKNOWN))
        assert [line.partition(" of ")[0] for line in lines if "may be why" in line] == ([] if acted else ["m: 100%"])


def test_an_event_or_too_few_predictions_need_no_reason():
    for labels, acted in (([UNKNOWN] * 50, True), ([UNKNOWN] * 3, False)):
        lines = []
        sink = Unknown(lines.append)
        run(sink, labels)
        if acted:
            sink.event(Event(1, "m", "a", 0.0, 1.0, 0.9))
        sink.close()
        assert not lines


def test_each_camera_has_its_own():
    lines = []
    sink = Unknown(lines.append)
    run(sink, [UNKNOWN] * 20, source="yard")
    run(sink, ["a"] * 20, source="hall")
    sink.close()
    assert [line.startswith("yard: m: 100% of 20") for line in lines if "may be why" in line] == [True]


def test_what_is_not_explained_names_the_actions():
    lines = []
    sink = Unknown(lines.append)
    moving = demo(13.0, 16.5)[::4]
    for n, frame in enumerate(moving):
        sink.prediction(prediction(n / 6))
        sink.frame(frame, n / 6)
    sink.close()
    assert "none of a, b" in lines[1]


def test_a_camera_is_not_looked_at_more_than_needed(monkeypatch):
    measured = []
    monkeypatch.setattr(Picture, "take", lambda self, frame: measured.append(frame))
    run(Unknown(lambda line: None, live=True), ["a"] * 100)
    assert not measured
    run(Unknown(lambda line: None, live=True), [UNKNOWN] * 1000)
    assert len(measured) < 150
