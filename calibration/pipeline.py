"""An fp32 encoder and frames in, an INT8 encoder and what was measured out: no paths, no bundles."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import onnx

from edgevtn.calibration.fit.quantizer import TARGETS
from edgevtn.calibration.frames import Sample
from edgevtn.calibration.measure.compare import compare
from edgevtn.calibration.measure.report import Report
from edgevtn.calibration.search import BUDGET, search, steps
from edgevtn.cpu import IS_ARM, has_vnni
from edgevtn.graph.edit import named
from edgevtn.graph.facts import is_quantised

#: One frame in `TUNING_SHARE` is kept back to compare the ways on, and at most `TUNING_FRAMES` of these are used: each
#: way runs on all of them.
TUNING_SHARE, TUNING_FRAMES = 5, 32


def this_target() -> str:
    """The target that this machine is."""
    if IS_ARM:
        return "arm"
    return "x86-vnni" if has_vnni() else "x86"


def resolve_target(target: str) -> str:
    """The processor that a target names; "auto" names this machine.

    Raises
    ------
    ValueError
        It is unknown.
    """
    chosen = this_target() if target == "auto" else target
    if chosen not in TARGETS:
        raise ValueError(f"target must be auto or one of {', '.join(TARGETS)}, got {target!r}")
    return chosen


def calibrate(
    encoder: onnx.ModelProto,
    frames: Sequence[Sample],
    held_out: Sequence[Sample],
    *,
    target: str = "any",
    budget: float = BUDGET,
    blocks: bool = False,
    progress: bool = True,
) -> Report:
    """Turn an fp32 encoder into an INT8 one, and measure what that gained and cost.

    Parameters
    ----------
    encoder : onnx.ModelProto
        uint8 (1, 3, S, S) -> float32 features (1, W).
    frames : sequence of Sample
        At least two, of the kind that the model will see. Every fifth is kept back to compare the ways on; ranges and
        biases are fitted to the others.
    held_out : sequence of Sample
        Others, for the measurements.
    target : {"any", "x86-vnni", "x86", "arm", "auto"}
        "any" and "x86" are right on every processor; the other two use the last eighth of a bit, and on an x86
        without VNNI their sums would saturate. "auto" is this machine.
    budget : float
        Mean cosine of the features that must be reached, by keeping layers in float if need be.
    blocks : bool
        Let the INT8 encoder take its pixels by 2x2 blocks, (1, 12, S / 2, S / 2): faster, for edgevtn's bundles alone.
    progress : bool
        Show progress bars.

    Returns
    -------
    Report
        With the INT8 encoder.

    Raises
    ------
    ValueError
        The target is unknown, the encoder is quantised already or cannot be, or there are too few frames.

    Warns
    -----
    UserWarning
        The budget was not reached.
    """
    target = resolve_target(target)
    if is_quantised(encoder):
        raise ValueError("the encoder is quantised already; expected the fp32 model it was made from")
    if len(frames) < 2:
        raise ValueError(f"expected frames to calibrate with, got {len(frames)}; ranges from one frame fit no other")
    encoder = named(encoder)
    tuning = [sample.pixels for sample in frames[::TUNING_SHARE][:TUNING_FRAMES]]
    fitted = [sample.pixels for n, sample in enumerate(frames) if n % TUNING_SHARE]
    found = search(encoder, fitted, tuning, target=target, budget=budget, blocks=blocks, progress=progress)
    if max(score for _, score in found.trail) < budget:
        warnings.warn(f"a mean cosine of {budget} was not reached; the report says what was", stacklevel=2)
    settings = found.best.settings
    choices = {
        "target": target,
        "ranges": settings.method,
        "steps": steps(settings),
        "layers in float": list(settings.float_layers),
        "budget": budget,
    }
    return replace(compare(encoder, found.best.model, held_out), choices=choices, trail=found.trail)
