"""Outputs: the old file or the new one, whole; never a device, never half, never a segfault."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from children import EDGEVTN, PATIENCE, python, refusal
from children import edgevtn as command

import edgevtn
from edgevtn import frames
from edgevtn.errors import OutputError
from edgevtn.files import ABANDONED, replace_folder, write_whole
from edgevtn.sinks import JsonFile, Timeline
from edgevtn.sinks.spool import Spool
from edgevtn.video import VideoWriter, incomplete

NOISE = np.random.default_rng(0).integers(0, 256, (60, 120, 160, 3), np.uint8)
#: A name that is no UTF-8, as old cameras' cards and archives have.
ODD = os.fsdecode(b"caf\xe9.mp4")


@pytest.fixture(params=["av", "opencv"])
def encoder(request, monkeypatch):
    if request.param == "opencv":
        monkeypatch.setitem(sys.modules, "av", None)
    else:
        pytest.importorskip("av")


@pytest.fixture
def small_disk():
    """Files cannot grow beyond 100 kB: writes fail or are cut short, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def recorded(file: Path) -> None:
    writer = VideoWriter(file, 25)
    try:
        for n, frame in enumerate(NOISE):
            writer.write(frame, n / 25)
    finally:
        writer.close()


@pytest.mark.usefixtures("encoder", "small_disk")
def test_a_full_disk_keeps_the_old_video(tmp_path):
    file = tmp_path / "x.mp4"
    file.write_bytes(b"the old one")
    with pytest.raises(OutputError, match="cannot be written"):
        recorded(file)
    assert file.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.usefixtures("encoder")
