"""What quantisation costs in accuracy, for an encoder that has no head yet: a simple classifier on either side."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from edgevtn.arrays import Float64, Int64
from edgevtn.datasets import Clip
from edgevtn.errors import require
from edgevtn.graph.facts import as_input, input_size
from edgevtn.graph.run import outputs, session
from edgevtn.kernels.prepare import Prepare
from edgevtn.sampler import Sampler
from edgevtn.sources import frames

#: Hz at which clips are looked at.
FRAME_RATE = 12.5
SEGMENTS = 3
#: Strength of the ridge, on standardised descriptors: chosen once, for both sides alike.
STRENGTH = 300.0
PROTOCOL = (
    "class-balanced ridge regression on the means of three segments of a clip's features, their differences and "
    "their spread; trained without the fold on which it is asked, once on each encoder's own features"
)


@dataclass(frozen=True)
class Accuracy:
    """Clips recognised, 0 to 1, with either encoder.

    Attributes
    ----------
    fp32, int8 : float
    agreement : float
        Share of clips to which both give the same answer.
    clips : int
    protocol : str
    """

    fp32: float
    int8: float
    agreement: float
    clips: int
    protocol: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def probe(
    fp32: onnx.ModelProto, int8: onnx.ModelProto, clips: Sequence[Clip], color_order: str, progress: bool = True
) -> Accuracy | None:
    """Cross-validate on labelled clips with both encoders.

    Parameters
    ----------
    fp32, int8 : onnx.ModelProto
        They have one input, uint8 (1, 3, S, S) or by 2x2 blocks.
    clips : sequence of Clip
    color_order : {"RGB", "BGR"}
        The encoders'.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Accuracy, optional
        None where there are fewer than two folds or labels.

    Raises
    ------
    SourceError
        A clip cannot be read.
    """
    folds = np.array([clip.fold or "" for clip in clips])
    labels = sorted({clip.label for clip in clips})
    if len(set(folds)) < 2 or len(labels) < 2:
        return None
    targets = np.array([labels.index(clip.label) for clip in clips])
    bar = require("tqdm", "calibration").tqdm(clips, "probing accuracy", unit="clip", disable=not progress)
    descriptors = _descriptors((fp32, int8), bar, color_order)
    answers = [_answers(values, targets, folds, len(labels)) for values in descriptors]
    right = [float((given == targets).mean()) for given in answers]
    return Accuracy(right[0], right[1], float((answers[0] == answers[1]).mean()), len(clips), PROTOCOL)


def _descriptors(models: Sequence[onnx.ModelProto], clips: Sequence[Clip], color_order: str) -> list[Float64]:
    """Descriptors (clips, M) under each encoder."""
    sessions, size = [session(model) for model in models], input_size(models[0])
    prepare, pixels = Prepare(size, color_order), np.empty((1, 3, size, size), np.uint8)
    rows: list[list[Float64]] = [[] for _ in models]
    for clip in clips:
        sampler = Sampler(FRAME_RATE)
        seen: list[list[Any]] = [[] for _ in models]
        with frames(clip.path) as source, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about clips slower than that: all their frames are looked at
            for timestamp, frame in source:
                if sampler.slots(timestamp):
                    prepare(frame, pixels)
                    for model, running, values in zip(models, sessions, seen, strict=True):
                        values.append(outputs(running, [as_input(model, pixels)])[0])
        for values, row in zip(seen, rows, strict=True):
            row.append(_descriptor(np.array(values, np.float64)))
    return [np.array(row) for row in rows]


def _descriptor(values: Float64) -> Float64:
    """Features (N, W) of a clip's frames -> its descriptor (2 SEGMENTS W)."""
    parts = np.array_split(values, SEGMENTS) if len(values) >= SEGMENTS else [values] * SEGMENTS
    means = [part.mean(axis=0) for part in parts]
    return np.concatenate([*means, *np.diff(means, axis=0), values.std(axis=0)])


def _answers(descriptors: Float64, targets: Int64, folds: npt.NDArray[np.str_], K: int) -> Int64:
    answers = np.zeros(len(targets), np.int64)
    for fold in sorted(set(folds)):
        train, test = folds != fold, folds == fold
        x, y = descriptors[train], np.eye(K)[targets[train]]
        mean, std = x.mean(axis=0), x.std(axis=0) + 1e-6
        weight = 1 / np.maximum(1, np.bincount(targets[train], minlength=K))[targets[train]]
        weight = np.sqrt(weight / weight.mean())[:, None]
        a, b = (x - mean) / std * weight, (2 * y - 1) * weight
        # The dual form: a descriptor is longer than there are clips.
        solved = a.T @ np.linalg.solve(a @ a.T + STRENGTH * np.eye(len(a)), b)
        answers[test] = ((descriptors[test] - mean) / std @ solved).argmax(axis=1)
    return answers
