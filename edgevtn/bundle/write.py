"""Write a bundle: the counterpart of `edgevtn.bundle.load_bundle`."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgevtn.arrays import Float
from edgevtn.bundle.facts import ENCODER, FACTS, FORMAT_VERSION, MODALITIES
from edgevtn.bundle.load import load_streams
from edgevtn.files import replace_folder
from edgevtn.heads import KINDS

CARD = "MODEL_CARD.md"


def write_bundle(
    folder: Path,
    facts: dict[str, Any],
    encoder: bytes,
    head: dict[str, Float] | bytes,
    card: str | None = None,
) -> None:
    """Write a bundle beside its place, check it by loading it, and move it there whole.

    Parameters
    ----------
    folder : Path
        Replaced if it is a bundle; refused if it is anything else.
    facts : dict
        As `Model.to_dict` gives them: ``model.json`` without `format_version` and `sha256`.
    encoder : bytes
        ONNX.
    head : dict of arrays, or bytes
        Weights, or an ONNX graph.
    card : str, optional
        The model card, Markdown.

    Raises
    ------
    FileExistsError
        The folder has other things in it than a bundle.
    BundleError
        What was to be written is not a bundle.
    """

    def fill(fresh: Path) -> None:
        name = KINDS[facts["head"]["kind"]].file
        contents = {ENCODER: encoder, name: head if isinstance(head, bytes) else _archive(head)}
        for file, content in contents.items():
            (fresh / file).write_bytes(content)
        sums = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
        model = {"format_version": FORMAT_VERSION, **facts, "sha256": sums}
        (fresh / FACTS).write_text(json.dumps(model, indent=1) + "\n", "utf-8")
        if card is not None:
            (fresh / CARD).write_text(card, "utf-8")

    _write_checked(folder, fill)


def write_streams(folder: Path, fill: Callable[[Path], None]) -> None:
    """Write a two-stream bundle: `fill` writes the bundles ``rgb`` and ``rgbdiff`` into the folder it is given.

    Raises
    ------
    FileExistsError, BundleError
        As `write_bundle`.
    """

    def both(fresh: Path) -> None:
        facts = {"format_version": FORMAT_VERSION, "streams": MODALITIES}
        (fresh / FACTS).write_text(json.dumps(facts) + "\n", "utf-8")
        fill(fresh)

    _write_checked(folder, both)


def _write_checked(folder: Path, fill: Callable[[Path], None]) -> None:
    if folder.exists() and not (folder.is_dir() and ((folder / FACTS).exists() or not any(folder.iterdir()))):
        raise FileExistsError(f"{folder}: exists and is not a bundle; choose another folder")

    def checked(fresh: Path) -> None:
        fill(fresh)
        load_streams(fresh)

    replace_folder(folder, checked)


def _archive(arrays: dict[str, Float]) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()
