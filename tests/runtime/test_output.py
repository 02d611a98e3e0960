"""Files are written whole or not at all."""

from pathlib import Path

import pytest

from edgevtn import OutputError
from edgevtn.files import write_whole


def test_written_and_replaced(tmp_path):
    for content in (b"first", b"second"):
        write_whole(tmp_path / "x", content)
        assert (tmp_path / "x").read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["x"]


def test_a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / "kept").write_bytes(b"before")
    (tmp_path / ".kept.part").mkdir()  # the place beside it is taken
    with pytest.raises(OutputError, match=r"kept: cannot be written"):
        write_whole(tmp_path / "kept", b"after")
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
