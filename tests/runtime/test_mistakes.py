"""Things that people and damaged files do wrong: nothing is lost, and the reason is told."""

import dataclasses
import hashlib
import io
import itertools
import json
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from tiny import random_head, tiny_encoder, tiny_facts

import edgevtn
from edgevtn.bundle import load_bundle, write_bundle
from edgevtn.cli.main import main
from edgevtn.prediction import Prediction
from edgevtn.sinks import JsonLines, StopWatching
from edgevtn.video import VideoWriter


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    place, facts = tmp_path_factory.mktemp("tiny") / "bundle", tiny_facts()
    write_bundle(place, facts, tiny_encoder().SerializeToString(), random_head(facts))
    return place


def pairs(count, interval=0.1, first=0.0):
    rng = np.random.default_rng(0)
    return ((first + n * interval, rng.integers(0, 256, (48, 64, 3), np.uint8)) for n in range(count))


def test_a_second_model_is_checked_against_the_encoder_that_it_shares(tiny, tmp_path):
    bundle = load_bundle(tiny)
    other = tmp_path / "other"
    other.mkdir()
    for file in tiny.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    facts = json.loads((tiny / "model.json").read_text())
    facts["encoder"]["input_size"] = 2 * bundle.model.encoder.input_size
    (other / "model.json").write_text(json.dumps(facts))
    with pytest.raises(edgevtn.BundleError, match="to agree with model.json"):
        edgevtn.Recognizer([tiny, other])


def test_names_of_models_never_collide(tiny, tmp_path):
    numbered = tmp_path / "numbered"
    numbered.mkdir()
    for file in tiny.iterdir():
        (numbered / file.name).write_bytes(file.read_bytes())
    facts = json.loads((tiny / "model.json").read_text())
    facts["name"] += " (2)"
    (numbered / "model.json").write_text(json.dumps(facts))
    assert len(edgevtn.Recognizer([numbered, tiny, tiny]).models) == 3


def test_a_folder_with_other_things_is_never_replaced(tiny, tmp_path):
    bundle = load_bundle(tiny)
    (tmp_path / "model.json").write_text("{}")
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match=r"thesis\.txt"):
        write_bundle(tmp_path, bundle.model.to_dict(), bundle.encoder, bundle.head)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_kind_of_head_that_is_not_known_is_refused(tiny, tmp_path):
    bundle = load_bundle(tiny)
    facts = bundle.model.to_dict()
    facts["head"]["kind"] = "forest"
    with pytest.raises(edgevtn.BundleError, match="forest"):
        write_bundle(tmp_path / "new", facts, bundle.encoder, bundle.head)


def _npy(descr="<f4", shape=(3,), body=b"\0" * 12):
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": descr, "fortran_order": False, "shape": shape})
    return content.getvalue() + body


@pytest.mark.parametrize(
    "array",
    [_npy(shape=(10**13,)), _npy(shape=(10**30,)), b"no array at all", b"", _npy(body=b"\0"), _npy(descr="<f8")],
    ids=["huge", "absurd", "no magic", "empty", "cut", "float64"],
)
def test_an_archive_that_lies_is_refused(tiny, tmp_path, array):
    with np.load(tiny / "head.npz") as archive:
        names = archive.files
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(f"{name}.npy", array)
    for file in tiny.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "head.npz").write_bytes(content.getvalue())
    facts = json.loads((tiny / "model.json").read_text())
    facts["sha256"]["head.npz"] = hashlib.sha256(content.getvalue()).hexdigest()
    (tmp_path / "model.json").write_text(json.dumps(facts))
    with pytest.raises(edgevtn.BundleError, match="head.npz"):
        load_bundle(tmp_path)


@pytest.mark.parametrize("rate", [5e-324, 0.001, 1000])
def test_a_rate_that_no_action_has_is_refused(tiny, tmp_path, rate):
    bundle = load_bundle(tiny)
    with pytest.raises(edgevtn.BundleError, match="frame_rate"):
        write_bundle(tmp_path / "b", bundle.model.to_dict() | {"frame_rate": rate}, bundle.encoder, bundle.head)


def test_a_precision_is_checked_whatever_the_head(tiny):
    with pytest.raises(ValueError, match="int4"):
        edgevtn.Recognizer(tiny, precision="int4")


@pytest.mark.parametrize("first", [0.0, 1.7e9])
def test_seconds_count_from_the_first_frame(tiny, first):
    seen = []
    sink = SimpleNamespace(frame=lambda frame, timestamp: seen.append(timestamp))
    list(edgevtn.watch(pairs(30, first=first), tiny, sinks=[sink], seconds=1.05))
    assert len(seen) == 11


def test_seconds_that_end_nothing_are_refused(tiny):
    for seconds in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="seconds"):
            list(edgevtn.watch(pairs(3), tiny, seconds=seconds))


def _prediction(timestamp, label, window=0.4):
    probabilities = np.full(3, 0.05, np.float32)
    probabilities[("walk", "jump", "unknown").index(label)] = 0.9
    return Prediction("m", label, 0.9, probabilities, timestamp, timestamp - window, ("walk", "jump", "unknown"))


def test_an_event_does_not_go_on_across_a_gap():
    detector = edgevtn.EventDetector(min_duration=0.2)
    told = [
        event
        for timestamp in (*np.arange(1, 2, 0.1), *np.arange(1000, 1001, 0.1))
        for event in detector.update(_prediction(timestamp, "walk"))
    ]
    told += detector.finish()
    spans = [(event.start, event.end) for event in told if event.end is not None]
    assert np.allclose(spans, [(0.6, 1.9), (999.6, 1000.9)])


