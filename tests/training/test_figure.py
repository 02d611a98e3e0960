"""The drawn figure."""

import numpy as np
import pytest

from edgevtn.training.data.figure import Look, background, clip, draw, pose

ACTIONS = ["walk", "run", "jump", "pjump", "side", "bend", "jack", "wave1", "wave2"]


def spread(shown, look, size):
    """Per frame the columns in which something is drawn: first, last, and their middle."""
    wall = background(*size, look).astype(int)
    columns = [np.flatnonzero((np.abs(frame - wall).max(axis=2) > 25).any(axis=0)) for frame in shown]
    return [(c[0], c[-1], c.mean()) for c in columns if len(c)]


def silhouette(action, t, look, size):
    """Where the figure is: bool (size, size)."""
    canvas = background(size, size, look)
    before = canvas.astype(int)
    draw(canvas, pose(action, t, look), look)
    return np.abs(canvas - before).max(axis=2) > 25


def moved(silhouettes):
    """Share of the figure that is not where it was at first."""
    return [(shown & ~silhouettes[0]).sum() / silhouettes[0].sum() for shown in silhouettes]


@pytest.mark.parametrize("action", ACTIONS)
def test_clips_are_frames_in_which_something_moves(action):
    shown = clip(action, 1.0, Look(), size=(120, 100))
    assert len(shown) == 25
    assert all(frame.shape == (100, 120, 3) and frame.dtype == np.uint8 for frame in shown)
    assert max(np.abs(a.astype(int) - b).max() for a, b in zip(shown, shown[5:], strict=False)) > 60


@pytest.mark.parametrize("facing", [1, -1])
def test_who_travels_travels_the_way_they_face(facing):
    look, size = Look(facing=facing), (400, 150)
    for action in ("walk", "run", "jump", "side"):
        places = [middle for *_, middle in spread(clip(action, 1.0, look, size=size), look, size)]
        assert (places[-1] - places[0]) * facing > 20


def test_a_runner_is_faster_than_a_walker():
    assert pose("run", 1.0, Look()).x > 1.8 * pose("walk", 1.0, Look()).x


def test_jumping_jacks_open_and_close():
    look, size = Look(), (240, 240)
    widths = [right - left for left, right, _ in spread(clip("jack", 2.0, look, size=size), look, size)]
    assert max(widths) > 2 * min(widths)


def test_clips_are_the_same_every_time():
    np.testing.assert_array_equal(clip("walk", 0.4, Look(seed=3)), clip("walk", 0.4, Look(seed=3)))


def test_an_unknown_action_stands():
    look, size = Look(), 240
    standing = [silhouette("juggle", t, look, size) for t in np.arange(0, 4, 0.25)]
    first = standing[0]
    rows, columns = np.flatnonzero(first.any(axis=1)), np.flatnonzero(first.any(axis=0))
    height = rows[-1] - rows[0]
    assert height == pytest.approx(look.height * size, rel=0.06)
    assert rows[-1] == pytest.approx(look.ground * size, abs=5)
    assert columns.mean() == pytest.approx(look.center * size, abs=3)
    assert columns[-1] - columns[0] < 0.4 * height  # the arms hang
    feet = np.flatnonzero(first[rows[-1] - 5])
    assert feet[-1] - feet[0] < 0.25 * height  # the feet are together
    legs = rows[0] + height * 2 // 3
    assert {shown[legs:].tobytes() for shown in standing} == {first[legs:].tobytes()}
    # It sways: less than a twentieth of it is elsewhere. What moves least otherwise, a wave, moves a twelfth.
    assert max(moved(standing)) < 0.05
    for action in ACTIONS:
        assert max(moved([silhouette(action, t, look, size) for t in np.arange(0, 4, 0.25)])) > 0.08
