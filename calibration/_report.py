"""What quantisation cost: measured on frames that it has not seen."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from edgevtn.calibration._graph import Float, convolutions, intermediate_values, session

Pixels = npt.NDArray[np.uint8]

#: Inferences behind a median; the two models take turns, so that both see the machine's moods.
TIMED = 50
#: Frames for the signal-to-noise ratios, which run every node on its own, in float.
LAYER_FRAMES = 8


@dataclass(frozen=True)
class Report:
    """What an INT8 encoder gained and lost against the fp32 one.

    Attributes
    ----------
    fp32_bytes, int8_bytes : int
        Sizes of the files.
    fp32_ms, int8_ms : float
        Median time of one inference on one thread, milliseconds, both measured in turns in one run.
    cosine_mean, cosine_min : float
        Agreement of the embeddings on the held-out frames: cosine of the angle between the two.
    cosines : tuple of float
        One for each held-out frame, in order.
    layers : dict of str to float
        Signal-to-noise ratio of each convolution's output, dB; empty if the two graphs have no layers in common.
    """

    fp32_bytes: int
    int8_bytes: int
    fp32_ms: float
    int8_ms: float
    cosine_mean: float
    cosine_min: float
    cosines: tuple[float, ...]
    layers: dict[str, float]

    @property
    def ratio(self) -> float:
        """INT8 time by fp32 time."""
        return self.int8_ms / self.fp32_ms

    def to_json(self) -> str:
        """All of it, as JSON."""
        return json.dumps(asdict(self) | {"ratio": self.ratio}, indent=1)

    def __str__(self) -> str:
        """The summary, as text."""
        lines = [
            f"size      {self.fp32_bytes / 1e6:.2f} MB -> {self.int8_bytes / 1e6:.2f} MB",
            f"time      {self.fp32_ms:.2f} ms -> {self.int8_ms:.2f} ms, ratio {self.ratio:.2f} (1 thread, medians)",
            f"cosine    mean {self.cosine_mean:.4f}, minimum {self.cosine_min:.4f}, "
            f"on {len(self.cosines)} held-out frames",
        ]
        if self.layers:
            worst = sorted(self.layers.items(), key=lambda item: item[1])[:5]
            lines.append("noisiest  " + ", ".join(f"{name} {ratio:.1f} dB" for name, ratio in worst))
        return "\n".join(lines)


def compare(fp32: onnx.ModelProto, int8: onnx.ModelProto, pixels: Sequence[Pixels]) -> Report:
    """Measure an INT8 encoder against the fp32 one it was made from.

    Parameters
    ----------
    fp32, int8 : onnx.ModelProto
        Encoders with the same input, uint8 (1, 3, S, S), and outputs float32 (1, W) of the same width.
    pixels : sequence of uint8 (1, 3, S, S)
        Frames that were not used for calibration.

    Raises
    ------
    ValueError
        There are no frames, or the two encoders do not fit each other.
    """
    if not pixels:
        raise ValueError("expected frames to compare on, got none")
    sessions = [session(model, threads=1) for model in (fp32, int8)]
    faces = [[(node.type, node.shape) for node in (*s.get_inputs(), *s.get_outputs())] for s in sessions]
    if faces[0] != faces[1]:
        raise ValueError(f"the two encoders do not fit each other: {faces[0]} and {faces[1]}")
    entry = sessions[0].get_inputs()[0].name, sessions[1].get_inputs()[0].name
    embeddings = [
        np.vstack([running.run(None, {name: value})[0] for value in pixels])
        for running, name in zip(sessions, entry, strict=True)
    ]
    a, b = (value / np.linalg.norm(value, axis=1, keepdims=True) for value in embeddings)
    cosines = (a * b).sum(axis=1)
    times: tuple[list[float], list[float]] = [], []
    for n in range(TIMED):
        for running, name, taken in zip(sessions, entry, times, strict=True):
            begin = time.perf_counter()
            running.run(None, {name: pixels[n % len(pixels)]})
            taken.append(1e3 * (time.perf_counter() - begin))
    return Report(
        fp32_bytes=fp32.ByteSize(),
        int8_bytes=int8.ByteSize(),
        fp32_ms=statistics.median(times[0]),
        int8_ms=statistics.median(times[1]),
        cosine_mean=float(cosines.mean()),
        cosine_min=float(cosines.min()),
        cosines=tuple(float(cosine) for cosine in cosines),
        layers=_signal_to_noise(fp32, int8, pixels[:LAYER_FRAMES]),
    )


def _signal_to_noise(fp32: onnx.ModelProto, int8: onnx.ModelProto, pixels: Sequence[Any]) -> dict[str, float]:
    outputs = [{node.name: node.output[0] for node in convolutions(model)} for model in (fp32, int8)]
    names = [name for name in outputs[0] if name and name in outputs[1]]
    if not names:
        return {}
    signal, noise = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    values = [
        intermediate_values(model, [mapping[name] for name in names], pixels)
        for model, mapping in zip((fp32, int8), outputs, strict=True)
    ]
    for right, got in zip(*values, strict=True):
        for name in names:
            wanted: Float = right[outputs[0][name]]
            signal[name] += float(np.square(wanted).sum())
            noise[name] += float(np.square(got[outputs[1][name]] - wanted).sum())
    return {name: 10 * float(np.log10((signal[name] + 1e-12) / (noise[name] + 1e-12))) for name in names}
