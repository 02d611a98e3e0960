"""The Pi's camera, with a stand-in for picamera2 that has its signatures."""

import ast
import json
import runpy
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
from picamera2_double import CompletedRequest, Picamera2

import edgevtn
from edgevtn import SourceError, frames
from edgevtn.errors import MissingExtraError
from edgevtn.sources.picamera import PiCamera

ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "tests" / "support"
EXAMPLE = ROOT / "examples" / "pi_camera.py"


@pytest.fixture
def picamera2(monkeypatch):
    module = types.ModuleType("picamera2")
    module.Picamera2 = Picamera2
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return module


def signatures():
    """What the script reads from the real package, and what it reads from the stand-in."""
    script = runpy.run_path(str(ROOT / "scripts" / "picamera2_signatures.py"))
    real = json.loads((SUPPORT / "picamera2_signatures.json").read_text())
    return real, script["signatures"]((SUPPORT / "picamera2_double.py").read_text())


def test_the_stand_in_has_the_signatures_of_picamera2():
    real, double = signatures()
    assert real.pop("version")
    assert double == real
    assert set(real) == {"Picamera2", "CompletedRequest"}
    assert real["Picamera2"]["capture_request"] == "self, wait=None, signal_function=None, flush=None"


def test_only_what_is_known_of_picamera2_is_called():
    real, _ = signatures()
    called = {"Picamera2": set(), "CompletedRequest": set()}
    owners = {"self._camera": "Picamera2", "request": "CompletedRequest"}
    for node in ast.walk(ast.parse((ROOT / "edgevtn" / "sources" / "picamera.py").read_text())):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in owners:
            called[owners[ast.unparse(node.value)]].add(node.attr)
    assert called["Picamera2"] == {"create_video_configuration", "configure", "start", "capture_request", "close"}
    assert called["CompletedRequest"] == {"make_array", "get_metadata", "release"}
    for name, methods in called.items():
        assert methods <= real[name].keys()


@pytest.mark.parametrize("method", ["global_camera_info", "capture_request"])
def test_the_script_reads_the_implementation_of_a_wheel(tmp_path, method):
    script = runpy.run_path(str(ROOT / "scripts" / "picamera2_signatures.py"))
    double = (SUPPORT / "picamera2_double.py").read_text()
    overloaded = double.replace(
        "    def capture_request(",
        "    @overload\n    def capture_request(self, wait: None = ...): ...\n\n    def capture_request(",
    )
    with zipfile.ZipFile(tmp_path / "picamera2-1.2.3-py3-none-any.whl", "w") as wheel:
        wheel.writestr("picamera2/picamera2.py", overloaded)
        wheel.writestr("picamera2/request.py", overloaded)
    got = script["of_wheel"](tmp_path / "picamera2-1.2.3-py3-none-any.whl")
    assert got["version"] == "1.2.3"
    assert got["Picamera2"][method] == script["signatures"](double)["Picamera2"][method]
    with zipfile.ZipFile(tmp_path / "picamera2-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("picamera2/picamera2.py", double.replace(f"def {method}", "def other"))
        wheel.writestr("picamera2/request.py", "")
    with pytest.raises(ValueError, match=method):
        script["of_wheel"](tmp_path / "picamera2-1-py3-none-any.whl")


def test_frames_are_bgr_at_the_sensors_time(picamera2):
    camera = PiCamera(patience=1.0)
    for n in range(Picamera2.delivers):
        captured, frame = camera.read()
        assert captured == pytest.approx(5 + (n + 1) / 30)
        assert frame[0, 0].tolist() == [255, 0, 0]  # blue, in OpenCV's order
        assert CompletedRequest.held == 0
    with pytest.raises(SourceError, match="stopped delivering"):
        camera.read()
    camera.close()


def test_a_camera_that_falls_silent_is_opened_again(picamera2, monkeypatch):
    opened = []

    class Counted(Picamera2):
        def __init__(self):
            super().__init__()
            opened.append(self)

        def capture_request(self, wait=None, signal_function=None, flush=None):
            request = super().capture_request(wait)
            shade = 10 * len(opened) + self.number  # no picture twice
            request.make_array = lambda name: np.full((480, 640, 3), shade, np.uint8)
            return request

    picamera2.Picamera2 = Counted
    with frames("picamera") as source:
        for _, frame in source:
            if frame[0, 0, 0] > 30:
                break
    assert len(opened) >= 3
    assert not any(camera.started for camera in opened)
    assert CompletedRequest.held == 0


def test_blue_reaches_an_rgb_model_as_blue(picamera2, tiny):
    recognizer = edgevtn.Recognizer(tiny, start="repeat")
    with frames("picamera") as source:
        timestamp, frame = next(iter(source))
        recognizer(frame, timestamp)
    (picture,) = recognizer._parts.pictures.values()
    red, green, blue = picture.pixels[0, :, 0, 0]
    assert (red, green, blue) == (0, 0, 255)


def test_no_camera(picamera2, monkeypatch):
    monkeypatch.setattr(Picamera2, "global_camera_info", staticmethod(list))
    with pytest.raises(SourceError, match=r"No camera number 0 found.*rpicam-hello"):
        frames("picamera")


def test_no_camera_as_older_versions_say_it(picamera2, monkeypatch):
    def none(self):
        raise IndexError("list index out of range")

    monkeypatch.setattr(Picamera2, "__init__", none)
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
