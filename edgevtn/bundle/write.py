"""Write a bundle: the counterpart of `edgevtn.bundle.load_bundle`."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgevtn.arrays import Float
from edgevtn.bundle.facts import ENCODER, FACTS, FORMAT_VERSION, MODALITIES, NOVELTY
from edgevtn.bundle.format1 import FILES
from edgevtn.bundle.load import load_streams
from edgevtn.errors import BundleError
from edgevtn.files import replace_folder
from edgevtn.heads import KINDS
from edgevtn.novelty import Novelty

CARD = "MODEL_CARD.md"
#: What calibration and training tell of themselves, and what a taught model was taught with.
REPORTS = ("teach.npz", "teach.json", "calibration.json", "calibration.html", "training.csv", "learning_curve.png")
#: All that a bundle of one stream may have, of the present format and of format 1.
PARTS = {FACTS, ENCODER, NOVELTY, CARD, *FILES, *FILES.values(), *REPORTS}


def write_bundle(
    folder: Path,
    facts: dict[str, Any],
    encoder: bytes,
    head: dict[str, Float] | bytes,
    card: str | None = None,
    beside: Mapping[str, Callable[[Path], object]] | None = None,
    novelty: Novelty | None = None,
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
    beside : dict of str to callable, optional
        Other files of `REPORTS`, each with what writes it to the path that it is given.
    novelty : Novelty, optional
        What the training's features were like, under this encoder.

    Raises
    ------
    FileExistsError
        The folder has other things in it than a bundle.
    BundleError
        What was to be written is not a bundle.
    """

    def fill(fresh: Path) -> None:
        kind = facts["head"]["kind"]
        if kind not in KINDS:
            raise BundleError(f"{folder}: the head's kind must be one of {', '.join(KINDS)}, got {kind!r}")
        name = KINDS[kind].file
        contents = {ENCODER: encoder, name: head if isinstance(head, bytes) else _archive(head)}
        if novelty is not None:
            contents[NOVELTY] = _archive(novelty.arrays())
        for file, content in contents.items():
            (fresh / file).write_bytes(content)
        sums = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
        model = {"format_version": FORMAT_VERSION, **facts, "sha256": sums}
        (fresh / FACTS).write_text(json.dumps(model, indent=1) + "\n", "utf-8")
        for file, write in (beside or {}).items():
            assert file in REPORTS
            write(fresh / file)
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
    strange = _strange(folder)
    if strange is not None:
        raise FileExistsError(f"{folder}: has {strange}, which is no part of a bundle; choose another folder")

    def checked(fresh: Path) -> None:
        fill(fresh)
        load_streams(fresh)

    replace_folder(folder, checked)


def _strange(folder: Path) -> str | None:
    """What is at this place and no part of a bundle, which would be lost with what is replaced; None if nothing is."""
    if not folder.exists():
        return None
    if not folder.is_dir():
        return "a file of that name"
    names = sorted(path.name for path in folder.iterdir())
    if names and FACTS not in names:
        return names[0]
    for name in names:
        if name in MODALITIES and (folder / name).is_dir():
            inside = _strange(folder / name)
            if inside is not None:
                return f"{name}/{inside}"
        elif name not in PARTS:
            return name
    return None


def _archive(arrays: dict[str, Float]) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()
