"""Files of lines: whatever becomes of the file, its lines are whole, and the next ones are where its name leads."""

from __future__ import annotations

import contextlib
import json
import os
import resource
from pathlib import Path

import pytest
from children import edgevtn as command

from edgevtn import Event
from edgevtn.sinks import JsonFile, Origin, Timeline
from edgevtn.sinks.lines import LineFile


def event(number: int) -> Event:
    return Event(number, "m", "a", float(number), number + 1.0, 0.9)


def ids(file: Path) -> list[str]:
    """Numbers of the events in a file of either kind."""
    lines = file.read_text().splitlines()
    told = [json.loads(line)["id"] if file.suffix == ".jsonl" else line.split(",")[0] for line in lines]
    return [id.rpartition("-")[2] for id in told]


@pytest.fixture(params=["e.jsonl", "t.csv"])
def kept(request, tmp_path):
    """A sink that has written an event, its file, and what its file begins with."""
    file = tmp_path / request.param
    sink = JsonFile(file) if file.suffix == ".jsonl" else Timeline(file)
    sink.event(event(1))
    yield sink, file, ["id"] if file.suffix == ".csv" else []
    sink.close()


def test_a_file_that_an_editor_saves_goes_on(kept):
    sink, file, head = kept
    saved = file.with_name("saved")
    saved.write_text(file.read_text())
    saved.replace(file)
    sink.event(event(2))
    sink.event(event(3))
    assert ids(file) == [*head, "1", "2", "3"]


def test_a_file_that_is_moved_away_or_removed_is_begun_anew(kept, tmp_path):
    sink, file, head = kept
    moved = file.rename(tmp_path / f"old{file.suffix}")  # as logrotate does
    sink.event(event(2))
    assert (ids(moved), ids(file)) == ([*head, "1"], [*head, "2"])
    file.unlink()
    sink.event(event(3))
    assert ids(file) == [*head, "3"]


def test_a_file_that_is_emptied_has_its_header_again(kept):
    sink, file, head = kept
    os.truncate(file, 0)  # as logrotate's copytruncate does
    sink.event(event(2))
    assert ids(file) == [*head, "2"]


def test_a_file_that_became_another_kind_of_file_is_left_alone(tmp_path, caplog):
    with contextlib.closing(Timeline(tmp_path / "t.csv")) as sink:
        sink.event(event(1))
        (tmp_path / "other").write_text("id;source\n")
        (tmp_path / "other").replace(tmp_path / "t.csv")
        sink.event(event(2))
        sink.event(event(3))
    assert (tmp_path / "t.csv").read_text() == "id;source\n"
    (told,) = caplog.messages
    assert "begins otherwise" in told
    assert "lines are lost" in told


def test_a_link_is_followed_where_it_leads(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).touch()
    link = tmp_path / "link"
    link.symlink_to("one")
    with contextlib.closing(LineFile(link)) as lines:
        lines.write("a")
        link.unlink()
        link.symlink_to("two")
        lines.write("b")
    assert [(tmp_path / name).read_text() for name in ("one", "two")] == ["a\n", "b\n"]


def test_a_full_disk_leaves_no_half_line(kept):
    sink, file, head = kept
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 20, hard))  # the first bytes are still written
    try:
        sink.event(event(2))
        full = file.read_bytes()
        sink.event(event(3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert full.endswith(b"\n")
    sink.event(event(4))
    assert ids(file) == [*head, "1", "4"]


def test_a_full_disk_leaves_no_half_header(tmp_path):
    file = tmp_path / "t.csv"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with contextlib.closing(Timeline(file)) as sink:
        file.unlink()
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        try:
            sink.event(event(1))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert file.read_bytes() == b""
        sink.event(event(2))
    assert ids(file) == ["id", "2"]


def test_what_others_have_written_behind_a_half_line_stays(tmp_path, monkeypatch):
    file, write = tmp_path / "x", os.write
    with contextlib.closing(LineFile(file)) as lines:
        lines.write("first")

        def half(handle, content):
            if content == b"second\n":
                return write(handle, content[:3])
            with file.open("ab") as other:
                other.write(b"other's\n")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", half)
        lines.write("second")
        monkeypatch.undo()
        lines.write("third")
    assert file.read_text() == "first\nsecother's\nthird\n"


def test_a_source_whose_name_is_no_utf_8(kept):
    sink, file, head = kept
    sink._origin = Origin(os.fsdecode(b"demo-\xff.mp4"))
    sink.event(event(2))
    assert ids(file) == [*head, "1", "2"]
    assert r"demo-\udcff.mp4" in file.read_text()


def test_the_command_goes_on_where_a_name_is_no_utf_8(tmp_path, demo_clip, tiny):
    odd = tmp_path / os.fsdecode(b"demo-\xff.mp4")
    odd.write_bytes(demo_clip.read_bytes())
    done = command(
        "run", odd, "--model", tiny, "--seconds", "3", "--enter", "0.3", "--leave", "0.2", "--timeline",
        tmp_path / "t.csv",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert r",demo-\udcff.mp4," in (tmp_path / "t.csv").read_text()
