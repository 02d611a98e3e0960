"""The annotated video: labels at their events' beginnings, readable whatever the picture's size."""

import contextlib
import logging
from dataclasses import replace

import cv2
import numpy as np
import pytest

import edgevtn
from edgevtn.drawing import GREY, PALETTE, annotate, letter_height, write
from edgevtn.prediction import Event, Prediction
from edgevtn.region import Scene
from edgevtn.sinks import Video, video
from edgevtn.video import has_av

LABELS = ("walk", "wave")
#: Seconds of the windows, and by which an event is told after its start.
WINDOW, LATE = 1.2, 1.1


def prediction(timestamp, best, **more):
    probabilities = np.full(2, 0.1, np.float32)
    probabilities[best] = 0.9
    start = max(0.0, timestamp - WINDOW)
    return Prediction("m", LABELS[best], 0.9, probabilities, timestamp, start, LABELS, **more)


def write_video(file, size, rate=10, regions=("",)):
    """Six seconds: "walk" from 0, "wave" from 3 s on, both told late, as a detector does."""
    sink = Video(file, frame_rate=rate)
    H, W = size
    for n in range(6 * rate):
        timestamp = n / rate
        for k, region in enumerate(regions):
            sink.prediction(prediction(timestamp, int(timestamp > 3 + WINDOW / 2), region=region))
            if n == round(LATE * rate):
                sink.event(Event(2 * k + 1, "m", "walk", 0.0, None, 0.9, region=region))
            if n == round((3 + LATE) * rate):
                sink.event(Event(2 * k + 1, "m", "walk", 0.0, 3.0, 0.9, region=region))
                sink.event(Event(2 * k + 2, "m", "wave", 3.0, None, 0.9, region=region))
        sink.frame(np.full((H, W, 3), 90, np.uint8), timestamp)
    sink.close()
    with edgevtn.frames(file) as source:
        return list(source)


def is_color(pixels, color):
    return np.abs(pixels.reshape(-1, 3).astype(float).mean(axis=0) - color).max() < 40


def test_a_label_stands_from_its_events_start_on(tmp_path):
    frames = write_video(tmp_path / "v.mp4", (480, 640))
    assert len(frames) == 60
    for timestamp, picture in frames:
        mark = picture[480:500, :4]  # beside the label, in its color
        assert is_color(mark, PALETTE[0 if timestamp < 3 - 1e-6 else 1]), timestamp


@pytest.mark.parametrize("size", [(240, 320), (480, 640), (1920, 1080), (2160, 3840), (64, 64)])
def test_text_is_readable_and_in_the_picture(size):
    frame = np.full((*size, 3), 90, np.uint8)
    label = "clean and jerk, with a barbell"
    top, past = [(label, 0.99), ("b", 0.01)], [Event(1, "m", label, 0.0, None, 0.9)]
    picture = annotate(frame, label, 0.99, 12345.6, top=top, past=past)
    plain = annotate(frame, "", None, 0.0, top=[], past=[])
    assert picture.shape == plain.shape
    H, W = picture.shape[:2]
    height = letter_height(picture[: round(size[0] * W / size[1])])
    # As shown 700 pixels high, or 360 wide on a phone, capitals of the label are 9 pixels at least.
    assert height * min(700 / H, max(360 / W, 700 / H if H < W else 0)) >= 9
    band = picture[round(size[0] * W / size[1]) :]
    assert (band[: 2 * height, -max(2, height // 3) :] == band[0, -1]).all()  # nothing is cut off at the right end


def test_text_is_written_smaller_where_it_would_be_too_wide():
    picture = np.zeros((100, 2000, 3), np.uint8)
    assert write(picture, "a long label " * 3, (0, 80), 40, GREY, 300) <= 300
    assert picture[:, :300].any()
    assert not picture[:, 310:].any()


def test_several_views_have_a_bar_each(tmp_path):
    frames = write_video(tmp_path / "v.mp4", (480, 640), regions=("bed", "door"))
    _, picture = frames[20]
    band = cv2.cvtColor(picture[480:], cv2.COLOR_BGR2GRAY)
    alone = cv2.cvtColor(write_video(tmp_path / "w.mp4", (480, 640))[20][1][480:], cv2.COLOR_BGR2GRAY)
    assert band.shape == alone.shape
    assert np.abs(band.astype(int) - alone).mean() > 2


def test_a_model_that_was_taught_meanwhile_takes_the_place_of_the_one_before(tmp_path, monkeypatch):
    """It has another name, and labels of which that knew nothing."""
    drawn = []
    monkeypatch.setattr(video, "annotate", lambda frame, label, *_, **__: drawn.append(label) or frame)
    with Video(tmp_path / "v.mp4", frame_rate=10) as sink:
        for n in range(150):
            old = prediction(n / 10, 0)
            sink.prediction(old if n < 50 else replace(old, model="new", label="jump", labels=("walk", "jump")))
            if n == 40:  # of the labels of a model that comes later
                sink.event(Event(1, "m", "jump", 3.0, 4.0, 0.9))
            sink.frame(np.full((48, 64, 3), 90, np.uint8), n / 10)
    assert len(drawn) == 150
    assert drawn[0] == "walk"
    assert drawn[35].startswith("m: jump")
    assert drawn[-1] == "jump"


def test_frames_wait_no_longer_than_five_seconds_for_a_model_that_says_nothing(tmp_path):
    sink = Video(tmp_path / "v.mp4", frame_rate=10)
    for n in range(200):
        sink.frame(np.zeros((48, 64, 3), np.uint8), n / 10)
        assert len(sink._track("")._waiting) <= 51
    sink.close()
    with edgevtn.frames(tmp_path / "v.mp4") as source:
        assert sum(1 for _ in source) == 200


@pytest.mark.parametrize(("failure", "least", "most"), [(None, 50, 50), (OSError, 50, 50), (KeyboardInterrupt, 1, 20)])
def test_ctrl_c_waits_for_what_can_be_written_at_once(tmp_path, monkeypatch, failure, least, most):
    now = 0.0

    def drawn(*arguments, **more):
        nonlocal now
        now += 0.02
        return annotate(*arguments, **more)

    monkeypatch.setattr(video, "annotate", drawn)
    monkeypatch.setattr(video.time, "monotonic", lambda: now)
    with contextlib.suppress(OSError, KeyboardInterrupt), Video(tmp_path / "v.mp4", frame_rate=10) as sink:
        for source in ("a", "b"):
            for n in range(50):
                sink.frame(np.zeros((48, 64, 3), np.uint8), n / 10, Scene(source))
        if failure is not None:
            raise failure
    for source in ("a", "b"):
        with edgevtn.frames(tmp_path / f"v-{source}.mp4") as pictures:
            assert least <= sum(1 for _ in pictures) <= most


def test_it_is_said_once_that_browsers_do_not_play_it(tmp_path, monkeypatch, caplog):
    assert has_av()
    monkeypatch.setattr("edgevtn.sinks.video.has_av", lambda: False)
    video._say_what_browsers_play.cache_clear()
    with caplog.at_level(logging.WARNING):
        for name in ("a", "b"):
            Video(tmp_path / f"{name}.mp4").frame(np.zeros((48, 64, 3), np.uint8), 0.0)
    video._say_what_browsers_play.cache_clear()
    assert caplog.text.count("edgevtn[video]") == 1
