"""A whole frame against its parts: each timed alone, over and over, and each where it stands in a frame.

Alone, a part finds its weights in the near caches. In a frame it finds what the parts before it left there.
Processor time, in turns, as others may use the core as well.
"""

import itertools
import statistics
import time

import numpy as np
import pytest
from encoders import bundle
from test_whole import camera_frames

import edgevtn

PARTS = ("prepare", "encode", "heads")
#: Turns, and frames of each way in a turn.
TURNS, FRAMES = 15, 16


@pytest.mark.parametrize("name", ["mobilenetv2", "default"])
def test_frame_and_its_parts(benchmark, name):
    """Frames of 640x480, all of them encoded; "default" is the bundled model."""
    benchmark.group = f"a frame and its parts, {name}, 1 thread"
    model = "default" if name == "default" else bundle(name)
    recognizer = edgevtn.Recognizer(model, threads=1, start="repeat", stillness=False)
    apart = recognizer.another()
    parts, frames = apart.stages(), camera_frames(FRAMES)
    assert tuple(parts) == PARTS
    clock = itertools.count()

    def recognise(frame):
        return recognizer(frame, next(clock) / recognizer.model.frame_rate)

    for frame in frames:
        prediction = recognise(frame)
        for part in parts.values():
            part(frame)
    scores = np.exp(apart._runners[0].logits())
    np.testing.assert_allclose(scores / scores.sum(), prediction.probabilities, atol=1e-5)

    durations = {}

    def timed(what, part, frame):
        begin = time.process_time()
        part(frame)
        durations.setdefault(what, []).append(time.process_time() - begin)

    for _ in range(TURNS):
        for frame in frames:
            timed("recogniser", recognise, frame)
        for frame in frames:
            for part in PARTS:
                timed(f"{part} in place", parts[part], frame)
        for part in PARTS:
            for frame in frames:
                # The last one is prepared by now; another would be prepared again.
                timed(f"{part} alone", parts[part], frames[-1] if part == "encode" else frame)
    medians = {what: statistics.median(each) for what, each in durations.items()}
    for where in ("in place", "alone"):
        medians[f"sum of parts {where}"] = sum(medians[f"{part} {where}"] for part in PARTS)
    benchmark.extra_info["in_turns"] = medians
    print("".join(f"\n{name}: {what:22} {1e3 * each:.3f} ms" for what, each in medians.items()))
    benchmark.pedantic(recognise, (frames[0],), rounds=20, warmup_rounds=1)
