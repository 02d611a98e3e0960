"""Videos run as fast as their source, and are there whole or not at all."""

import sys

import cv2
import numpy as np
import pytest
from tiny import moving_frames

from edgevtn.drawing import annotate
from edgevtn.errors import OutputError
from edgevtn.video import LONGEST_GAP, VideoWriter


def read(file):
    capture = cv2.VideoCapture(str(file))
    codec = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode()
    frames = []
    while (got := capture.read())[0]:
        frames.append(got[1])
    capture.release()
    return codec, frames


@pytest.fixture(params=["av", "opencv"])
def encoder(request, monkeypatch):
    if request.param == "opencv":
        monkeypatch.setitem(sys.modules, "av", None)
    else:
        pytest.importorskip("av")
    return request.param


def test_pictures_come_back(encoder, tmp_path):
    shown = [cv2.resize(frame, (128, 96), interpolation=cv2.INTER_CUBIC) for frame in moving_frames(10, 6, 8)]
    writer = VideoWriter(tmp_path / "x.mp4", 25)
    for n, frame in enumerate(shown):
        writer.write(frame, 100 + n / 25)
    writer.close()
    codec, got = read(tmp_path / "x.mp4")
    assert codec == {"av": "avc1", "opencv": "FMP4"}[encoder] or codec == {"av": "h264", "opencv": "mp4v"}[encoder]
    assert len(got) == 10
    for a, b in zip(shown, got, strict=True):
        assert np.abs(a.astype(int) - b).mean() < 12
    assert [file.name for file in tmp_path.iterdir()] == ["x.mp4"]


def test_odd_sides_and_uneven_times(encoder, tmp_path):
    writer = VideoWriter(tmp_path / "x.mp4", 10)
    for timestamp in (0.0, 0.5, 0.51, 0.52, 2.0):
        writer.write(moving_frames(1, 49, 65)[0], timestamp)
    writer.close()
    assert len(read(tmp_path / "x.mp4")[1]) == 21


def test_a_clock_that_jumps_does_not_fill_the_disk(encoder, tmp_path):
    writer = VideoWriter(tmp_path / "x.mp4", 10)
    for timestamp in (0.0, 1e9, 1e9 + 0.1, 5.0):
        writer.write(moving_frames(1)[0], timestamp)
    writer.close()
    assert len(read(tmp_path / "x.mp4")[1]) == 1 + 10 * LONGEST_GAP + 1


def test_what_is_discarded_leaves_the_old_file(encoder, tmp_path):
    (tmp_path / "x.mp4").write_bytes(b"old")
    writer = VideoWriter(tmp_path / "x.mp4", 10)
    writer.write(moving_frames(1)[0], 0.0)
    writer.discard()
    assert (tmp_path / "x.mp4").read_bytes() == b"old"
    VideoWriter(tmp_path / "none.mp4", 10).close()
    assert [file.name for file in tmp_path.iterdir()] == ["x.mp4"]


def test_no_such_folder(encoder, tmp_path):
    writer = VideoWriter(tmp_path / "no" / "x.mp4", 10)
    with pytest.raises(OutputError, match=r"x\.mp4: cannot be written"):
        writer.write(moving_frames(1)[0], 0.0)
    writer.close()


@pytest.mark.parametrize("shape", [(4096, 2), (3000, 1), (2, 4096), (1, 1), (5, 7)])
def test_frames_of_any_shape_are_annotated_within_bounds(shape):
    frame = np.zeros((*shape, 3), np.uint8)
    picture = annotate(frame, "walk", 0.9, 1.0, top=[("walk", 0.9), ("run", 0.1)], past=[])
    assert picture.shape[0] < 6000
    assert 160 <= picture.shape[1] <= 4096
