"""Manifests and the evaluation's arithmetic."""

import cv2
import numpy as np
import pytest
from tiny import moving_frames

from edgevtn import Recognizer
from edgevtn.datasets import Evaluation, evaluate, read_manifest
from edgevtn.errors import ManifestError


def manifest(folder, text):
    (folder / "manifest.csv").write_text(text)
    return folder / "manifest.csv"


def test_manifest(tmp_path):
    (tmp_path / "x.avi").touch()
    clips = read_manifest(manifest(tmp_path, "clip,label,fold,note\nx.avi,a,1,?\n"))
    assert [(clip.path.name, clip.label, clip.fold) for clip in clips] == [("x.avi", "a", "1")]
    assert read_manifest(tmp_path) == clips


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no clip"),
        ("clip,label\n", "names no clip"),
        ("file,class\nx,a\n", "expected the columns clip and label, found file, class"),
        ("clip,label\nx.avi\n", "line 2: clip or label is empty"),
        ("clip,label\nx.avi,a\ny.avi,a\n", r"line 3: .*y\.avi is no file or folder"),
        ("clip,label\n../../etc/passwd,a\n", "outside the manifest's folder"),
        ("clip,label\n/etc/passwd,a\n", "outside the manifest's folder"),
        ("\x00\xff", "found|names no clip|cannot be read"),
    ],
)
def test_bad_manifest(tmp_path, text, message):
    (tmp_path / "x.avi").touch()
    with pytest.raises(ManifestError, match=message):
        read_manifest(manifest(tmp_path, text))


def test_missing_manifest(tmp_path):
    with pytest.raises(ManifestError, match="does not exist"):
        read_manifest(tmp_path / "none.csv")


def test_unknown_labels_are_named(tmp_path, tiny):
    (tmp_path / "x.avi").touch()
    clips = read_manifest(manifest(tmp_path, "clip,label\nx.avi,juggling\n"))
    with pytest.raises(ManifestError, match=r"\['juggling'\] are not among the model's: a, b, c"):
        evaluate(Recognizer(tiny), clips)


def write_clip(file, count):
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for frame in moving_frames(count):
        writer.write(frame)
    writer.release()


def test_evaluation_counts(tmp_path, tiny):
    write_clip(tmp_path / "x.avi", 6)
    recognizer = Recognizer(tiny, start="repeat")
    rows = "".join(f"x.avi,{label}\n" for label in "abc")
    result = evaluate(recognizer, read_manifest(manifest(tmp_path, "clip,label\n" + rows)))
    assert result.confusion.sum() == 3
    assert result.accuracy == pytest.approx(1 / 3)  # one and the same clip cannot be all three
    assert len(result.mistakes) == 2
    # Three full windows of six frames; each is counted for each of the three labels, and right for one.
    assert result.windows == (3, 9)
    assert result.window_accuracy == pytest.approx(1 / 3)


def test_a_clip_too_short_for_a_window(tmp_path, tiny):
    write_clip(tmp_path / "x.avi", 2)
    clips = read_manifest(manifest(tmp_path, "clip,label\nx.avi,a\n"))
    with pytest.raises(ManifestError, match="too short"):
        evaluate(Recognizer(tiny), clips)
    assert evaluate(Recognizer(tiny, start="repeat"), clips).confusion.sum() == 1


def example():
    outcomes = [("ann", True)] * 3 + [("ann", False)] + [("bob", True)] * 4
    return Evaluation(("bend", "run"), np.array([[3, 1], [0, 4]]), [], outcomes, (30, 50))


def test_the_table():
    lines = str(example()).splitlines()
    assert lines[0] == ("accuracy 87.5% (7 of 8 clips), 95 % interval 75.0% to 100.0%, mean of the classes 87.5%")
    assert lines[1] == "single windows 60.0% (30 of 50)"
    assert lines[4].split() == ["bend", "4", "75.0%", "100.0%"]
    assert lines[5].split() == ["run", "4", "100.0%", "80.0%"]
    assert lines[-2].split() == ["bend", "3", "1", "1"]
    assert lines[-1].split() == ["run", ".", "4", "2"]


def test_labels_without_clips_have_no_row():
    confusion = np.zeros((5, 5), np.int64)
    confusion[1], confusion[3] = [0, 3, 0, 0, 1], [2, 0, 0, 4, 0]
    labels = ("a label that is much longer than others", "bend", "jump", "run", "walk")
    lines = str(Evaluation(labels, confusion, [], [("x", True)] * 10, (5, 10))).splitlines()
    assert lines[-1] == "other: labels that no clip has: a label that is much longer than others (2), walk (1)"
    assert [line.split() for line in lines[3:-1]] == [
        ["label", "clips", "recall", "precision"],
        ["bend", "4", "75.0%", "100.0%"],
        ["run", "6", "66.7%", "100.0%"],
        [],
        ["confusion", "(row:", "true,", "column:", "recognised)"],
        ["1", "2", "other"],
        ["bend", "3", ".", "1", "1"],
        ["run", ".", "4", "2", "2"],
    ]


def test_interval_over_groups():
    """Two groups of four: only whole groups are drawn, so there are three outcomes."""
    assert example().interval() == (0.75, 1.0)
    many = [(str(n), n % 4 != 0) for n in range(400)]
    result = Evaluation(("a", "b"), np.array([[150, 50], [50, 150]]), [], many, (1, 1))
    low, high = result.interval()
    # The normal approximation: 0.75 +- 1.96 sqrt(0.75 * 0.25 / 400).
    assert (low, high) == (pytest.approx(0.7076, abs=0.01), pytest.approx(0.7924, abs=0.01))
    assert result.mean_recall == 0.75


def test_sum_and_picture(tmp_path):
    assert (example() + example()).confusion.tolist() == [[6, 2], [0, 8]]
    assert (example() + example()).windows == (60, 100)
    pytest.importorskip("matplotlib")
    example().save_png(tmp_path / "confusion.png")
    picture = cv2.imread(str(tmp_path / "confusion.png"))
    assert picture.shape[0] > 200
    assert picture.std() > 10
