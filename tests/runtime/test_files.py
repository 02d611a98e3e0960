"""Files are written whole or not at all."""

import os
from pathlib import Path

import pytest

from edgevtn.errors import OutputError
from edgevtn.files import replace_folder, replacing, write_whole


def test_written_and_replaced(tmp_path):
    for content in (b"first", b"second"):
        write_whole(tmp_path / "x", content)
        assert (tmp_path / "x").read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["x"]


def test_a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / "kept").write_bytes(b"before")
    with pytest.raises(OutputError, match=r"kept: cannot be written"), replacing(tmp_path / "kept") as part:
        part.write_bytes(b"half of what")
        raise OSError(5, "Input/output error")
    assert (tmp_path / "kept").read_bytes() == b"before"


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(self, content):
        with self.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="No space left"):
        write_whole(tmp_path / "x", b"12345678")
    assert list(tmp_path.iterdir()) == []


def test_no_such_folder(tmp_path):
    with pytest.raises(OutputError, match="No such file"):
        write_whole(tmp_path / "none" / "x", b"1")


def test_what_is_new_is_on_the_disk_before_it_has_the_name(tmp_path, monkeypatch):
    """Written, forced to the disk, moved, and the folder forced to the disk: in that order."""
    steps = []
    sync, move = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (steps.append("sync"), sync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (steps.append("move"), move(self, to))[1])
    write_whole(tmp_path / "x", b"1")
    assert steps == ["sync", "move", "sync"]


def test_what_is_no_file_is_left_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(OutputError, match="no regular file"):
            write_whole(tmp_path / name, b"1")
    assert (tmp_path / "pipe").is_fifo()


def test_nothing_written_changes_nothing(tmp_path):
    write_whole(tmp_path / "x", b"1")
    with replacing(tmp_path / "x"):
        pass
    assert (tmp_path / "x").read_bytes() == b"1"
    write_whole(tmp_path / "x", b"")
    assert (tmp_path / "x").read_bytes() == b""


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    def fill(content):
        def write(fresh):
            (fresh / "a").mkdir()
            (fresh / "a" / "b").write_text(content)
            if content == "bad":
                raise ValueError("half way")

        return write

    replace_folder(tmp_path / "x", fill("first"))
    with pytest.raises(ValueError, match="half way"):
        replace_folder(tmp_path / "x", fill("bad"))
    assert (tmp_path / "x" / "a" / "b").read_text() == "first"
    replace_folder(tmp_path / "x", fill("second"))
    assert (tmp_path / "x" / "a" / "b").read_text() == "second"
    assert [file.name for file in tmp_path.iterdir()] == ["x"]
