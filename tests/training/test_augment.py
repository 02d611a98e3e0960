"""Clips changed at random: what must change, and what must not."""

import numpy as np
import pytest

pytest.importorskip("torch")

from edgevtn.training.data.augment import (
    mirrored_label,
    random_change,
    replace_background,
    static_background,
)
from edgevtn.training.data.figure import Look, background, clip


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("walk", "walk"),
        ("turn left", "turn right"),
        ("swipe_right", "swipe_left"),
        ("Left hook", "Right hook"),
        ("copyright", "copyright"),
        ("look left", None),
    ],
)
def test_a_mirror_swaps_left_and_right(label, expected):
    labels = ["walk", "turn left", "turn right", "swipe_left", "swipe_right", "Left hook", "Right hook", "copyright"]
    assert mirrored_label(label, [*labels, "look left"]) == expected


def test_background_of_a_camera_that_stands_still():
    look = Look(texture=4)
    frames = clip("walk", 2.6, look, size=(160, 120))
    found = static_background(frames)
    assert found is not None
    wall = background(160, 120, look)
    assert np.median(np.abs(found.astype(int) - wall)) <= 1


def test_no_background_where_nobody_moves_or_the_camera_does():
    look = Look()
    assert static_background(clip("stand", 1.0, look, size=(160, 120))) is None
    rng = np.random.default_rng(0)
    assert static_background([rng.integers(0, 256, (60, 80, 3), dtype=np.uint8) for _ in range(9)]) is None


def test_who_moves_stays_and_the_wall_changes():
    look = Look(texture=4, shirt=(20, 20, 200))
    frames = clip("jack", 2.0, look, size=(160, 120))
    old = background(160, 120, look)
    new = np.full_like(old, 60)
    moved = replace_background(frames[10], old, new)
    person = np.abs(frames[10].astype(int) - old).max(axis=2) > 60
    assert np.abs(moved[person].astype(int) - frames[10][person]).mean() < 6
    assert np.abs(moved[:30, :30].astype(int) - 60).mean() < 4


def test_a_change_is_the_same_for_all_frames_and_follows_the_seed():
    frames = clip("walk", 1.0, Look(), size=(160, 120))
    changes = [random_change(frames, np.random.default_rng(seed), mirror=False) for seed in (1, 1, 2)]
    first, again, other = (change(frames[0]) for change in changes)
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5
    np.testing.assert_array_equal(changes[0](frames[0]), first)
    mirrored = random_change(frames, np.random.default_rng(1), mirror=True)(frames[0])
    np.testing.assert_array_equal(mirrored, first[:, ::-1])
