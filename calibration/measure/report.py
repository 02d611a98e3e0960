"""What was measured of an INT8 encoder: as text, and as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Any

import onnx

from edgevtn.calibration.frames import Sample
from edgevtn.calibration.measure.probe import Accuracy

#: What is for the page or for the caller, and not for JSON.
NOT_JSON = {"encoder", "worst"}


@dataclass(frozen=True)
class Report:
    """What an INT8 encoder gained and lost against the fp32 one.

    Attributes
    ----------
    machine : str
        The processor on which the times were taken.
    fp32_bytes, int8_bytes : int
        Sizes of the files.
    fp32_ms, int8_ms : float
        Median time of one inference on one thread, milliseconds, both measured in turns in one run.
    cosine_mean, cosine_min : float
        Agreement of the features on the held-out frames: cosine of the angle between the two.
    cosines : tuple of float
        One for each held-out frame, in order.
    layers : dict of str to float
        Signal-to-noise ratio of each convolution's output, dB; empty if the two graphs have no layers in common.
    encoder : onnx.ModelProto
        The INT8 encoder.
    worst : tuple of (int, Sample)
        The frames that agree least, with their numbers among the held-out ones.
    choices : dict
        What was chosen: target, ranges, steps, layers in float, budget, seed.
    trail : tuple of (str, float)
        What was tried, and its mean cosine on frames apart.
    accuracy : Accuracy, optional
        On labelled clips.
    """

    machine: str
    fp32_bytes: int
    int8_bytes: int
    fp32_ms: float
    int8_ms: float
    cosine_mean: float
    cosine_min: float
    cosines: tuple[float, ...]
    layers: dict[str, float]
    encoder: onnx.ModelProto
    worst: tuple[tuple[int, Sample], ...] = ()
    choices: dict[str, Any] = field(default_factory=dict)
    trail: tuple[tuple[str, float], ...] = ()
    accuracy: Accuracy | None = None

    @property
    def ratio(self) -> float:
        """INT8 time by fp32 time."""
        return self.int8_ms / self.fp32_ms

    def to_json(self) -> str:
        """All of it but the encoder and the pictures, as JSON."""
        facts = {part.name: getattr(self, part.name) for part in fields(self) if part.name not in NOT_JSON}
        facts |= {
            "ratio": self.ratio,
            "worst": [{"frame": n, "clip": str(clip), "seconds": seconds} for n, (_, clip, seconds) in self.worst],
            "accuracy": None if self.accuracy is None else self.accuracy.as_dict(),
        }
        return json.dumps(facts, indent=1)

    def __str__(self) -> str:
        """The summary, as text."""
        lines = [
            f"size      {self.fp32_bytes / 1e6:.2f} MB -> {self.int8_bytes / 1e6:.2f} MB",
            f"time      {self.fp32_ms:.2f} ms -> {self.int8_ms:.2f} ms, ratio {self.ratio:.2f} "
            f"(1 thread, medians, {self.machine})",
            f"cosine    mean {self.cosine_mean:.4f}, minimum {self.cosine_min:.4f}, "
            f"on {len(self.cosines)} held-out frames",
        ]
        if self.accuracy is not None:
            a = self.accuracy
            lines.append(
                f"accuracy  fp32 {a.fp32:.1%}, INT8 {a.int8:.1%}, same answer to {a.agreement:.1%} of {a.clips} clips"
            )
        if self.choices:
            lines.append("chosen    " + "; ".join(f"{name} {as_text(value)}" for name, value in self.choices.items()))
        if self.layers:
            worst = sorted(self.layers.items(), key=lambda item: item[1])[:5]
            lines.append("noisiest  " + ", ".join(f"{name} {ratio:.1f} dB" for name, ratio in worst))
        return "\n".join(lines)


def as_text(choice: object) -> str:
    """A choice as people read it."""
    if isinstance(choice, list):
        return ", ".join(map(str, choice)) or "none"
    return str(choice)
