"""Bundles of format 1, whose encoder gave the embedding of one model, projection and motion input included.

They are read as what they say in format 2. Nothing writes them any more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgevtn.arrays import Float
from edgevtn.facts import is_number

#: Where format 1 had the weights that format 2 has under other names.
FILES = {"head.npz": "decoder.npz", "head.onnx": "decoder.onnx"}
ENCODER_FACTS = ("modality", "input_size", "color_order", "mean", "std", "difference_interval")
HEAD_FACTS = ("embed_dim", "heads", "layers", "ffn_dim", "attention_scale", "layer_norm")


def upgraded(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a ``model.json`` of format 1 in the form of format 2; what is wrong with them stays wrong."""
    if "streams" in facts:
        return facts
    facts = dict(facts)
    motion, rate = facts.pop("motion", False), facts.get("frame_rate")
    encoder = {name: facts.pop(name) for name in ENCODER_FACTS if name in facts}
    if encoder.get("modality") != "rgb" and is_number(rate) and rate:
        encoder.setdefault("difference_interval", 1 / rate)  # as it was where nothing was said
    width = facts.get("embed_dim")
    if motion is True and isinstance(width, int):
        width *= 2  # the encoder gave [u, v]
    sums = facts.get("sha256")
    graph = isinstance(sums, dict) and FILES["head.onnx"] in sums
    head: dict[str, Any] = {"kind": "onnx" if graph else "vtn"}
    if "clip_len" in facts:
        head["window_len"] = facts.pop("clip_len")
    if graph:
        facts.pop("embed_dim", None)
    else:
        head |= {name: facts.pop(name) for name in HEAD_FACTS if name in facts}
        head |= {
            "motion": "change" if motion is True else "none" if motion is False else motion,
            "projection": motion is True,
        }
    if isinstance(sums, dict):
        names = {old: new for new, old in FILES.items()}
        facts["sha256"] = {names.get(name, name): value for name, value in sums.items()}
    return facts | {"encoder": encoder | {"width": width}, "head": head}


def with_projection(arrays: dict[str, Float]) -> dict[str, Float]:
    """The arrays of a decoder of format 1 with motion input, with the projection that its encoder's output needs.

    The encoder gives ``f = [u, v]`` and the window takes ``u_t - v_(t-1)``. That is ``f_t A + (f_t - f_(t-1)) B``
    with ``A = [[I], [-I]]`` and ``B = [[0], [I]]``.
    """
    D = arrays["position"].shape[1]
    identity, nothing = np.eye(D, dtype=np.float32), np.zeros((D, D), np.float32)
    return arrays | {
        "w_features": np.concatenate([identity, -identity]),
        "b_features": np.zeros(D, np.float32),
        "w_change": np.concatenate([nothing, identity]),
    }
