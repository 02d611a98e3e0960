"""Encoders, and the whole way from a frame to logits, against the way Open Model Zoo's demo goes; one thread each."""

import time

import cv2
import numpy as np
import onnxruntime
import pytest
from encoders import ENCODERS, SIZE, S, bundle, encoder, head, pictures
from peers import openvino_model, zoo_way

import edgevtn
from edgevtn.cpu import default_threads
from edgevtn.kernels.prepare import Prepare, by_blocks
from edgevtn.sampler import Sampler

T = SIZE[0]
CAMERA = (480, 640)
CAMERA_RATE, MODEL_RATE = 30, 15
#: One, and all that this process may use.
THREADS = sorted({1, default_threads()})


def ort_encoder(content, threads=1):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(None, {"pixels": pixels})[0]


def cosine(a, b):
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("way", ["onnxruntime fp32", "onnxruntime int8", "onnxruntime int8 blocks", "openvino int8"])
@pytest.mark.parametrize("threads", THREADS)
def test_encoder(benchmark, way, name, threads):
    """OpenVINO gets the very same INT8 file; "blocks" is how our bundles have it."""
    benchmark.group = f"encoder {name}, {threads} threads"
    runtime, precision = way.split(" ", 1)
    make = ort_encoder if runtime == "onnxruntime" else openvino_model
    run = make(encoder(name, precision), threads)
    expected = ort_encoder(encoder(name, "fp32"))(pictures()[0])
    pixels = by_blocks(pictures()[0]) if precision == "int8 blocks" else pictures()[0]
    assert cosine(run(pixels), expected) > 0.9
    benchmark(run, pixels)


def camera_frames(count=8):
    return [cv2.resize(np.ascontiguousarray(p[0].transpose(1, 2, 0)), CAMERA[::-1]) for p in pictures(count)]


def edgevtn_way(name, engine="onnxruntime"):
    """Prepare, encode, project, decode: what a sampled frame costs."""
    (runner,) = edgevtn.Recognizer(bundle(name), threads=1, engine=engine)._runners
    (stream,), (own,) = runner.streams, runner.heads

    def step(frame):
        stream.picture.forget()
        own.push(stream.encode(frame))
        while not own.window.full:
            own.repeat()
        return own()

    return step


def naive_way(name):
    """VTN without reuse: every window is encoded anew, by onnxruntime."""
    encode, prepare = ort_encoder(encoder(name, "int8")), Prepare(S)
    decoder = head(*SIZE)
    window = []

    def step(frame):
        pixels = np.empty((1, 3, S, S), np.uint8)
        prepare(frame, pixels)
        window.append(pixels)
        while len(window) < T:
            window.append(window[-1])
        del window[:-T]
        for prepared in window:
            decoder.push(encode(prepared))
        return decoder()

    return step


def edgevtn_openvino(name):
    """The same on OpenVINO."""
    return edgevtn_way(name, "openvino")


WAYS = {
    "edgevtn": edgevtn_way,
    "edgevtn on OpenVINO": edgevtn_openvino,
    "open model zoo": zoo_way,
    "without reuse": naive_way,
}


@pytest.mark.parametrize("name", ["mobilenetv2", "resnet34"])
@pytest.mark.parametrize("way", WAYS)
def test_frame(benchmark, way, name):
    """A sampled 640x480 frame to 400 logits."""
    benchmark.group = f"whole frame, {name}-VTN, 1 thread"
    step, expected = WAYS[way](name), WAYS["edgevtn"](name)
    frames = camera_frames()
    assert cosine(step(frames[0]), expected(frames[0])) > 0.9
    clock = iter(range(10**9))
    benchmark(lambda: step(frames[next(clock) % len(frames)]))


@pytest.mark.parametrize("name", ["mobilenetv2", "resnet34"])
@pytest.mark.parametrize("way", ["edgevtn", "edgevtn on OpenVINO", "open model zoo"])
def test_second_of_video(benchmark, way, name):
    """A second of a 30 Hz camera: we sample 15 frames of it by time; the zoo's demo takes them all."""
    benchmark.group = f"a second of 30 Hz video, {name}-VTN, 1 thread"
    step, frames = WAYS[way](name), camera_frames()

    def second():
        begin = time.process_time()
        sampler = Sampler(MODEL_RATE)
        for n in range(CAMERA_RATE):
            if way == "open model zoo" or sampler.slots(n / CAMERA_RATE):
                step(frames[n % len(frames)])
        return time.process_time() - begin

    used = sorted(second() for _ in range(5))
    benchmark.extra_info["cpu_seconds"] = used[2]
    benchmark.pedantic(second, rounds=3, warmup_rounds=0)


@pytest.mark.parametrize("count", [1, 3])
def test_several_heads_on_one_encoder(benchmark, count):
    """A sampled 640x480 frame under the bundled model, and under three models on its encoder."""
    benchmark.group = "heads on one encoder, a frame, 1 thread"
    recognizer, frames = edgevtn.Recognizer(["default"] * count, threads=1, start="repeat"), camera_frames()
    clock = iter(range(10**9))

    def step():
        n = next(clock)
        return recognizer.predictions(frames[n % len(frames)], n / recognizer.model.frame_rate)

    assert len({prediction.label for prediction in step()}) == 1
    assert len(benchmark(step)) == count
