"""What is done with a frame, a stage at a time: to compile it before the first frame, and to time it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgevtn.arrays import Float, Frame
from edgevtn.parts import Parts
from edgevtn.runner import Runner
from edgevtn.streams import Stream


def stages(parts: Parts, runners: Sequence[Runner]) -> dict[str, Callable[[Frame], object]]:
    """Functions of a frame, uint8 (H, W, 3), in their order: "prepare", "encode" and "heads".

    Each can be called alone. They leave windows with frames that nobody took.
    """
    streams = list(parts.streams.values())

    def prepare(frame: Frame) -> None:
        parts.forget_pictures()
        for stream in streams:
            stream.picture.take(frame)

    def encode(frame: Frame) -> None:
        for stream in streams:
            stream.encode(frame)  # the picture is there already

    features: dict[Stream, Float] = {}
    for stream in streams * 2:  # a stream that compares two frames has no features of the first
        encoded = stream.encode(np.zeros((64, 64, 3), np.uint8))
        if encoded is not None:
            features[stream] = encoded

    def heads(frame: Frame) -> None:
        for runner in runners:
            for head, stream in zip(runner.heads, runner.streams, strict=True):
                head.push(features[stream])
            runner.logits()

    return {"prepare": prepare, "encode": encode, "heads": heads}
