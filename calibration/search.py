"""The order of attempts: an encoder is quantised in several ways, each is measured, and the best is kept.

A step of calibration is a function in `edgevtn.calibration.fit`, of one of the two kinds that
`edgevtn.calibration.fit.quantizer` names `Before` and `After`, and its place in this order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import onnx

from edgevtn.arrays import Pixels
from edgevtn.calibration.agreement import cosines
from edgevtn.calibration.fit.bias import correct_biases
from edgevtn.calibration.fit.equalise import equalise_channels
from edgevtn.calibration.fit.quantizer import After, Before, Quantizer, Settings
from edgevtn.calibration.fit.ranges import METHODS
from edgevtn.calibration.fit.sensitivity import gains
from edgevtn.errors import require
from edgevtn.graph.facts import as_input
from edgevtn.graph.run import features

#: Steps that may help, in the order in which they are tried: on the fp32 graph, and on the INT8 graph.
BEFORE: tuple[Before, ...] = (equalise_channels,)
AFTER: tuple[After, ...] = (correct_biases,)
#: Mean cosine of the features below which layers are kept in float.
BUDGET = 0.995
#: No more than this share of the layers stays in float: with more, nothing is left of the speed.
MOST_FLOAT = 0.5
#: Frames on which each layer's share is measured; it takes an inference without optimisation for each layer.
SENSITIVITY_FRAMES = 8


class Attempt(NamedTuple):
    """One way to quantise, and what came of it.

    Attributes
    ----------
    score : float
        Mean cosine of its features and those of fp32 on the frames by which ways are compared.
    what : str
        The way, in words.
    settings : Settings
    model : onnx.ModelProto
        The INT8 encoder.
    """

    score: float
    what: str
    settings: Settings
    model: onnx.ModelProto


class Found(NamedTuple):
    """The best attempt; and for each attempt, in order, what it was and its score."""

    best: Attempt
    trail: tuple[tuple[str, float], ...]


def search(
    encoder: onnx.ModelProto,
    fitted: Sequence[Pixels],
    tuning: Sequence[Pixels],
    *,
    target: str = "any",
    budget: float = BUDGET,
    blocks: bool = False,
    progress: bool = True,
) -> Found:
    """The INT8 encoder whose features agree best with those of fp32.

    Parameters
    ----------
    encoder : onnx.ModelProto
        uint8 input (1, 3, S, S), fp32 inside.
    fitted, tuning : sequence of uint8 (1, 3, S, S)
        Frames that ranges and biases are fitted to, and others by which the ways are compared.
    target : str
        One of `edgevtn.calibration.fit.quantizer.TARGETS`.
    budget : float
        Mean cosine that must be reached, up to 1; layers are kept in float until it is, or until half of them are.
    blocks : bool
        As in `Quantizer`.
    progress : bool
        Show progress bars.

    Raises
    ------
    ValueError
        As `Quantizer`.
    """
    quantizer = Quantizer(encoder, fitted, blocks)
    wanted = features(encoder, tuning)
    tried: list[Attempt] = []

    def attempt(settings: Settings) -> Attempt:
        model = quantizer(settings, progress)
        score = float(cosines(wanted, features(model, tuning)).mean())
        tried.append(Attempt(score, in_words(settings), settings, model))
        return tried[-1]

    tqdm = require("tqdm", "calibration").tqdm
    for method in tqdm(METHODS, "choosing ranges", disable=not progress):
        attempt(Settings(target=target, method=method, after=()))
    for before in BEFORE:
        if quantizer.changes(before):
            leading = _best(tried).settings
            attempt(replace(leading, before=(*leading.before, before)))
    for after in AFTER:
        # A correction helps some ways more than others: the two that lead get it.
        for leader in sorted(tried, key=_score)[-2:]:
            attempt(replace(leader.settings, after=(*leader.settings.after, after)))
    best = _best(tried)
    if best.score < budget:
        inputs = [as_input(best.model, value) for value in tuning[:SENSITIVITY_FRAMES]]
        bar = tqdm(quantizer.layers, "looking for layers to keep in float", disable=not progress)
        gain = gains(best.model, quantizer.float_model(best.settings), inputs, wanted, bar)
        order = sorted(gain, key=lambda layer: -gain[layer])
        best = _spare_layers(best, order, budget, attempt)
    return Found(best, tuple((each.what, each.score) for each in tried))


def _spare_layers(
    best: Attempt, order: Sequence[str], budget: float, attempt: Callable[[Settings], Attempt]
) -> Attempt:
    """Keep layers in float, the dearest first and twice as many each time, until the budget is met."""
    count = 1
    while best.score < budget and count <= MOST_FLOAT * len(order):
        following = attempt(replace(best.settings, float_layers=tuple(order[:count])))
        if following.score <= best.score and count > 1:
            break  # sparing some layers does not remove noise that all of them share
        best = max(best, following, key=_score)
        count *= 2
    return best


def in_words(settings: Settings) -> str:
    """Settings as a line of a report."""
    if settings.float_layers:
        count = len(settings.float_layers)
        return f"{count} layer{'s' if count > 1 else ''} in float"
    return ", ".join([f"{settings.method} ranges", *steps(settings)])


def steps(settings: Settings) -> list[str]:
    """The steps of settings, as they are called."""
    return [step.__name__.replace("_", " ") for step in (*settings.before, *settings.after)]


def _best(tried: Sequence[Attempt]) -> Attempt:
    return max(tried, key=_score)


def _score(tried: Attempt) -> float:
    return tried.score
