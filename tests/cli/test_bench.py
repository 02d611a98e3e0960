"""`edgevtn bench`: what it tells, and that no more threads run than were asked for."""

import itertools
import json
import math
import time
import types

import numpy as np
import psutil
import pytest

import edgevtn
from edgevtn import profiling
from edgevtn.cli.main import main
from edgevtn.profiling import bench

STAGES = ("prepare", "encode", "heads", "everything")


def test_bench_command(tiny, tmp_path, capsys):
    arguments = ["bench", str(tiny), "--seconds", "0.2", "--threads", "1", "--json", str(tmp_path / "profile.json")]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    for word in ("1 encoder threads", "fp32 head", "prepare", "median", "frames a second", "CPU seconds", "MB"):
        assert word in out
    profile = json.loads((tmp_path / "profile.json").read_text())
    assert set(profile["milliseconds"]) == set(STAGES)
    for median, high, highest in profile["milliseconds"].values():
        assert 0 < median <= high <= highest
    assert profile["cpu_seconds"] > 0
    # A process that has NumPy, OpenCV and onnxruntime in it.
    assert 30 < profile["peak_megabytes"] < 20_000


def test_every_stage_is_timed_as_often_as_everything(tiny, demo_clip, monkeypatch):
    """By a clock that goes on by a millisecond whenever it is asked: no machine decides the result."""
    asked = itertools.count()
    clock = types.SimpleNamespace(perf_counter=lambda: next(asked) / 1e3, process_time=time.process_time)
    monkeypatch.setattr(profiling, "time", clock)
    profile = bench(edgevtn.Recognizer(tiny, threads=1, start="repeat"), 0.2, demo_clip)
    assert list(profile.milliseconds) == list(STAGES)
    for values in profile.milliseconds.values():
        assert values == pytest.approx((1, 1, 1))
    assert profile.frames_per_second == pytest.approx(1000)
    # A round asks twice for each stage and once whether to go on, so it is 9 ms of the 200.
    assert next(asked) == 1 + (2 * len(STAGES) + 1) * math.ceil(200 / (2 * len(STAGES) + 1)) + 1


def test_what_a_board_tells(tmp_path, monkeypatch):
    program = tmp_path / "vcgencmd"
    program.write_text("#!/bin/sh\necho throttled=$FLAGS\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for flags, expected in (("0x0", "no"), ("0x50005", "0x50005")):
        monkeypatch.setenv("FLAGS", flags)
        assert profiling.throttled() == expected
    program.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert profiling.throttled() is None


def test_wrong_arguments(tiny, capsys):
    assert main(["bench", str(tiny), "--seconds", "0"]) == 1
    assert "--seconds must be seconds above 0" in capsys.readouterr().err
    assert main(["bench", str(tiny), "--source", "nothing.mp4"]) == 1


def test_one_thread_is_one_thread():
    """Neither onnxruntime nor Numba, BLAS or OpenCV starts threads of its own for a stream."""
    recognizer = edgevtn.Recognizer(threads=1, start="repeat")
    frame = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    before = {thread.id for thread in psutil.Process().threads()}  # one that another test left may end meanwhile
    for n in range(20):
        assert recognizer(frame, n / recognizer.model.frame_rate) is not None
    assert {thread.id for thread in psutil.Process().threads()} <= before


@pytest.mark.parametrize("threads", [1, 3])
def test_encoder_threads_are_as_many_as_asked_for(tiny, threads):
    before = psutil.Process().num_threads()
    recognizer = edgevtn.Recognizer(tiny, threads=threads)
    assert psutil.Process().num_threads() - before <= threads - 1
    assert recognizer.threads == threads
