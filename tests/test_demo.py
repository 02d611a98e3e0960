"""The demo: what the figure does is recognised."""

import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

import edgevtn
from edgevtn._demo import CLIP, TRUTH, demo, ground_truth


def overlap(event, start, end):
    return max(0.0, min(event.end, end) - max(event.start, start))


def test_the_timeline_is_what_was_drawn():
    events = edgevtn.recognize(CLIP)
    truth = ground_truth()
    assert [label for _, _, label in truth] == ["walk", "wave2", "bend", "jack", "run"]
    for start, end, label in truth:
        right = sum(overlap(event, start, end) for event in events if event.label == label)
        wrong = sum(overlap(event, start, end) for event in events if event.label != label)
        assert right > 0.7 * (end - start), (label, events)
        assert wrong < 0.2 * (end - start), (label, events)


def test_the_clip_is_small_and_its_script_makes_it(tmp_path):
    assert CLIP.stat().st_size < 500_000
    root = CLIP.parents[2]
    (tmp_path / "scripts").mkdir()
    (tmp_path / "edgevtn" / "data").mkdir(parents=True)
    shutil.copy(root / "scripts" / "make_demo_clip.py", tmp_path / "scripts")
    subprocess.run([sys.executable, tmp_path / "scripts" / "make_demo_clip.py"], check=True, timeout=120)
    assert (tmp_path / "edgevtn" / "data" / "demo.csv").read_text() == TRUTH.read_text()
    with edgevtn.frames(CLIP) as ours, edgevtn.frames(tmp_path / "edgevtn" / "data" / "demo.mp4") as again:
        for (_, a), (_, b) in zip(ours, again, strict=True):
            assert np.abs(a.astype(int) - b).mean() < 3  # another OpenCV may encode a little differently


def test_demo_writes_a_video_and_a_picture(tmp_path, capsys):
    demo(tmp_path / "out", None, None)
    out = capsys.readouterr().out
    assert "drawn" in out
    assert out.index("recognised") < out.index("drawn\n")
    for label in ("walk", "wave2", "bend", "jack", "run"):
        assert out.count(label) >= 2
    picture = cv2.imread(str(tmp_path / "out" / "demo.png"))
    assert picture.shape[1] > 1000
    with edgevtn.frames(tmp_path / "out" / "demo.mp4") as annotated, edgevtn.frames(CLIP) as plain:
        assert sum(1 for _ in annotated) == sum(1 for _ in plain)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["demo.mp4", "demo.png"]


@pytest.mark.parametrize("scene", ["empty", "standing", "noise"])
def test_nothing_is_not_called_an_action(scene):
    from edgevtn.training.figure import Look, background, clip

    if scene == "empty":
        shown = [background(320, 240, Look(seed=5))] * 60
    elif scene == "standing":
        shown = clip("stand", 2.4, Look(seed=6, shirt=(40, 160, 60)), size=(320, 240))
    else:
        shown = list(np.random.default_rng(0).integers(0, 256, (60, 120, 160, 3), dtype=np.uint8))
    recognizer = edgevtn.Recognizer()
    predictions = list(recognizer.stream((n / 25, frame) for n, frame in enumerate(shown)))
    assert predictions
    assert np.mean([prediction.label == edgevtn.UNKNOWN for prediction in predictions]) > 0.8
