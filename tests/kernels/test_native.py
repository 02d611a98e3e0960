"""Kernels called without Numba: the same numbers as the reference, from disk, and by Numba where that cannot be."""

import os
import shutil
import subprocess
import sys

import llvmlite
import numpy as np
import pytest
from tiny import random_head, tiny_facts

from edgevtn.heads import KINDS
from edgevtn.kernels import reference, step
from edgevtn.kernels.cache import cache_folder
from edgevtn.kernels.machine import INT8
from edgevtn.kernels.native import bind
from edgevtn.kernels.structures import make_matrix, make_rows, make_scratch, make_weights
from edgevtn.kernels.words import Unsuitable, words_of

D = 2 * INT8.panel


def decoder(precision):
    facts = tiny_facts(embed_dim=D, width=D, heads=4, ffn_dim=D, window_len=5)
    arrays = random_head(facts)
    head = KINDS["vtn"].read({k: v for k, v in facts["head"].items() if k != "kind"}, D, 3, "test")
    assert set(head.shapes()) == set(arrays)
    weights = make_weights(arrays, heads=4, scale=D**-0.5, norm=True, precision=precision)
    return weights, make_scratch(weights)


@pytest.mark.parametrize(("precision", "atol"), [("fp32", 2e-5), ("int8", 2e-3)])
def test_a_step_is_the_reference_step(precision, atol):
    weights, scratch = decoder(precision)
    rng = np.random.default_rng(0)
    windows = rng.standard_normal((3, 5, 4 * D)).astype(np.float32)
    logits, expected = (np.zeros((1, len(weights.b_classes)), np.float32) for _ in range(2))
    call = bind("decode", windows[0], weights, scratch, logits)
    for window in windows:
        step.decode(window, weights, make_scratch(weights), expected)
        call(window)
        np.testing.assert_allclose(logits, expected, atol=atol)
        assert np.abs(logits).max() > 0.1


def test_what_is_bound_is_looked_at_when_it_is_called():
    rng = np.random.default_rng(1)
    x, b, out = np.zeros((1, 40), np.float32), np.zeros(64, np.float32), np.zeros((1, 64), np.float32)
    w = rng.standard_normal((40, 64)).astype(np.float32)
    call = bind("linear", x, make_matrix(w, "fp32"), b, make_rows(1, 40, "fp32"), out)
    for _ in range(3):
        x[...], b[...] = rng.standard_normal(40), rng.standard_normal(64)
        call()
        np.testing.assert_allclose(out, x @ w + b, atol=1e-4)


def test_statistics_and_a_classifier():
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((7, 20)).astype(np.float32)
    found, expected = ([np.zeros(20, np.float32) for _ in range(3)] + [np.zeros((3, 20), np.float32)] for _ in range(2))
    bind("window_statistics", np.zeros_like(rows), *found)(rows)
    reference.window_statistics(rows, *expected)
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)
    w, b, out = rng.standard_normal((4, 20)).astype(np.float32), np.ones(4, np.float32), np.zeros(4, np.float32)
    bind("classify", rows[0], w, b, out)()
    np.testing.assert_allclose(out, w @ rows[0] + 1, atol=1e-4)


def test_numba_runs_what_words_cannot_tell():
    w = np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4))
    out = np.zeros(3, np.float32)
    bind("classify", np.ones(4, np.float32), w, np.zeros(3, np.float32), out)()
    np.testing.assert_array_equal(out, w.sum(axis=1))


@pytest.mark.parametrize("thing", [None, "text", np.zeros((4, 4), np.float32).T[:, :2], 1j])
def test_what_words_cannot_tell(thing):
    with pytest.raises(Unsuitable):
        words_of((thing,))


def test_words_of_an_array():
    array = np.zeros((2, 3), np.float32)
    words, kinds = words_of((array, (1, -2.5), True))
    assert words[:9] == [0, 0, 6, 4, array.ctypes.data, 2, 3, 12, 4]
    assert words[9] == 1
    assert np.int64(words[10]).view(np.float64) == -2.5
    assert words[11:] == [1]
    assert kinds == "<f4x2,tuple(int,float),bool"


SCRIPT = """
import sys
import numpy as np
from edgevtn.kernels.native import bind
out = np.zeros(3, np.float32)
bind("classify", np.ones(4, np.float32), np.ones((3, 4), np.float32), np.zeros(3, np.float32), out)()
assert out.tolist() == [4, 4, 4]
print("numba" in sys.modules)
"""


def begun(folder):
    environment = os.environ | {"EDGEVTN_CACHE": str(folder)}
    environment.pop("NUMBA_CACHE_DIR", None)
    run = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=240, check=True)
    return done.stdout.strip() == "True"


@pytest.mark.skipif(
    tuple(map(int, llvmlite.__version__.split(".")[:2])) < (0, 45),
    reason="Numba before 0.62 gives code of an older LLVM, which is not kept: Numba runs it",
)
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_code_that_is_damaged_is_made_again(tmp_path, damage):
    x, out = np.ones(4, np.float32), np.zeros(3, np.float32)
    bind("classify", x, np.ones((3, 4), np.float32), np.zeros(3, np.float32), out)()
    shutil.copytree(cache_folder(), tmp_path / cache_folder().name)
    assert not begun(tmp_path)
    damaged = {}  # several, where other versions of the compiler share the folder
    for file in (tmp_path / cache_folder().name).glob("classify-*.native"):
        whole = file.read_bytes()
        ways = {"cut": whole[:-9], "flipped": whole[:200] + b"\xcc" + whole[201:], "empty": b"", "other": b"x" * 99}
        damaged[file] = ways[damage]
        file.write_bytes(damaged[file])
    assert begun(tmp_path)
    assert [file for file, content in damaged.items() if file.read_bytes() != content]
    assert not begun(tmp_path)


def test_that_there_can_be_no_code_is_remembered(tmp_path, monkeypatch):
    from edgevtn.kernels import ahead, native

    monkeypatch.setattr(native, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(ahead, "LIBRARY", set())
    monkeypatch.setattr(ahead, "OWNERS", ())
    monkeypatch.setattr(ahead, "LOADS", {})
    native._entry.cache_clear()
    arguments = np.ones(4, np.float32), np.ones((3, 4), np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32)
    for _ in range(2):
        bind("classify", *arguments)()
        np.testing.assert_array_equal(arguments[-1], 4)
        (file,) = tmp_path.glob("classify-*.native")
        assert file.stat().st_size == native.DIGEST
        monkeypatch.setattr(ahead, "compile_ahead", None)  # it is not tried again
    native._entry.cache_clear()
