"""An encoder that says what it is, for whoever finds its file without the bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import onnx

#: What every key of ours begins with; others' stay as they are.
PREFIX = "edgevtn."


def described(encoder: onnx.ModelProto, source: str, license: str, facts: Mapping[str, Any]) -> onnx.ModelProto:
    """The encoder with its facts in the ONNX metadata.

    Nothing of ours reads them: a bundle's facts are in its ``model.json``. They are the encoder's alone, not those of a
    head, so that bundles share one file.

    Parameters
    ----------
    encoder : onnx.ModelProto
    source, license : str
        Where the weights come from, and under which licence they may be passed on.
    facts : mapping
        What it takes and gives, as ``encoder`` in ``model.json``.

    Returns
    -------
    onnx.ModelProto
        With the properties ``edgevtn.source``, ``edgevtn.license`` and ``edgevtn.encoder``, the last as JSON.
    """
    result: onnx.ModelProto = onnx.ModelProto.FromString(encoder.SerializeToString())
    told = {entry.key: entry.value for entry in result.metadata_props if not entry.key.startswith(PREFIX)}
    told |= {f"{PREFIX}source": source, f"{PREFIX}license": license, f"{PREFIX}encoder": json.dumps(dict(facts))}
    onnx.helper.set_model_props(result, told)
    return result
