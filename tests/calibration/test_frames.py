"""Frames sampled over clips and over time."""

import itertools

import cv2
import numpy as np
import pytest

import edgevtn
from edgevtn.calibration import sample_frames
from edgevtn.kernels.difference import difference
from edgevtn.kernels.prepare import Prepare


@pytest.fixture(scope="module")
def demo_frames(demo_clip):
    """Every frame of the demo clip, prepared, by its time."""
    prepare, found = Prepare(64), {}
    with edgevtn.frames(demo_clip) as source:
        for seconds, frame in source:
            found[seconds] = np.empty((1, 3, 64, 64), np.uint8)
            prepare(frame, found[seconds])
    return found


def test_the_seed_says_which_frames(demo_clip):
    a, b, c = (sample_frames([demo_clip], 5, 64, seed=seed) for seed in (1, 1, 2))
    assert [sample.seconds for sample in a] == [sample.seconds for sample in b]
    assert [sample.seconds for sample in a] != [sample.seconds for sample in c]
    for first, second in zip(a, b, strict=True):
        np.testing.assert_array_equal(first.pixels, second.pixels)


def test_a_sample_is_the_frame_of_its_moment(demo_clip, demo_frames):
    samples = sample_frames([demo_clip], 40, 64)
    assert len({sample.seconds for sample in samples}) == 40
    for sample in samples:
        assert sample.clip == demo_clip
        np.testing.assert_array_equal(sample.pixels, demo_frames[sample.seconds])


@pytest.mark.parametrize("difference_interval", [0.04, 0.1, 0.5])
def test_a_difference_is_to_the_frame_nearest_to_the_older_moment(demo_clip, demo_frames, difference_interval):
    times = np.array(list(demo_frames))
    samples = sample_frames([demo_clip], 30, 64, difference_interval=difference_interval)
    assert len(samples) == 30
    for sample in samples:
        older = times[np.abs(times - sample.seconds + difference_interval).argmin()]
        expected = difference(demo_frames[sample.seconds], demo_frames[older])
        np.testing.assert_array_equal(sample.pixels, expected)


def test_every_moment_is_as_likely(tmp_path):
    """Six frames, two at a time: each is in a third of the choices."""
    (tmp_path / "clip").mkdir()
    for n in range(6):
        cv2.imwrite(str(tmp_path / "clip" / f"{n}.png"), np.full((8, 8, 3), n, np.uint8))
    samples = [sample_frames([tmp_path / "clip"], 2, 32, seed=seed) for seed in range(600)]
    counts = np.bincount([sample.pixels[0, 0, 0, 0] for sample in itertools.chain(*samples)], minlength=6)
    assert counts.sum() == 1200
    # Four deviations of a binomial distribution with mean 200.
    assert np.abs(counts - 200).max() < 4 * np.sqrt(600 * 1 / 3 * 2 / 3)


def test_fewer_frames_than_wanted(tmp_path):
    (tmp_path / "clip").mkdir()
    for n in range(3):
        cv2.imwrite(str(tmp_path / "clip" / f"{n}.png"), np.full((8, 8, 3), n, np.uint8))
    samples = sample_frames([tmp_path / "clip"], 9, 32)
    assert sorted(sample.pixels[0, 0, 0, 0] for sample in samples) == [0, 1, 2]


def test_what_cannot_be_sampled():
    with pytest.raises(ValueError, match="at least one clip"):
        sample_frames([], 5, 64)
    with pytest.raises(edgevtn.SourceError):
        sample_frames(["nothing.mp4"], 5, 64)
