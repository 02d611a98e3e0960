"""What a new user types before reading works, or is answered with the right call: a test for each guess."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny import moving_frames

import edgevtn
from edgevtn.cli.main import main
from edgevtn.sinks import annotate
from edgevtn.sources import Camera

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    file = tmp_path_factory.mktemp("clips") / "clip.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for frame in moving_frames(20):
        writer.write(frame)
    writer.release()
    return file


def test_a_second_recording_by_its_name_begins_anew(recognizer, demo_clip):
    first, second = ([p.timestamp for p in recognizer.stream(demo_clip)] for _ in range(2))
    assert first == second


def test_a_frame_without_a_time(recognizer):
    frame = moving_frames(1)[0]
    for call in (recognizer, recognizer.predictions):
        with pytest.raises(edgevtn.TimestampError, match=r"time\.monotonic\(\).*n / 25.*stream"):
            call(frame)
    assert recognizer(frame, 0.0) is None  # and the stream goes on


def test_stream_takes_a_name(recognizer, clip):
    with edgevtn.frames(clip) as source:
        expected = [prediction.timestamp for prediction in recognizer.stream(source)]
    for name in (str(clip), clip):
        recognizer.reset()
        assert [prediction.timestamp for prediction in recognizer.stream(name)] == expected
    assert len(expected) == 17


def test_stream_takes_a_camera(recognizer):
    with pytest.raises(edgevtn.SourceError, match="camera 97 cannot be opened"):
        next(recognizer.stream(97))


def test_stream_closes_what_it_opened(recognizer, clip, monkeypatch):
    closed = []
    monkeypatch.setattr(Camera, "close", lambda self: closed.append(self))
    predictions = recognizer.stream(clip)
    next(predictions)
    predictions.close()
    assert len(closed) == 1
    with edgevtn.frames(clip) as source:
        list(recognizer.stream(source) if not recognizer.reset() else ())
        assert len(closed) == 1  # it was opened by someone else


def test_model_by_its_name(tiny):
    assert edgevtn.Recognizer(model=tiny, threads=1).model.name == "tiny"
    with pytest.raises(ValueError, match="model must be the folder of a bundle, or a list of such folders, got int"):
        edgevtn.Recognizer(model=5)


def test_list_models():
    with pytest.raises(AttributeError, match="edgevtn fetch lists the published models"):
        edgevtn.list_models()
    with pytest.raises(ImportError):
        exec("from edgevtn import list_models", {})


def test_drawing_has_a_public_name(recognizer, clip):
    with pytest.raises(AttributeError, match=r"edgevtn\.sinks\.annotate"):
        edgevtn.annotate(None)
    frame = moving_frames(1)[0]
    untouched = frame.copy()
    prediction = next(recognizer.stream(clip))
    with_label, without = annotate(frame, prediction), annotate(frame, None)
    assert with_label.shape == without.shape
    assert with_label.dtype == np.uint8
    assert (with_label != without).any()
    assert (frame == untouched).all()
    with pytest.raises(edgevtn.FrameError):
        annotate("clip.mp4", prediction)


@pytest.mark.parametrize("name", ["recognizers", "Recogniter"])
def test_a_name_with_a_slip_is_no_other(name):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'$"):
        getattr(edgevtn, name)


def test_labels(recognizer):
    assert recognizer.labels == recognizer.model.labels == ("a", "b", "c")
    assert recognizer.another().labels == recognizer.labels


def test_a_prediction_as_json(recognizer, clip):
    prediction = next(recognizer.stream(clip))
    record = json.loads(json.dumps(prediction.to_dict()))
    assert record["timestamp"] == 0.3
    assert record["probabilities"].keys() == {"a", "b", "c"}
    assert sum(record["probabilities"].values()) == pytest.approx(1, abs=0.001)
    assert record["probabilities"][prediction.top(1)[0][0]] == record["score"]
    assert record["reused"] is False
    assert "moments" not in record


def test_an_event_as_json():
    event = edgevtn.Event(3, "m", "walk", 1.00049, None, float("nan"))
    record = json.loads(json.dumps(event.to_dict()), parse_constant=pytest.fail)
    assert record["event"] == "begin"
    assert (record["start"], record["end"], record["score"]) == (1.0, None, None)
    ended = edgevtn.Event(3, "m", "walk", 1.00049, 2.71849, 0.5, source="hall").to_dict()
    assert (ended["event"], ended["end"], ended["source"]) == ("end", 2.718, "hall")


def test_with(tiny, clip):
    with edgevtn.Recognizer(tiny, threads=1) as recognizer:
        assert len(list(recognizer.stream(clip))) == 17
    assert len(list(recognizer.stream(clip))) == 17  # it has forgotten the frames, and goes on
    with edgevtn.sinks.Text() as sink, edgevtn.frames(clip) as source:
        assert next(iter(source))[0] == 0
        assert isinstance(sink, edgevtn.Sink)


def test_a_detector_is_called(recognizer, clip):
    called, updated = (edgevtn.EventDetector(enter=0.34, leave=0.3, min_duration=0) for _ in range(2))
    predictions = list(recognizer.stream(clip))
    assert [called(p) for p in predictions] == [updated.update(p) for p in predictions]
    assert called.finish() == updated.finish()
    for wrong in (None, "walk"):
        with pytest.raises(TypeError, match="if prediction is not None"):
            called(wrong)


def test_reprs_help(recognizer, clip, tmp_path):
    assert repr(recognizer) == (
        "<Recognizer 'tiny': a, b, c; 10 Hz, windows of 0.3 s, onnxruntime, 1 threads, head fp32>"
    )
    prediction = next(recognizer.stream(clip))
    assert repr(prediction).startswith("Prediction(label=")
    assert "timestamp=0.300, window_start=0.000, model='tiny'" in repr(prediction)
    assert "array" not in repr(prediction)
    event = edgevtn.Event(3, "m", "walk", 1.0, None, 0.5, region="door")
    assert repr(event) == "Event(id=3, label='walk', start=1.000, end=None, score=0.500, model='m', region='door')"
    with edgevtn.frames(clip) as source:
        assert repr(source) == "<Camera clip.avi: 64x48, 10 Hz, 2.000 s>"
    with edgevtn.frames(iter([])) as source:
        assert "Camera" in repr(source)


def test_a_repr_has_no_password():
    address = "rtsp://admin:geheim@localhost:1/a"
    with Camera(address, wait=True) as source:
        assert repr(source) == "<Camera localhost: live>"


def test_sources_know_themselves(clip, tmp_path):
    with edgevtn.frames(clip) as source:
        assert (source.frame_rate, source.size, source.duration) == (10, (64, 48), 2.0)
    for n, frame in enumerate(moving_frames(4)):
        cv2.imwrite(str(tmp_path / f"{n}.png"), frame)
    with edgevtn.frames(tmp_path, frame_rate=8) as source:
        assert (source.frame_rate, source.size, source.duration) == (8, None, 0.5)
        next(iter(source))
        assert source.size == moving_frames(1)[0].shape[1::-1]
    with edgevtn.frames([(0.0, moving_frames(1)[0])]) as source:
        assert (source.frame_rate, source.size, source.duration) == (None, None, None)

    class Own(edgevtn.Source):
        def __init__(self):
            self.frame_rate = 30.0  # sets what it knows

        def __iter__(self):
            return iter([])

    assert repr(Own()) == "<Own: 30 Hz>"


def test_too_many_threads(clip, tiny, capsys):
    assert main(["run", str(clip), "--model", str(tiny), "--threads", "100000"]) == 1
    error = capsys.readouterr().err
    assert "threads must be a whole number from 1 to 128" in error
    assert "got 100000" in error


@pytest.mark.parametrize("command", [["train", "-o", "mine"], ["crossval"]], ids=["train", "crossval"])
def test_a_folder_with_one_label_teaches_nothing(command, clip, tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch")
    (tmp_path / "clips" / "walk").mkdir(parents=True)
    (tmp_path / "clips" / "empty").mkdir()
    for n in range(3):
        shutil.copy(clip, tmp_path / "clips" / "walk" / f"{n}.avi")
    monkeypatch.chdir(tmp_path)
    assert main([*command, "clips"]) == 1
    error = capsys.readouterr().err
    assert "expected clips of two labels or more, got 3 of walk alone" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "mine").exists()


def test_the_pi_camera_on_a_pc():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert all("platform_machine == 'aarch64'" in line for line in extras["picamera"])  # elsewhere nothing is built


def test_import_inside_a_checkout_that_is_not_installed(tmp_path):
    shutil.copytree(ROOT / "edgevtn", tmp_path / "edgevtn", ignore=shutil.ignore_patterns("data", "__pycache__"))
    for arguments in (["-c", "import edgevtn"], ["-m", "edgevtn", "run", "0"]):
        # -S: without the packages that are installed, edgevtn among them
        done = subprocess.run(
            [sys.executable, "-S", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 1
        assert "pip install -e ." in done.stderr.splitlines()[-1]
