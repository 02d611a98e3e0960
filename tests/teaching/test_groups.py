"""What belongs together, by columns, files and names."""

import numpy as np
import pytest

from edgevtn.teaching.features import ClipFeatures
from edgevtn.teaching.gather import left_out_together
from edgevtn.teaching.groups import find_groups
from edgevtn.teaching.store import Learned


def groups(names, labels=None, given=None):
    labels = labels or ["a", "b"] * (len(names) // 2)
    return find_groups(names, labels, given or [None] * len(names))


def test_given_groups_are_taken_as_they_are():
    found, how = groups(["x.mp4", "y.mp4"], given=["p", "q"])
    assert found == ["p", "q"]
    assert "given" in how


@pytest.mark.parametrize(
    ("names", "labels", "expected", "how"),
    [
        (
            ["bend/ann_bend.avi", "jack/ann_jack.avi", "bend/bob_bend2.avi", "jack/bob_jack1.avi"],
            ["bend", "jack"] * 2, ["ann", "ann", "bob", "bob"], "beside label and number",
        ),
        (
            ["v_Archery_g01_c01.avi", "v_Archery_g01_c02.avi", "v_Archery_g02_c01.avi", "v_Punch_g02_c04.avi"],
            ["Archery"] * 3 + ["Punch"], ["g01", "g01", "g02", "g02"], "number in the file name",
        ),
        (
            ["VID_20240501_101500.mp4", "VID_20240501_101630.mp4", "VID_20240501_150000.mp4",
             "VID_20240501_150100.mp4"],
            ["a", "b"] * 2, ["20240501-101500"] * 2 + ["20240501-150000"] * 2, "5 minutes",
        ),
        (
            ["a_2024-05-01_x1.mp4", "b_2024-05-01_x2.mp4", "a_2024-05-02_x3.mp4", "b_2024-05-02_x4.mp4"],
            ["a", "b"] * 2, ["2024-05-01"] * 2 + ["2024-05-02"] * 2, "days",
        ),
        (["one.mp4", "one.mp4", "two.mp4", "two.mp4"], ["a", "b"] * 2, ["one"] * 2 + ["two"] * 2, "2"),
    ],
)  # fmt: skip
def test_groups_are_found_in_names(names, labels, expected, how):
    found, sentence = groups(names, labels)
    pairs = dict(zip(found, expected, strict=True))
    assert [pairs[group] for group in found] == expected
    assert len(set(found)) == len(set(expected))
    assert how in sentence


def test_numbered_takes_are_their_own_groups_and_it_is_told():
    found, how = groups(["a/clip_001.mp4", "b/clip_002.mp4", "a/clip_003.mp4", "b/clip_004.mp4"])
    assert len(set(found)) == 4
    assert "need a group" in how


def test_what_repeats_the_labels_is_no_group():
    found, _ = groups(["a/red1.mp4", "b/blue1.mp4", "a/red2.mp4", "b/blue2.mp4"])
    assert len(set(found)) == 4


def test_parts_of_a_file_belong_together():
    found, how = groups(["day.mp4", "day.mp4", "night.mp4", "noon.mp4"])
    assert found[0] == found[1]
    assert len(set(found)) == 3
    assert "3 of 4" in how or "3" in how


def test_a_wrong_moment_is_no_moment():
    found, _ = groups(["x_20249999_999999.mp4", "y_20249999_999998.mp4"])
    assert len(set(found)) == 2


@pytest.mark.parametrize(
    ("clips", "expected"),
    [
        (["walk ann", "nothing ann", "walk bob", "run ann", "nothing -"], [0, 1, 2, 0, 3]),
        (["walk ann", "run ann", "nothing -"], None),  # without her, nobody would be left
        (["walk -", "run -"], [0, 1]),
    ],
)
def test_what_novelty_leaves_out_together(clips, expected):
    learned = []
    for n, clip in enumerate(clips):
        label, person = clip.split()
        features = ClipFeatures({224: np.zeros((2, 3), np.float16)}, 12.5)
        learned.append(Learned(features, label, None if person == "-" else person, f"{label}/{n}.mp4", 0.0))
    assert left_out_together(learned) == expected
