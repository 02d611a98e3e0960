"""Write a bundle: the counterpart of `edgevtn.load_bundle`."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from edgevtn._bundle import DECODER, ENCODER, FACTS, FORMAT_VERSION, load_bundle


def write_bundle(
    folder: Path,
    facts: dict[str, Any],
    encoder: onnx.ModelProto,
    decoder: dict[str, npt.NDArray[np.float32]],
    card: str | None = None,
) -> None:
    """Write a bundle beside its place, check it by loading it, and move it there whole.

    Parameters
    ----------
    folder : Path
        Replaced if it is a bundle; refused if it is anything else.
    facts : dict
        As in ``model.json``, without `format_version` and `sha256`.
    encoder : onnx.ModelProto
    decoder : dict of arrays
    card : str, optional
        The model card, Markdown.

    Raises
    ------
    FileExistsError
        The folder has other things in it than a bundle.
    BundleError
        What was to be written is not a bundle.
    """
    if folder.exists() and not (folder / FACTS).exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder}: exists and is not a bundle; choose another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        fresh = Path(temporary) / "bundle"
        fresh.mkdir()
        (fresh / ENCODER).write_bytes(encoder.SerializeToString())
        np.savez(fresh / DECODER, **decoder)  # type: ignore[arg-type]
        sha256 = {name: hashlib.sha256((fresh / name).read_bytes()).hexdigest() for name in (ENCODER, DECODER)}
        model = {"format_version": FORMAT_VERSION, **facts, "sha256": sha256}
        (fresh / FACTS).write_text(json.dumps(model, indent=1) + "\n", "utf-8")
        if card is not None:
            (fresh / "MODEL_CARD.md").write_text(card, "utf-8")
        load_bundle(fresh)
        if folder.exists():
            shutil.rmtree(folder)
        fresh.replace(folder)
