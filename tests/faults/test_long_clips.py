"""A long clip is never in memory as frames, and gives the same as a short one that is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tiny import moving_frames

from edgevtn import SourceError, frames

pytest.importorskip("tqdm")
from edgevtn.training.data.clip import ClipFrames


@pytest.fixture
def clip(tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "x.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for frame in moving_frames(40):
        writer.write(frame)
    writer.release()
    return tmp_path / "x.avi"


@pytest.mark.parametrize("kept", [2**30, 0], ids=["in memory", "decoded again"])
def test_frames_and_times_are_those_of_the_file(clip, kept):
    with frames(clip) as source:
        times, expected = zip(*source, strict=True)
    with ClipFrames(clip, kept=kept, recent=5 * 64 * 48 * 3) as got:
        assert len(got) == 40
        np.testing.assert_array_equal(got.times, times)
        for n in (0, 1, 5, 4, 20, 18, 39, 0, 39, -1, 7):  # rising, a little back, and from the beginning
            np.testing.assert_array_equal(got[n], expected[n])
        np.testing.assert_array_equal(got[3:9:2], expected[3:9:2])
        with pytest.raises(IndexError):
            got[40]


def test_few_frames_are_alive_at_a_time(clip):
    with ClipFrames(clip, kept=0, recent=5 * 64 * 48 * 3) as got:
        for n in range(40):
            got[n]
            assert len(got._recent) <= 5


def test_what_cannot_be_read_is_told(tmp_path):
    with pytest.raises(SourceError):
        ClipFrames(tmp_path / "none.avi")
