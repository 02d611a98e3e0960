"""What it costs to know why all is unknown, beside what the frame costs."""

import cv2
import numpy as np
import pytest

import edgevtn
from edgevtn.cli.people import PEOPLE
from edgevtn.prediction import UNKNOWN
from edgevtn.unknown import Unknown


@pytest.mark.parametrize("what", ["recognise", "observe"])
def test_a_hundred_frames(benchmark, what):
    """640x480, all of them unknown: where something is recognised, nothing is measured."""
    benchmark.group = "a hundred unknown frames"
    with edgevtn.frames(PEOPLE / "asked-1.mp4") as source:
        shown = [cv2.resize(frame, (640, 480)) for _, frame in source]
    shown = (shown + shown[::-1])[:100]
    recognizer = edgevtn.Recognizer(threads=1, start="repeat", stillness=False)
    rate = recognizer.model.frame_rate
    predictions = [recognizer(frame, n / rate) for n, frame in enumerate(shown)]
    assert np.mean([prediction.label == UNKNOWN for prediction in predictions]) > 0.9

    def recognise():
        recognizer.reset()
        for n, frame in enumerate(shown):
            recognizer(frame, n / rate)

    lines = []

    def observe():
        lines.clear()
        sink = Unknown(lines.append)
        for n, (frame, prediction) in enumerate(zip(shown, predictions, strict=True)):
            sink.prediction(prediction)
            sink.frame(frame, n / rate)
        sink.close()

    observe()
    assert any("unlike" in line for line in lines)
    benchmark(recognise if what == "recognise" else observe)
