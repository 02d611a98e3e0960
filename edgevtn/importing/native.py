"""Recognise a VTN decoder in an OpenVINO graph, by its weights' order and shapes, and by what it computes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np

from edgevtn.engines.openvino import load_openvino
from edgevtn.importing.pattern import PROJECTIONS, Float, OtherPatternError, Pattern, read_pattern, weights_of
from edgevtn.kernels.reference import vtn

#: Random windows that are computed both ways; from two on it is seen how far a logit moves from window to window.
WINDOWS = 3
#: Agreement of logits that proves the reading right, as a part of the farthest that one moves. It is not a part of the
#: logits themselves: with layer norm a classifier's bias may outweigh a thousand times what depends on the window, and
#: queries and keys could be exchanged unseen. The right readings of the published graphs come to 4e-5 or less.
TOLERANCE = 2e-3
#: And of the largest logit: a few roundings of a float32.
ROUNDING = 1e-6


def native_decoder(model: Any, T: int, D: int, K: int) -> tuple[dict[str, Float], dict[str, Any]] | None:
    """Arrays and facts of a decoder, or None where the graph is not recognised.

    Parameters
    ----------
    model : openvino.Model
        (1, T, D) -> (1, K).
    """
    try:
        pattern = read_pattern(weights_of(model), T, D, K)
    except OtherPatternError:
        return None
    windows = np.random.default_rng(0).standard_normal((WINDOWS, T, D)).astype(np.float32)
    found = _proven(pattern, windows, _run(model, windows))
    if found is None:
        return None
    arrays, scale = found
    layers, _, F = arrays["w_1"].shape
    facts = {
        "kind": "vtn", "window_len": T, "embed_dim": D, "heads": pattern.heads, "layers": layers, "ffn_dim": F,
        "attention_scale": scale, "layer_norm": "vtn" if "gain_1" in arrays else "none", "motion": "none",
        "projection": False,
    }  # fmt: skip
    return {name: np.ascontiguousarray(value) for name, value in arrays.items()}, facts


def _run(model: Any, windows: Float) -> Float:
    """OpenVINO's logits (N, K)."""
    openvino = load_openvino("import")
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(model, "CPU", exact)
    return np.stack([np.array(compiled([window[None]])[0][0], np.float32) for window in windows])


def _readings(pattern: Pattern) -> Iterator[tuple[dict[str, Float], float]]:
    """Arrays and the scale of the scores, for everything that order and shapes leave open."""
    D = pattern.arrays["w_q"].shape[1]
    for order in permutations(PROJECTIONS):
        arrays = pattern.arrays | {new: pattern.arrays[old] for new, old in zip(PROJECTIONS, order, strict=True)}
        if pattern.key_scales is None:
            for scale in (D**-0.5, (D // pattern.heads) ** -0.5):
                yield arrays, scale
        else:
            # One number in all places, as published, leaves the keys exactly as they are.
            scale = float(np.abs(pattern.key_scales).max())
            columns = np.tile(pattern.key_scales / np.float32(scale), pattern.heads)
            yield arrays | {"w_k": arrays["w_k"] * columns[:, None]}, scale


def _proven(pattern: Pattern, windows: Float, expected: Float) -> tuple[dict[str, Float], float] | None:
    """The reading nearest to the logits expected (N, K), if it agrees with them on every window."""
    found, least = None, np.inf
    with np.errstate(all="ignore"):  # a wrong reading may overflow; it will not agree either
        moved = np.abs(expected - expected.mean(axis=0)).max()
        tolerance = float(TOLERANCE * moved + ROUNDING * np.abs(expected).max())
        for arrays, scale in _readings(pattern):
            error = _error(arrays, pattern.heads, scale, windows, expected, tolerance)
            if error <= tolerance and error < least:
                found, least = (arrays, scale), error
    return found


def _error(arrays: dict[str, Float], heads: int, scale: float, windows: Float, expected: Float, enough: float) -> float:
    """The largest error of a logit; of the first windows alone, where it is more than `enough` there."""
    error = 0.0
    for window, logits in zip(windows, expected, strict=True):
        got = vtn(window, arrays, heads, scale, "gain_1" in arrays)
        error = max(error, float(np.nan_to_num(np.abs(got - logits), nan=np.inf).max()))
        if error > enough:
            break
    return error
