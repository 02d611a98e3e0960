"""Write a bundle: the counterpart of `edgevtn.load_bundle`."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgevtn.bundle.facts import DECODER, ENCODER, FACTS, FORMAT_VERSION, ONNX_DECODER
from edgevtn.bundle.load import STREAMS, load_streams

CARD = "MODEL_CARD.md"


def write_bundle(
    folder: Path,
    facts: dict[str, Any],
    encoder: bytes,
    decoder: dict[str, npt.NDArray[np.float32]] | bytes,
    card: str | None = None,
) -> None:
    """Write a bundle beside its place, check it by loading it, and move it there whole.

    Parameters
    ----------
    folder : Path
        Replaced if it is a bundle; refused if it is anything else.
    facts : dict
        As in ``model.json``, without `format_version` and `sha256`.
    encoder : bytes
        ONNX.
    decoder : dict of arrays, or bytes
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
    _write_beside(folder, lambda fresh: _fill(fresh, facts, encoder, decoder, card))


def write_streams(folder: Path, fill: Callable[[Path], None]) -> None:
    """Write a two-stream bundle: `fill` writes the bundles ``rgb`` and ``rgbdiff`` into the folder it is given.

    Raises
    ------
    FileExistsError, BundleError
        As `write_bundle`.
    """

    def both(fresh: Path) -> None:
        (fresh / FACTS).write_text(json.dumps({"format_version": FORMAT_VERSION, "streams": STREAMS}) + "\n", "utf-8")
        fill(fresh)

    _write_beside(folder, both)


def _write_beside(folder: Path, fill: Callable[[Path], None]) -> None:
    if folder.exists() and not (folder.is_dir() and ((folder / FACTS).exists() or not any(folder.iterdir()))):
        raise FileExistsError(f"{folder}: exists and is not a bundle; choose another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        fresh, old = Path(temporary) / "bundle", Path(temporary) / "old"
        fresh.mkdir()
        fill(fresh)
        load_streams(fresh)
        if folder.exists():
            folder.replace(old)
        fresh.replace(folder)
        if old.exists():
            shutil.rmtree(old)


def _fill(
    folder: Path,
    facts: dict[str, Any],
    encoder: bytes,
    decoder: dict[str, npt.NDArray[np.float32]] | bytes,
    card: str | None,
) -> None:
    (folder / ENCODER).write_bytes(encoder)
    if isinstance(decoder, bytes):
        second = ONNX_DECODER
        (folder / second).write_bytes(decoder)
    else:
        second = DECODER
        np.savez(folder / second, **decoder)  # type: ignore[arg-type]
    sha256 = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (ENCODER, second)}
    model = {"format_version": FORMAT_VERSION, **facts, "sha256": sha256}
    (folder / FACTS).write_text(json.dumps(model, indent=1) + "\n", "utf-8")
    if card is not None:
        (folder / CARD).write_text(card, "utf-8")
