"""The command, as a person types it."""

import json
import os
import signal
import subprocess
import sys

import cv2
import pytest
from tiny import moving_frames

from edgevtn.cli.main import main
from edgevtn.sinks import Video


@pytest.fixture
def clip(tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for frame in moving_frames(20):
        writer.write(frame)
    writer.release()
    return tmp_path / "clip.avi"


def command(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "edgevtn", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False, **options,
    )  # fmt: skip


def test_json_lines(clip, tiny):
    done = command("run", clip, "--model", tiny, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    records = [line for line in lines if "event" not in line]
    assert [record["t"] for record in records] == pytest.approx([n / 10 for n in range(3, 20)])
    for record in records:
        assert set(record) == {"time", "source", "t", "model", "label", "score", "top", "reused"}
        assert record["top"][0][1] == record["score"]
        assert record["label"] in (record["top"][0][0], "unknown")
        assert sum(score for _, score in record["top"]) == pytest.approx(1, abs=0.01)


def test_seconds_and_text(clip, tiny, capsys):
    assert main(["run", str(clip), "--model", str(tiny), "--seconds", "1", "--json"]) == 0
    assert sum("top" in json.loads(line) for line in capsys.readouterr().out.splitlines()) == 7
    assert main(["run", str(clip), "--model", str(tiny)]) == 0
    assert "\r" not in capsys.readouterr().out


def test_save(clip, tiny, tmp_path, capsys):
    assert main(["run", str(clip), "--model", str(tiny), "--save", str(tmp_path / "out.mp4")]) == 0
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 1.9 * 25 + 0.5 + 1  # 1.9 seconds, at 25 frames a second
    capture.release()
    assert main(["run", str(clip), "--model", str(tiny), "--save", str(tmp_path / "no" / "out.mp4")]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert not list(tmp_path.glob(".*part*"))


def test_a_saved_video_runs_as_fast_as_its_source(tmp_path):
    video = Video(tmp_path / "out.mp4", 25)
    for n in range(31):
        video.frame(moving_frames(1)[0], 7 + n / 30)
    video.frame(moving_frames(1)[0], 10.0)
    video.close()
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 3 * 25 + 1
    capture.release()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nothing.mp4"], "nothing.mp4: does not exist"),
        (["run", "97"], "camera 97 cannot be opened"),
        (["run", "README.md"], "README.md: cannot be read as a video"),
        (["info", "nothing"], "nothing: expected a bundle"),
        (["eval", "nothing.csv"], "nothing.csv: does not exist"),
        (["demo", "-o", "README.md"], "README.md: cannot be made a folder"),
        (["demo", "--threads", "0"], "threads must be a whole number from 1"),
    ],
)
def test_errors_are_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    (tmp_path / "README.md").write_text("no video")
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("edgevtn: error: ")
    assert message in error
    assert error.count("\n") == 1


def test_opencv_adds_nothing_to_the_error(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    for source in (tmp_path / "text.mp4", 97):
        done = command("run", source)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith("edgevtn: error: ")
        assert done.stderr.count("\n") == 1


def test_nothing_recognised_is_said(tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "1.png"), moving_frames(1)[0])
    assert main(["run", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no action was recognised\n"


def test_usage_is_status_2(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["fly"])
    assert caught.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_eval(clip, tiny, tmp_path, capsys):
    (clip.parent / "manifest.csv").write_text("clip,label\nclip.avi,a\nclip.avi,b\n")
    picture = tmp_path / "confusion.png"
    assert main(["eval", str(clip.parent / "manifest.csv"), "--model", str(tiny), "--png", str(picture)]) == 0
    out = capsys.readouterr().out
    assert "confusion (row: true, column: recognised)" in out
    assert "mistaken:" in out
    assert picture.stat().st_size > 1000


def test_info(tiny, capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    for word in ("EfficientNet-Lite0", "numba", "onnxruntime", "labels", "threads", "opencv", "walk"):
        assert word in out
    (accuracy,) = (line for line in out.splitlines() if line.startswith("  accuracy"))
    assert "accuracy 0.988" in accuracy
    assert len(accuracy) <= 120
    assert main(["info", str(tiny)]) == 0
    assert "3: a, b, c" in capsys.readouterr().out


def test_info_names_the_engine_that_runs(tiny, capsys):
    def told(*options):
        assert main(["info", str(tiny), *options]) == 0
        lines = capsys.readouterr().out.partition("chosen")[2].splitlines()
        return next(line.split()[1] for line in lines if line.startswith("  encoder"))

    assert told() == told("--engine", "onnxruntime") == "onnxruntime"
    pytest.importorskip("openvino")
    assert told("--engine", "openvino") == "openvino"


def test_a_reader_that_leaves(clip, tiny):
    done = subprocess.run(
        f"'{sys.executable}' -m edgevtn run '{clip}' --model '{tiny}' --json | head -n 1",
        shell=True, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout)
    assert done.stderr == ""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_stopping_ends_cleanly(tmp_path, tiny, number, status):
    video = tmp_path / "video.mp4"
    shown = tmp_path / "images"
    shown.mkdir()
    for n in range(3000):
        os.link(_image(tmp_path), shown / f"{n}.png")
    running = subprocess.Popen(
        [sys.executable, "-m", "edgevtn", "run", str(shown), "--model", str(tiny), "--json", "--save", str(video)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert json.loads(running.stdout.readline())
    running.send_signal(number)
    _, error = running.communicate(timeout=60)
    assert running.returncode == status
    assert error == ""
    capture = cv2.VideoCapture(str(video))  # what was recorded until then is kept
    assert capture.read()[0]
    capture.release()


@pytest.mark.parametrize("caught", [False, True], ids=["by us", "by the command"])
def test_stopping_within_code_made_from_text(tmp_path, caught):
    """As `dataclass` makes it; Python remembers that an interrupt left it."""
    program = f"""
import edgevtn.cli.main as command
def interrupted(arguments, kind):
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        if not {caught}:
            raise
    raise OSError("caught")
command._parsed = interrupted
raise SystemExit(command.main(["doctor"]))
"""
    (tmp_path / "interrupted.py").write_text(program)
    started = [sys.executable, "-m", "interrupted"]  # Python forgets it in a program of another kind
    done = subprocess.run(started, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    error = "edgevtn: error: caught\n" if caught else ""
    assert (done.returncode, done.stderr) == (1 if caught else 130, error)


def _image(folder):
    file = folder / "one.png"
    if not file.exists():
        cv2.imwrite(str(file), moving_frames(1, 200, 200)[0])
    return file


def test_missing_extra_names_it(monkeypatch, capsys, clip, tiny):
    monkeypatch.setitem(sys.modules, "pygame", None)
    assert main(["run", str(clip), "--model", str(tiny), "--show"]) == 1
    assert "pip install 'edgevtn[gui]'" in capsys.readouterr().err


def test_window(monkeypatch, clip, tiny):
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    assert main(["run", str(clip), "--model", str(tiny), "--show", "--seconds", "0.5"]) == 0


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("edgevtn 0")


def test_teach_add_and_remove(demo_clip, tmp_path, capsys):
    takes = tmp_path / "takes.csv"
    rows = [("walk", 0.1, 1.6), ("walk", 1.8, 3.3), ("bend", 7.7, 9.2), ("bend", 9.4, 10.9), ("jack", 12.9, 14.4),
            ("jack", 14.6, 16.1)]  # fmt: skip
    (tmp_path / "clip.mp4").write_bytes(demo_clip.read_bytes())

    def write(chosen):
        lines = [f"clip.mp4,{label},{start},{end},{n % 2}" for n, (label, start, end) in enumerate(chosen)]
        takes.write_text("\n".join(["clip,label,start,end,group", *lines]) + "\n")

    write(rows[:4])
    assert main(["teach", str(takes), "-o", str(tmp_path / "m")]) == 0
    told = capsys.readouterr().out
    assert "2 labels, 4 clips" in told
    assert "edgevtn run 0 --model" in told
    write(rows[4:])
    assert main(["teach", str(takes), "--add-to", str(tmp_path / "m")]) == 0
    assert "3 labels, 6 clips" in capsys.readouterr().out
    assert main(["teach", "--add-to", str(tmp_path / "m"), "--remove", "walk"]) == 0
    assert "2 labels, 4 clips" in capsys.readouterr().out
    assert main(["run", str(demo_clip), "--model", str(tmp_path / "m"), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    jacks = [line for line in lines if line.get("event") == "end" and line["label"] == "jack"]
    assert any(event["start"] < 15 < event["end"] for event in jacks)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nowhere", "-o", "m"], "does not exist"),
        (["-o", "m"], "clips to learn from"),
        (["clips", "-o", "m", "--remove", "walk"], "--add-to"),
        (["--add-to", "nowhere", "--remove", "walk"], "does not exist"),
    ],
)
def test_teach_says_what_is_wrong(arguments, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["teach", *arguments]) == 1
    assert reason in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_files_share_a_model_that_is_read_once(tiny, demo_clip, tmp_path, monkeypatch, capsys):
    import edgevtn.bundle.load as loading

    read, load = [], loading.load_bundle
    monkeypatch.setattr(loading, "load_bundle", lambda path: read.append(path) or load(path))
    line = ["run", str(demo_clip), "--model", str(tiny), "--seconds", "1", "--out", str(tmp_path / "out")]
    assert main(line) == 0
    assert read == [tiny]
    assert main(line) == 0
    assert "1 of 1 files were done before" in capsys.readouterr().err
    assert read == [tiny]
    (tiny / "encoder.onnx").write_bytes(b"")
    assert main([*line[:-1], str(tmp_path / "another")]) == 1
    assert "checksum" in capsys.readouterr().err
    assert not list((tmp_path / "another").rglob("*.*"))
