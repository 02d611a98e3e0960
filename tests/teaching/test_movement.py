"""A label begins only where something moves as it did in its takes."""

import itertools

import numpy as np
import pytest

from edgevtn import EventDetector, Prediction, Recognizer, teach, watch
from edgevtn.bundle import TWO_STREAM, load_streams
from edgevtn.teaching import Example
from edgevtn.teaching.fit import Material
from edgevtn.teaching.movement import ENOUGH, SHARE, least_movements

W = 8


def material(clips, classes, modality="rgb"):
    return Material(clips, np.array(classes), np.arange(len(clips)), 12.5, ("a", "b"), 2, 224, modality)


def steps(*sizes):
    """A clip whose every feature grows by these sizes from frame to frame."""
    return np.repeat(np.cumsum([0.0, *sizes])[:, None], W, axis=1).astype(np.float32)


def test_the_take_that_moves_least_decides_and_few_takes_do_not():
    some = [steps(0.1, 0.5, 0.2), steps(0.0, -0.3, 0.1), steps(0.4)]
    few = [steps(0.2)] * (ENOUGH - 1)
    assert len(some) == ENOUGH
    found = least_movements(material([*some, *few], [0] * len(some) + [1] * len(few)), 12.5, 4)
    assert found == pytest.approx((SHARE * 0.3, 0, 0, 0), abs=1e-5)


def test_at_half_the_rate_a_change_is_that_of_two_frames():
    found = least_movements(material([steps(0.1, 0.2, -0.1, 0.0)] * ENOUGH, [0] * ENOUGH), 6.25, 2)
    assert found == pytest.approx((SHARE * 0.3, 0), abs=1e-5)


def test_a_clip_of_one_frame_moves_nothing():
    assert least_movements(material([steps()] * ENOUGH, [0] * ENOUGH), 6.25, 2) == (0, 0)


def test_differences_are_no_movement_of_the_frame():
    clips = [np.concatenate([steps(0.1, 0.0), steps(9.0, 1.0)], axis=1)] * ENOUGH
    assert least_movements(material(clips, [0] * ENOUGH, TWO_STREAM), 12.5, 2) == pytest.approx((SHARE * 0.1, 0))


def test_what_moves_hardly_more_than_the_rest_may_begin_anywhere():
    """Noise is no movement: somebody who lies changes as little as the calmest tenth of all frames."""
    lying = [steps(*np.random.default_rng(n).uniform(0.1, 0.14, 20)) for n in range(ENOUGH)]
    falling = [steps(*[0.1] * 10, 0.5, *[0.1] * 10) for _ in range(ENOUGH)]
    found = least_movements(material([*lying, *falling], [0] * ENOUGH + [1] * ENOUGH), 12.5, 2)
    assert found == pytest.approx((0, SHARE * 0.5))


def dot(n, moving):
    """A bright square that goes to and fro, or stands."""
    frame = np.full((96, 128, 3), 40, np.uint8)
    x = 20 + (abs(n % 20 - 10) * 6 if moving else 30)
    frame[30:60, x : x + 24] = 220
    return frame


def noisy(seconds, moving, seed):
    rng = np.random.default_rng(seed)
    for n in range(round(12.5 * seconds)):
        yield n / 12.5, np.clip(dot(n, moving) + rng.normal(0, 1.5, (96, 128, 3)).round(), 0, 255).astype(np.uint8)


def test_what_stands_is_told_though_nothing_of_it_is_encoded(tmp_path):
    """A camera's noise is in its takes, and not in features that are used again."""
    every = itertools.product(("goes", "stands"), range(3))
    examples = [Example(list(noisy(2, name == "goes", seed)), name, f"take {seed}") for name, seed in every]
    teach(examples, threads=1, make_nothing=False).save(tmp_path / "model")
    recognizer = Recognizer(tmp_path / "model", threads=1)
    scene = [*noisy(3, True, 7), *((3 + t, frame) for t, frame in noisy(6, False, 8))]
    assert any(prediction.reused for prediction in recognizer.stream(scene))
    told = watch(scene, recognizer=recognizer)
    assert [event.label for event in told if event.end is not None] == ["goes", "stands"]


def test_what_stands_does_not_begin_what_always_moved(tmp_path):
    """Moving or still cannot be told apart by "mean": the label would be an event, if it were not for its movement."""

    def clip(seconds, moving, seed):
        rng = np.random.default_rng(seed)
        for n in range(round(12.5 * seconds)):
            yield n / 12.5, np.clip(dot(n, moving) + rng.integers(-2, 3), 0, 255).astype(np.uint8)

    def blank(seconds, seed):
        for n in range(round(12.5 * seconds)):
            yield n / 12.5, np.full((96, 128, 3), 150 + seed, np.uint8)

    examples = [Example(list(clip(2, True, seed)), "dot", f"take {seed}") for seed in range(3)]
    examples += [Example(list(blank(2, seed)), "blank", f"take {seed}") for seed in range(3)]
    taught = teach(examples, threads=1, make_nothing=False)
    least = dict(zip(taught.labels, taught.facts.moves, strict=True))
    assert least["dot"] > 0
    assert least["unknown"] == 0
    taught.save(tmp_path / "model")
    frames, differences = load_streams(tmp_path / "model")
    assert (frames.model.head.moves, differences.model.head.moves) == (taught.facts.moves, ())

    recognizer = Recognizer(tmp_path / "model", threads=1, stillness=False)
    moved = list(recognizer.stream(clip(3, True, 9)))
    assert any("dot" not in prediction.calm for prediction in moved)
    recognizer.reset()
    stood = list(recognizer.stream(clip(3, False, 9)))
    assert all("dot" in prediction.calm for prediction in stood)
    assert stood[-1].to_dict()["calm"] == list(stood[-1].calm)
    easily = EventDetector(enter=0.1, leave=0.05)
    for moving in (True, False):
        told = watch(clip(3, moving, 9), recognizer=recognizer, detector=easily)
        assert ("dot" in {event.label for event in told}) == moving
        easily.reset()


def test_a_label_that_is_calm_begins_nothing_and_ends_no_other():
    detector, events = EventDetector(enter=0.4, leave=0.2, min_duration=0), []
    for n in range(40):
        values = np.array((0.42, 0.46, 0.12) if n >= 10 else (0.6, 0.2, 0.2), np.float32)
        calm = () if n >= 25 else ("b",)  # from then on it moves enough
        events += detector.update(Prediction("m", "", 0.0, values, n / 10, n / 10 - 0.4, ("a", "b", "c"), calm=calm))
    events += detector.finish()
    first, second = (event for event in events if event.end is not None)
    assert (first.label, second.label) == ("a", "b")
    assert second.start == first.end == pytest.approx(2.3)  # the middle of the window in which it moves
