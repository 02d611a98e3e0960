"""Time of each stage; results are asserted before they are timed.

Run with scripts/bench. Two things that are to be compared stand in one group, so that they are timed in one run.
"""

import subprocess
import sys

import cv2
import numpy as np
import pytest

import edgevtn
from edgevtn.bundle import load_bundle
from edgevtn.cpu import default_threads
from edgevtn.encoder import Encoder
from edgevtn.kernels import reference
from edgevtn.kernels.prepare import Prepare
from edgevtn.streams import Stillness

SIZES = [(240, 320), (480, 640), (720, 1280), (1080, 1920)]
S = 224
#: One, and all that this process may use.
THREADS = sorted({1, default_threads()})


def camera_frame(shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def opencv_prepare(frame, square, planes):
    """The same with OpenCV alone: resize the centre square, split it into planes in the other order."""
    H, W = frame.shape[:2]
    side = min(H, W)
    top, left = (H - side) // 2, (W - side) // 2
    cv2.resize(frame[top : top + side, left : left + side], (S, S), dst=square, interpolation=cv2.INTER_LINEAR)
    cv2.split(square, planes)


@pytest.mark.parametrize("shape", SIZES, ids=lambda shape: f"{shape[1]}x{shape[0]}")
@pytest.mark.parametrize("way", ["cython", "opencv"])
def test_prepare(benchmark, way, shape):
    benchmark.group = f"prepare {shape[1]}x{shape[0]}"
    frame, prepare = camera_frame(shape), Prepare(S)
    ours, theirs = np.empty((1, 3, S, S), np.uint8), np.empty((3, S, S), np.uint8)
    square, planes = np.empty((S, S, 3), np.uint8), [theirs[2], theirs[1], theirs[0]]
    prepare(frame, ours)
    opencv_prepare(frame, square, planes)
    assert np.abs(ours[0].astype(int) - theirs).max() <= 1
    if way == "cython":
        benchmark(prepare, frame, ours)
    else:
        benchmark(opencv_prepare, frame, square, planes)


@pytest.mark.parametrize("shape", [(S, S), *SIZES], ids=lambda shape: f"{shape[1]}x{shape[0]}")
@pytest.mark.parametrize("way", ["stillness", "prepare"])
def test_stillness(benchmark, way, shape):
    """What a still frame costs, against preparing it, which every other costs before it is encoded."""
    benchmark.group = f"a still frame {shape[1]}x{shape[0]}"
    frame, prepare, out = camera_frame(shape), Prepare(S), np.empty((1, 3, S, S), np.uint8)
    other = np.clip(frame + np.random.default_rng(1).normal(0, 2, frame.shape), 0, 255).astype(np.uint8)
    stillness = Stillness()
    stillness.keep(frame, 0.0)
    assert stillness(other, 0.1)
    if way == "stillness":
        benchmark(stillness, other, 0.1)
    else:
        benchmark(prepare, other, out)


@pytest.mark.parametrize("threads", THREADS)
def test_encode(benchmark, threads):
    benchmark.group = f"encode, {threads} threads"
    encoder = Encoder(load_bundle(), threads)
    encode = encoder.bind([np.zeros(encoder.input_shape, np.uint8)])
    assert np.isfinite(encode()).all()
    benchmark(encode)


@pytest.mark.parametrize("way", ["numba", "numpy"])
def test_decode(benchmark, way):
    benchmark.group = "decode a window"
    bundle = load_bundle()
    facts = bundle.model.head
    head = facts.build(bundle.head, bundle.path, "fp32")
    for row in np.random.default_rng(0).standard_normal((facts.window_len, 1, facts.width)).astype(np.float32):
        head.push(row)
    embeddings = head.window.rows[:, : facts.embed_dim].copy()
    from_scratch = (embeddings, bundle.head, facts.heads, facts.attention_scale, facts.layer_norm == "vtn")
    np.testing.assert_allclose(head(), reference.vtn(*from_scratch), rtol=1e-4, atol=1e-4)
    if way == "numba":
        benchmark(head)
    else:
        benchmark(reference.vtn, *from_scratch)


@pytest.mark.parametrize("threads", THREADS)
def test_frame(benchmark, threads):
    benchmark.group = f"a whole frame of 640x480, {threads} threads"
    recognizer = edgevtn.Recognizer(threads=threads, start="repeat")
    frame = camera_frame((480, 640))
    clock = iter(range(10**9))
    interval = 1 / recognizer.model.frame_rate
    assert recognizer(frame, next(clock) * interval) is not None
    benchmark(lambda: recognizer(frame, next(clock) * interval))


START = """
import edgevtn, numpy as np
assert edgevtn.Recognizer(start="repeat")(np.zeros((480, 640, 3), np.uint8), 0.0)
"""


@pytest.mark.parametrize("cache", ["warm", "cold"])
def test_start_to_first_prediction(benchmark, cache, tmp_path, monkeypatch):
    benchmark.group = "from process start to the first prediction"
    folders = iter(range(10**6))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "warm"))

    def start():
        if cache == "cold":
            monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / f"cold{next(folders)}"))
        subprocess.run([sys.executable, "-c", START], check=True, timeout=120, cwd=tmp_path)

    benchmark.pedantic(start, rounds=5 if cache == "warm" else 2, warmup_rounds=1 if cache == "warm" else 0)
