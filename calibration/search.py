"""Quantise an encoder in several ways, measure each, and keep the best: `edgevtn.calibration.quantize`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx

from edgevtn.calibration.fit.quantizer import Pixels, Quantizer, Settings
from edgevtn.calibration.fit.ranges import METHODS
from edgevtn.calibration.fit.sensitivity import gains
from edgevtn.calibration.measure.compare import cosines
from edgevtn.errors import require
from edgevtn.graph.edit import Float, as_input, session

#: Mean cosine of the embeddings below which layers are kept in float.
BUDGET = 0.995
#: No more than this share of the layers stays in float: with more, nothing is left of the speed.
MOST_FLOAT = 0.5
#: Frames on which each layer's share is measured; it takes an inference without optimisation for each layer.
SENSITIVITY_FRAMES = 8


def embeddings(model: onnx.ModelProto, pixels: Sequence[Pixels]) -> Float:
    """Embeddings (N, D) of N frames."""
    running = session(model)
    name = running.get_inputs()[0].name
    return np.vstack([running.run(None, {name: as_input(model, value)})[0] for value in pixels])


def search(
    encoder: onnx.ModelProto,
    calibration: Sequence[Pixels],
    tuning: Sequence[Pixels],
    *,
    target: str = "any",
    budget: float = BUDGET,
    progress: bool = True,
    blocks: bool = False,
) -> tuple[onnx.ModelProto, Settings, list[tuple[str, float]]]:
    """The INT8 encoder whose embeddings agree best with those of fp32.

    Parameters
    ----------
    encoder : onnx.ModelProto
        uint8 input.
    calibration, tuning : sequence of uint8 (1, 3, S, S)
        Frames for ranges and biases, and others by which the ways are compared.
    target : str
        One of `TARGETS`.
    budget : float
        Mean cosine that must be reached; layers are kept in float until it is, or until half of them are.
    progress : bool
        Show progress bars.
    blocks : bool
        As in `Quantizer`.

    Returns
    -------
    model : onnx.ModelProto
    settings : Settings
        What was chosen.
    trail : list of (str, float)
        What was tried, in order, and the mean cosine on `tuning`.
    """
    tqdm = require("tqdm", "calibration").tqdm
    quantizer = Quantizer(encoder, calibration, blocks)
    wanted = embeddings(encoder, tuning)
    trail: list[tuple[str, float]] = []

    def attempt(what: str, settings: Settings) -> tuple[float, onnx.ModelProto, Settings]:
        model = quantizer(settings, progress)
        score = float(cosines(wanted, embeddings(model, tuning)).mean())
        trail.append((what, score))
        return score, model, settings

    plain = Settings(target=target, correct=False)
    ways = tqdm(METHODS, "choosing ranges", disable=not progress)
    tried = [attempt(f"{way} ranges", replace(plain, method=way)) for way in ways]
    if quantizer.can_equalise:
        leading = max(tried, key=_score)[2]
        tried.append(attempt(f"{leading.method} ranges, equalised", replace(leading, equalise=True)))
    # Correction helps some ways more than others: the two that lead get it.
    for _, _, settings in sorted(tried, key=_score)[-2:]:
        what = f"{settings.method} ranges{', equalised' * settings.equalise}, biases corrected"
        tried.append(attempt(what, replace(settings, correct=True)))
    best = max(tried, key=_score)
    if best[0] < budget:
        inputs = [as_input(best[1], value) for value in tuning[:SENSITIVITY_FRAMES]]
        bar = tqdm(quantizer.layers, "looking for layers to keep in float", disable=not progress)
        gain = gains(best[1], quantizer.float_model(best[2]), inputs, wanted, bar)
        order = sorted(gain, key=lambda layer: -gain[layer])
        count = 1
        while best[0] < budget and count <= MOST_FLOAT * len(order):
            before = best
            attempted = attempt(f"{count} layers in float", replace(best[2], float_layers=tuple(order[:count])))
            best = max(best, attempted, key=_score)
            if best is before and count > 1:
                break  # noise that all layers share is not to be had by sparing some
            count *= 2
    return best[1], best[2], trail


def _score(tried: tuple[float, onnx.ModelProto, Settings]) -> float:
    return tried[0]
