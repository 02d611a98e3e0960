"""The Pi's camera, with a stand-in for picamera2 that behaves as its documentation says."""

import runpy
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import edgevtn
from edgevtn import SourceError, frames
from edgevtn.errors import MissingExtraError

EXAMPLE = Path(__file__).parents[2] / "examples" / "pi_camera.py"


class Request:
    held = 0

    def __init__(self, number):
        self.number = number
        Request.held += 1

    def make_array(self, name):
        assert name == "main"
        # libcamera's "RGB888" in memory: blue first. Here: a pure blue picture.
        return np.full((480, 640, 3), (255, 0, 0), np.uint8)

    def get_metadata(self):
        return {"SensorTimestamp": 5_000_000_000 + self.number * 33_333_333}

    def release(self):
        Request.held -= 1


class Picamera2:
    delivers = 5

    def create_video_configuration(self, main):
        return main

    def configure(self, configuration):
        assert configuration["format"] == "RGB888"  # which arrives as B, G, R; "BGR888" would arrive as R, G, B

    def start(self):
        self.number = 0

    def capture_request(self, wait):
        assert wait > 0
        self.number += 1
        if self.number > self.delivers:
            raise TimeoutError
        return Request(self.number)

    def close(self):
        pass


@pytest.fixture
def picamera2(monkeypatch):
    module = types.ModuleType("picamera2")
    module.Picamera2 = Picamera2
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return module


def test_frames_are_bgr_at_the_sensors_time(picamera2):
    got = []
    with frames("picamera") as source, pytest.raises(SourceError, match="stopped delivering"):
        for timestamp, frame in source:
            got.append(timestamp)
            assert frame[0, 0].tolist() == [255, 0, 0]  # blue, in OpenCV's order
            assert Request.held == 0
    assert got == pytest.approx([n / 30 for n in range(5)], abs=1e-6)


def test_blue_reaches_an_rgb_model_as_blue(picamera2, tiny):
    recognizer = edgevtn.Recognizer(tiny, start="repeat")
    with frames("picamera") as source:
        timestamp, frame = next(iter(source))
        recognizer(frame, timestamp)
    (picture,) = recognizer._pictures.values()
    red, green, blue = picture.pixels[0, :, 0, 0]
    assert (red, green, blue) == (0, 0, 255)


def test_no_camera(picamera2, monkeypatch):
    def none(self):
        raise IndexError("list index out of range")

    monkeypatch.setattr(Picamera2, "__init__", none, raising=False)
    with pytest.raises(SourceError, match="rpicam-hello"):
        frames("picamera")


def test_without_picamera2(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(MissingExtraError, match=r"edgevtn\[picamera\]"):
        frames("picamera")


def test_example_on_a_file(demo_clip, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["pi_camera.py", "--source", str(demo_clip)])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert {(line[2], line[3]) for line in lines} >= {
        (label, what) for label in ("walk", "wave2", "bend", "jack") for what in ("begins", "ended")
    }


def test_example_tells_errors_in_a_line(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pi_camera.py", "--source", "nothing.mp4"])
    with pytest.raises(SystemExit, match=r"error: nothing\.mp4: does not exist"):
        runpy.run_path(str(EXAMPLE), run_name="__main__")