def test_unknown_is_no_event_where_a_model_has_it_as_a_label():
    detector = edgevtn.EventDetector(min_duration=0)
    assert not [event for n in range(9) for event in detector.update(_prediction(n / 10, "unknown"))]


def test_a_sink_may_stop_at_an_event_and_at_its_end(tiny):
    def stop(event):
        raise StopWatching

    detector = edgevtn.EventDetector(enter=0.01, leave=0.01, min_duration=0)
    list(edgevtn.watch(pairs(40), tiny, sinks=[stop], detector=detector))


def test_sinks_that_came_before_a_wrong_one_are_closed(tiny):
    closed = []
    sink = SimpleNamespace(event=lambda event: None, close=lambda: closed.append(True))
    with pytest.raises(TypeError, match="expected a sink"):
        list(edgevtn.watch(pairs(3), tiny, sinks=[sink, 5]))
    assert closed == [True]


@pytest.mark.parametrize("wrong", [JsonLines, io.StringIO()], ids=["class", "file"])
def test_a_class_and_a_file_are_no_sinks(tiny, wrong):
    with pytest.raises(TypeError, match="expected a sink"):
        list(edgevtn.watch(pairs(3), tiny, sinks=[wrong]))


def test_json_has_null_for_what_is_no_number():
    out = io.StringIO()
    JsonLines(out).prediction(dataclasses.replace(_prediction(1.0, "walk"), score=float("nan")))
    assert json.loads(out.getvalue(), parse_constant=pytest.fail)["score"] is None


@pytest.mark.parametrize("answer", [(True, None), (False, None)])
def test_a_camera_that_gives_no_picture_is_lost(monkeypatch, answer):
    capture = SimpleNamespace(read=lambda: answer, release=lambda: None, isOpened=lambda: True, set=lambda *_: True)
    monkeypatch.setattr("cv2.VideoCapture", lambda *_: capture)
    for name in ("7", "/dev/video7"):
        with edgevtn.frames(name, give_up=0) as live, pytest.raises(edgevtn.SourceError, match=f"{name}: 100 pictures"):
            next(iter(live))


def test_a_device_that_is_no_camera():
    with pytest.raises(edgevtn.SourceError, match="/dev/null cannot be opened; is it plugged in"):
        edgevtn.frames("/dev/null")


@pytest.mark.parametrize("name", ["camera://abc", "camera://", "camera://-1"])
def test_a_camera_has_a_number(name):
    with pytest.raises(edgevtn.SourceError, match="number of a camera"):
        edgevtn.frames(name)


def test_a_file_is_read_once(tmp_path):
    writer = VideoWriter(tmp_path / "a.mp4", 10.0)
    for timestamp, frame in pairs(5):
        writer.write(frame, timestamp)
    writer.close()
    with edgevtn.frames(tmp_path / "a.mp4") as source:
        assert len(list(source)) == 5
        with pytest.raises(edgevtn.SourceError, match="open it again"):
            list(source)


def test_a_video_scales_frames_of_another_size(tmp_path):
    writer = VideoWriter(tmp_path / "a.mp4", 12.5)
    for n in range(10):
        writer.write(np.zeros((48, 64, 3) if n < 5 else (96, 128, 3), np.uint8), n / 12.5)
    writer.close()
    with edgevtn.frames(tmp_path / "a.mp4") as source:
        seen = list(source)
    assert len(seen) == 10
    assert seen[-1][0] == pytest.approx(9 / 12.5, abs=0.01)


def test_a_recording_that_was_broken_off_is_no_clip(tmp_path):
    for name in ("walk/a.mp4", "walk/.raw-b.mp4", "walk/.hidden/c.mp4"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"video")
    from edgevtn.datasets import read_dataset

    assert [clip.path.name for clip in read_dataset(tmp_path)] == ["a.mp4"]


def test_a_list_may_come_from_a_spreadsheet(tmp_path):
    from edgevtn.datasets import read_manifest

    (tmp_path / "a.mp4").write_bytes(b"video")
    (tmp_path / "manifest.csv").write_text("clip,label\na.mp4,walk\n", encoding="utf-8-sig")
    assert [clip.label for clip in read_manifest(tmp_path)] == ["walk"]


def test_the_source_is_never_saved_over(tmp_path, capsys):
    file = tmp_path / "a.mp4"
    file.write_bytes(b"a film")
    assert main(["run", str(file), "--save", str(tmp_path / "." / "a.mp4")]) == 1
    assert "is the source itself" in capsys.readouterr().err
    assert file.read_bytes() == b"a film"


def test_an_address_is_never_quoted_with_its_password():
    recognizer = edgevtn.Recognizer()
    with pytest.raises(edgevtn.SourceError) as error:
        next(recognizer.stream("rtsp://user:secret@localhost:1/x"))
    assert "secret" not in str(error.value)


def test_opencv_is_silent_about_a_camera_that_is_not_there():
    code = "import edgevtn\ntry:\n    edgevtn.frames(97)\nexcept edgevtn.SourceError:\n    print('refused')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("refused\n", "")


def test_a_take_without_a_frame_is_no_take(tmp_path):
    from edgevtn.recording import record_takes

    class Stalled(edgevtn.Source):
        def __iter__(self):
            frame = np.zeros((48, 64, 3), np.uint8)
            return iter([(0.0, frame), (2.9, frame), (10.0, frame), (10.1, frame)])

    assert list(itertools.islice(record_takes(Stalled(), tmp_path, "walk", 1.0, lambda *_: None), 3)) == []
    assert [path.name for path in tmp_path.rglob("*.mp4")] == []
