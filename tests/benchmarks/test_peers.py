"""A second of 30 Hz video against MoViNet-A0-stream on LiteRT at its own five frames a second; one thread each.

Both get the same moving 640x480 frames and prepare them themselves. Nothing is decoded.
"""

import os
import statistics
import time
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from peers import MOVINET_RATE, MoViNet

import edgevtn

pytest.importorskip("ai_edge_litert.interpreter")

SHARED = Path(os.environ.get("EDGEVTN_SHARED", Path(__file__).parents[3] / "shared"))
PEERS = SHARED / "models" / "peers"
CLIP = Path(edgevtn.__file__).parent / "data" / "demo.mp4"
CAMERA_RATE = 30
#: Seconds of video in a measurement, and how many are taken in turns.
SECONDS, ROUNDS = 4, 7

pytestmark = pytest.mark.skipif(not PEERS.is_dir(), reason="needs the shared data folder (EDGEVTN_SHARED)")


def camera_frames():
    with edgevtn.frames(CLIP) as source:
        frames = [frame for _, frame in zip(range(CAMERA_RATE * SECONDS), (f for _, f in source), strict=False)]
    return [cv2.resize(frame, (640, 480)) for frame in frames]


def ours(frames, engine="onnxruntime"):
    recognizer = edgevtn.Recognizer(threads=1, start="repeat", engine=engine)

    def run():
        recognizer.reset()
        shown = ((n / CAMERA_RATE, frame) for n, frame in enumerate(frames))
        return [prediction.probabilities for prediction in recognizer.stream(shown)]

    return run


def movinet(frames, file):
    step = MoViNet(PEERS / file)

    def run():
        step.reset()
        return [step(frame) for frame in frames[:: CAMERA_RATE // MOVINET_RATE]]

    return run


@pytest.mark.parametrize("file", ["a0_dynamic.tflite", "a0_int8.tflite"])
def test_second_of_video(benchmark, file):
    """In turns, so that both see the same machine; processor time, as others may use the core as well."""
    benchmark.group = "a second of 30 Hz video, the bundled model and MoViNet-A0-stream, 1 thread"
    frames = camera_frames()
    ways = {"edgevtn": ours(frames), file: movinet(frames, file)}
    if find_spec("openvino"):
        ways["edgevtn on OpenVINO"] = ours(frames, "openvino")
    for name, way in ways.items():
        rate = MOVINET_RATE if name == file else edgevtn.Recognizer(threads=1).model.frame_rate
        answers = np.array(way())
        assert len(answers) == rate * SECONDS
        assert np.isfinite(answers).all()
        assert np.ptp(answers, axis=0).max() > 0.01  # it looks at the frames
    used = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            begin = time.process_time()
            way()
            used[name].append((time.process_time() - begin) / SECONDS)
    medians = {name: statistics.median(each) for name, each in used.items()}
    benchmark.extra_info["cpu_seconds"] = medians[file]
    benchmark.extra_info["cpu_seconds_edgevtn"] = medians["edgevtn"]
    peer = medians.pop(file)
    ours_told = "; ".join(f"{name} {each:.4f}, {each / peer:.2f} of it" for name, each in medians.items())
    print(f"\n{file}: {peer:.4f} CPU s/s; {ours_told}")
    benchmark.pedantic(ways[file], rounds=3, warmup_rounds=0)
