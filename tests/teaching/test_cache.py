"""Features on disk: found again, bounded, and never believed when damaged."""

import os

import numpy as np
import pytest

from edgevtn.teaching.cache import FeatureCache, default_cache, fingerprint


def counted(value=1.0, size=10):
    calls = []

    def compute():
        calls.append(1)
        return {"rows": np.full(size, value, np.float32)}

    return compute, calls


def test_what_is_kept_is_found(tmp_path):
    compute, calls = counted()
    for _ in range(2):
        found = FeatureCache(tmp_path / "new").get("key", compute)
        np.testing.assert_array_equal(found["rows"], 1)
    assert len(calls) == 1
    FeatureCache(tmp_path / "new").get("another key", compute)
    assert len(calls) == 2


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "text"])
def test_a_damaged_file_is_a_miss(tmp_path, damage):
    compute, calls = counted(size=1000)
    cache = FeatureCache(tmp_path)
    cache.get("key", compute)
    (file,) = tmp_path.glob("*.npz")
    content = bytearray(file.read_bytes())
    if damage == "changed":
        content[len(content) // 2] ^= 0x55
    file.write_bytes({"cut": content[:-200], "empty": b"", "text": b"no archive"}.get(damage, bytes(content)))
    np.testing.assert_array_equal(cache.get("key", compute)["rows"], 1)
    assert len(calls) == 2
    cache.get("key", compute)
    assert len(calls) == 2


def test_the_least_recently_used_goes_first(tmp_path):
    compute, calls = counted(size=250)  # about 1.3 KB in a file
    cache = FeatureCache(tmp_path, limit=4000)
    for n, key in enumerate("abc"):
        cache.get(key, compute)
        for file in tmp_path.glob("*.npz"):
            os.utime(file, ns=(n, n)) if file.stat().st_mtime_ns > 10 else None
    cache.get("a", compute)  # used now
    cache.get("d", compute)
    assert sum(file.stat().st_size for file in tmp_path.glob("*.npz")) <= 4000
    assert len(calls) == 4
    cache.get("a", compute)
    assert len(calls) == 4
    cache.get("b", compute)
    assert len(calls) == 5


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    compute, calls = counted()
    for _ in range(2):
        FeatureCache(tmp_path / "file").get("key", compute)
    FeatureCache(None).get("key", compute)
    assert len(calls) == 3


def test_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEVTN_CACHE", str(tmp_path / "own"))
    assert default_cache().folder == tmp_path / "own" / "features"
    monkeypatch.delenv("EDGEVTN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_cache().folder == tmp_path / "xdg" / "edgevtn" / "features"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache().folder == tmp_path / ".cache" / "edgevtn" / "features"


def test_a_fingerprint_is_of_the_content(tmp_path, monkeypatch):
    first, second = tmp_path / "a.avi", tmp_path / "b.avi"
    first.write_bytes(b"x" * 5000)
    second.write_bytes(b"x" * 5000)
    assert fingerprint(first) == fingerprint(str(second))
    second.write_bytes(b"x" * 4999 + b"y")
    assert fingerprint(first) != fingerprint(second)
    monkeypatch.setattr("edgevtn.teaching.cache.HASHED_WHOLE", 1000)
    monkeypatch.setattr("edgevtn.teaching.cache.END", 100)
    assert fingerprint(first) != fingerprint(second)
    assert fingerprint([(0.0, None)]) is None
    assert fingerprint(tmp_path / "none.avi") is None
    (tmp_path / "pictures").mkdir()
    before = fingerprint(tmp_path / "pictures")
    (tmp_path / "pictures" / "0.png").write_bytes(b"p")
    assert fingerprint(tmp_path / "pictures") != before
