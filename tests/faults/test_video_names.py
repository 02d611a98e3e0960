"""Videos: names that they cannot have are refused before anything is recognised, and what a full disk needs is said."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from children import edgevtn as command
from children import refusal

import edgevtn
from edgevtn.cli.main import main
from edgevtn.errors import OutputError
from edgevtn.sinks import Video
from edgevtn.video import SUFFIXES, VideoWriter

FRAME = np.zeros((48, 64, 3), np.uint8)


@pytest.mark.parametrize("kind", [Video, VideoWriter])
@pytest.mark.parametrize(("name", "found"), [("x.avi", "ends in .avi"), ("x.mkv", "ends in .mkv"), ("x", "has none")])
def test_a_name_that_is_no_mp4_is_refused_at_once(tmp_path, kind, name, found):
    with pytest.raises(ValueError, match=rf"expected a name that ends in \.mp4, \.m4v or \.mov; it {found}"):
        kind(tmp_path / name, 25.0)


@pytest.mark.parametrize("suffix", [*SUFFIXES, *(suffix.upper() for suffix in SUFFIXES)])
@pytest.mark.parametrize("with_av", [True, False])
def test_what_is_taken_is_written(tmp_path, monkeypatch, suffix, with_av):
    if with_av:
        pytest.importorskip("av")
    else:
        monkeypatch.setattr("edgevtn.video.has_av", lambda: False)
    file = tmp_path / f"x{suffix}"
    writer = VideoWriter(file, 25.0)
    for n in range(10):
        writer.write(FRAME, n / 25)
    writer.close()
    with edgevtn.frames(file) as source:
        assert sum(1 for _ in source) == 10


@pytest.mark.parametrize("several", [False, True])
def test_the_command_says_it_before_it_recognises(tmp_path, demo_clip, tiny, several):
    sources = [demo_clip] * (1 + several)
    if several:
        sources[1] = tmp_path / "second.mp4"
        sources[1].write_bytes(Path(demo_clip).read_bytes())
    done = command("run", *sources, "--model", tiny, "--save", tmp_path / "x.avi")
    assert "x.avi: expected a name that ends in .mp4, .m4v or .mov; it ends in .avi" in refusal(done)
    assert done.stdout == ""
    assert not list(tmp_path.glob("*x*"))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_no_folder_that_is_not_there(tmp_path, monkeypatch, code):
    writer = VideoWriter(tmp_path / "x.mp4", 25.0)
    writer.write(FRAME, 0.0)

    def full(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(writer._encoder, "write", full)
    with pytest.raises(OutputError) as caught:
        writer.write(FRAME, 1.0)
    assert str(caught.value).endswith("; make room there, or choose another place")


def test_what_is_incomplete_asks_one_question(tmp_path, monkeypatch):
    monkeypatch.setattr("edgevtn.video.incomplete", lambda *_: "only 7 bytes of it were written")
    writer = VideoWriter(tmp_path / "x.mp4", 25.0)
    writer.write(FRAME, 0.0)
    with pytest.raises(OutputError) as caught:
        writer.close()
    assert str(caught.value).endswith("(only 7 bytes of it were written); is the disk full?")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_still_asked_about(tmp_path, demo_clip, tiny, capsys):
    arguments = ["run", str(demo_clip), "--model", str(tiny), "--seconds", "1"]
    assert main([*arguments, "--save", str(tmp_path / "no" / "x.mp4")]) == 1
    assert "does the folder exist, and is it writable?" in capsys.readouterr().err
