"""What a loss of power leaves of the compiled kernels is compiled again, and a full disk means that nothing is kept."""

from __future__ import annotations

import logging
import random
import resource
from pathlib import Path

import numba
import pytest
from children import python
from numba.core import config

from edgevtn.kernels.sealed import SealedCache


def double(x: int) -> int:
    return 2 * x


def compiled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Hits and misses of a function in a process that starts; its answer is right."""
    monkeypatch.setattr(config, "CACHE_DIR", str(folder))
    dispatcher = numba.njit(double)
    dispatcher._cache = SealedCache(double)
    assert dispatcher(21) == 42
    return sum(dispatcher.stats.cache_hits.values()), sum(dispatcher.stats.cache_misses.values())


def files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def test_it_is_read_again(tmp_path, monkeypatch):
    assert compiled(tmp_path, monkeypatch) == (0, 1)
    assert compiled(tmp_path, monkeypatch) == (1, 0)
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize("damage", ["empty", "cut", "zeros", "a bit", "not a pickle", "a folder"])
@pytest.mark.parametrize("which", [0, 1], ids=["code", "index"])
def test_a_damaged_file_is_compiled_again(tmp_path, monkeypatch, damage, which):
    compiled(tmp_path, monkeypatch)
    file = files(tmp_path)[which]
    content = bytearray(file.read_bytes())
    place = random.Random(which).randrange(len(content))
    content[place] ^= 16
    damaged = {"empty": b"", "cut": content[: len(content) // 2], "zeros": bytes(len(content)), "a bit": content}
    file.unlink()
    if damage == "a folder":
        file.mkdir()
    else:
        file.write_bytes(damaged.get(damage, b"not a pickle at all"))
    compiled(tmp_path, monkeypatch)
    if damage != "a folder":
        assert compiled(tmp_path, monkeypatch) == (1, 0)


def test_a_full_disk_is_told_once_and_stops_nothing(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(SealedCache, "_told", False)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # Python ignores SIGXFSZ, so a write fails
    try:
        with caplog.at_level(logging.WARNING, logger="edgevtn"):
            assert compiled(tmp_path, monkeypatch) == (0, 1)
            assert compiled(tmp_path, monkeypatch) == (0, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(caplog.records) == 1
    assert "cannot be kept" in caplog.text
    assert files(tmp_path) == []
    assert compiled(tmp_path, monkeypatch) == (0, 1)
    assert compiled(tmp_path, monkeypatch) == (1, 0)


def test_the_package_starts_with_a_garbled_cache_and_without_jit(tmp_path):
    code = """if True:
        import numpy as np
        from edgevtn.kernels import fast
        x = np.full((1, 2), -1, np.float32)
        fast.rectify(x)
        print(x[0, 0], sum(fast.rectify.stats.cache_hits.values()))
    """
    environment = {"EDGEVTN_CACHE": str(tmp_path), "NUMBA_CACHE_DIR": "", "NUMBA_DISABLE_JIT": "1"}
    answers = []
    for _ in range(3):
        done = python(code, environment=environment)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        answers.append(done.stdout)
        if len(answers) == 2:
            for file in files(tmp_path):
                file.write_bytes(b"\x80\x04garbled")
    assert answers == ["0.0 0\n", "0.0 1\n", "0.0 0\n"]