def test_space_that_is_free_again_makes_no_video_with_a_hole(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    file, writer = tmp_path / "x.mp4", VideoWriter(tmp_path / "x.mp4", 25)
    file.write_bytes(b"the old one")
    writer.write(NOISE[0], 0.0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    failed = False
    try:
        for n, frame in enumerate([*NOISE] * 3, 1):  # more than an encoder keeps before it writes
            writer.write(frame, n / 25)
    except OutputError:
        failed = True
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    try:
        writer.close()
    except OutputError:
        failed = True
    assert failed
    assert file.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.usefixtures("encoder")
def test_what_is_missing_is_found(tmp_path):
    recorded(tmp_path / "x.mp4")
    content = (tmp_path / "x.mp4").read_bytes()
    assert incomplete(tmp_path / "x.mp4", 60, 60) is None
    assert incomplete(tmp_path / "x.mp4", 61, 62) == "it has 60 frames of 61"
    assert incomplete(tmp_path / "x.mp4", 59, 60) is None
    for cut in (0, 7, 20, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.mp4").write_bytes(content[:cut])
        assert incomplete(tmp_path / "cut.mp4", 60, 60) is not None
    (tmp_path / "zeros.mp4").write_bytes(bytes(1000))
    assert incomplete(tmp_path / "zeros.mp4", 60, 60) == "its boxes are damaged"


def test_the_command_says_that_the_disk_is_full(tmp_path, demo_clip):
    file = tmp_path / "x.mp4"
    file.write_bytes(b"the old one")
    limits = {resource.RLIMIT_FSIZE: 20_000}
    done = command("run", demo_clip, "--seconds", "2", "--save", file, limits=limits)
    assert "x.mp4: cannot be written" in refusal(done)
    assert file.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to a device"])
def test_what_is_no_file_is_never_replaced(tmp_path, kind):
    place = tmp_path / "out.mp4"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "device":
        place = Path("/dev/null")
    else:
        place.symlink_to("/dev/null")
    before = place.lstat()
    for attempt in (
        lambda: write_whole(place, b"1"),
        lambda: recorded(place),
        lambda: JsonFile(place),
        lambda: Timeline(place),
        lambda: Spool(place),
    ):
        with pytest.raises((OutputError, ValueError), match="no regular file|cannot be written|ends in .mp4"):
            attempt()
    after = place.lstat()
    assert (before.st_mode, before.st_ino, before.st_rdev) == (after.st_mode, after.st_ino, after.st_rdev)
    assert not [file for file in place.parent.iterdir() if ".part" in file.name]


@pytest.mark.parametrize("av", [True, False])
def test_a_name_that_is_no_utf_8_is_written_and_read(tmp_path, av):
    code = """if True:
        import os, sys, numpy as np
        if len(sys.argv) > 2:
            sys.modules["av"] = None
        from edgevtn import frames
        from edgevtn.video import VideoWriter
        writer = VideoWriter(sys.argv[1], 25)
        for n in range(10):
            writer.write(np.full((48, 64, 3), 25 * n, np.uint8), n / 25)
        writer.close()
        with frames(sys.argv[1]) as source:
            print(sum(1 for _ in source))
    """
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    done = python(code, folder / ODD, *([] if av else ["opencv"]))  # a child: it was a segfault
    assert (done.returncode, done.stdout) == (0, "10\n"), done.stderr
    assert [file.name for file in folder.iterdir()] == [ODD]


def test_the_command_takes_names_that_are_no_utf_8(tmp_path, demo_clip):
    (tmp_path / ODD).write_bytes(demo_clip.read_bytes())
    done = command("run", tmp_path / ODD, "--seconds", "1", "--save", tmp_path / f"out {ODD}", "--json")
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([ODD, f"out {ODD}"])


@pytest.mark.parametrize("kind", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_leaves_no_part(tmp_path, demo_clip, kind):
    (tmp_path / "x.mp4").write_bytes(b"the old one")
    running = subprocess.Popen([*EDGEVTN, "run", demo_clip, "--save", tmp_path / "x.mp4"], stdout=subprocess.DEVNULL)
    end = time.monotonic() + PATIENCE
    while not list(tmp_path.glob(".*.part.mp4")) and running.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    running.send_signal(kind)
    assert running.wait(PATIENCE) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["x.mp4"]
    with frames(tmp_path / "x.mp4") as source:
        assert sum(1 for _ in source) > 0


def test_what_a_kill_left_is_removed_a_day_later(tmp_path):
    for name, age in (
        (".x.0123abcd.part.mp4", 2 * ABANDONED),
        (".x.0123abce.part.mp4", 60),
        (".y.0123abcd.part.mp4", 2 * ABANDONED),
    ):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    recorded(tmp_path / "x.mp4")
    assert sorted(f.name for f in tmp_path.iterdir()) == [".x.0123abce.part.mp4", ".y.0123abcd.part.mp4", "x.mp4"]


def test_killed_at_any_moment(tmp_path):
    """A process that writes a file and a folder over and over is killed twenty times."""
    code = """if True:
        import sys, types
        from pathlib import Path
        package = types.ModuleType("edgevtn")  # without what it imports: that takes a second
        package.__path__ = [sys.argv[2]]
        sys.modules["edgevtn"] = package
        from edgevtn.files import replace_folder, write_whole
        place = Path(sys.argv[1])
        def fill(folder):
            for name in "ab":
                (folder / name).write_bytes(content)
        n = 0
        print(flush=True)
        while True:
            n += 1
            content = b"%09d" % n * 10000
            write_whole(place / "file", content)
            replace_folder(place / "folder", fill)
    """
    chance, package = random.Random(1), Path(edgevtn.__file__).parent
    for _ in range(20):
        running = subprocess.Popen([sys.executable, "-c", code, tmp_path, package], stdout=subprocess.PIPE)
        assert running.stdout is not None
        running.stdout.readline()
        time.sleep(chance.random() / 5)
        running.kill()
        running.wait()
        running.stdout.close()
        contents = [tmp_path / "file", tmp_path / "folder" / "a", tmp_path / "folder" / "b"]
        read = [file.read_bytes() for file in contents if file.exists()]
        assert all(len({part[n : n + 9] for n in range(0, 90_000, 9)}) == 1 for part in read)
        assert len({len(part) for part in read} | {90_000}) == 1
        assert not (tmp_path / "folder").exists() or read[-2] == read[-1]


def test_a_part_of_a_folder_is_removed_too(tmp_path):
    old = tmp_path / ".model.0123abcd.part"
    (old / "fresh").mkdir(parents=True)
    os.utime(old, (0, 0))
    replace_folder(tmp_path / "model", lambda folder: (folder / "x").touch())
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_h264_that_plays(tmp_path):
    pytest.importorskip("av")
    recorded(tmp_path / "x.mp4")
    capture = cv2.VideoCapture(str(tmp_path / "x.mp4"))
    assert int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little") in (b"avc1", b"h264")
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == len(NOISE)
    capture.release()
