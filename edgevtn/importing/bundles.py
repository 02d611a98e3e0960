"""`edgevtn import`: published files into a bundle."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx

from edgevtn.arguments import number
from edgevtn.bundle import RGB, RGBDIFF, write_bundle, write_streams
from edgevtn.bundle.card import has_labels, plain_card
from edgevtn.bundle.facts import FASTEST, SLOWEST
from edgevtn.errors import ModelFileError
from edgevtn.graph.blocks import by_blocks
from edgevtn.graph.facts import is_quantised
from edgevtn.graph.metadata import described
from edgevtn.graph.pixels import pixels_first
from edgevtn.importing.checkpoint import read_checkpoint
from edgevtn.importing.ir import read_ir
from edgevtn.importing.labels import read_labels
from edgevtn.importing.parts import Parts

LOG = logging.getLogger(__name__)
#: Every second frame of a 30 Hz camera is what the published models were trained on.
FRAME_RATE = 15.0


def import_files(
    files: Sequence[str | Path],
    output: str | Path,
    *,
    labels: str | None = None,
    frame_rate: float = FRAME_RATE,
    name: str | None = None,
    license: str = "unstated",
) -> Path:
    """Turn published files into a bundle.

    Parameters
    ----------
    files : sequence of path
        One checkpoint; or two, of RGB and of RGB-difference, for a two-stream bundle; or the .xml files of an
        encoder and a decoder in OpenVINO IR.
    output : path
        Folder to write; replaced if it is a bundle.
    labels : str, optional
        "kinetics400", "ucf101", "hmdb51", "driver", or a file with one label a line. Without it the list with so
        many labels as the model has classes, or numbered classes.
    frame_rate : float
        Hz, of the frames that the model sees.
    name, license : str
        Facts for the bundle.

    Returns
    -------
    Path
        The bundle.

    Raises
    ------
    ModelFileError
        The files cannot be read, are no VTN, or do not belong together.
    FileExistsError, OSError
        The folder cannot be written.
    """
    output, paths = Path(output), [Path(file) for file in files]
    try:
        frame_rate = number(frame_rate, "frame_rate", low=SLOWEST, high=FASTEST, unit="Hz")
    except ValueError as error:
        raise ModelFileError(error) from None
    if all(file.suffix == ".xml" for file in paths):
        if len(paths) != 2:
            raise ModelFileError(f"expected the .xml of the encoder and that of the decoder, got {len(paths)}")
        streams = [read_ir(*paths)]
    else:
        if len(paths) > 2 or any(file.suffix == ".xml" for file in paths):
            raise ModelFileError("expected one checkpoint, two of RGB and RGB-difference, or the two .xml of an IR")
        streams = [read_checkpoint(file) for file in paths]
    if len({parts.classes for parts in streams}) != 1:
        counts = " and ".join(str(parts.classes) for parts in streams)
        raise ModelFileError(f"the two models have {counts} classes; their logits cannot be averaged")
    names = read_labels(labels, streams[0].classes)
    if not has_labels(names):
        LOG.warning(
            f"nobody named the model's {len(names)} classes: its labels are {names[0]} to {names[-1]}; "
            "give --labels FILE, with one label a line"
        )
    known = {"name": name or output.resolve().name, "license": license, "frame_rate": frame_rate, "labels": names}
    if len(streams) == 1:
        _write(output, streams[0], known)
        return output
    by_modality = {parts.encoder_facts["modality"]: parts for parts in streams}
    if len(by_modality) != 2:
        (kind,) = by_modality
        raise ModelFileError(f"both checkpoints are {kind}; a two-stream model is one of {RGB} and one of {RGBDIFF}")

    def both(folder: Path) -> None:
        for modality, parts in by_modality.items():
            _write(folder / modality, parts, known)

    write_streams(output, both)
    return output


def _write(folder: Path, parts: Parts, known: dict[str, Any]) -> None:
    quantization = {"encoder": "float32", "head": "float32"}
    encoder, seen = parts.encoder, parts.encoder_facts
    if is_quantised(encoder):
        # Published weights use all of int8's range, which saturates on an x86 without VNNI.
        quantization = {"encoder": "int8 QDQ, as published", "target": "x86-vnni", "head": "float32"}
        encoder = by_blocks(pixels_first(encoder))
    if seen["modality"] == RGBDIFF:
        seen = seen | {"difference_interval": 1 / known["frame_rate"]}  # one slot, as the authors trained them
    facts = known | {
        "source": parts.source,
        "encoder": seen,
        "head": parts.head_facts,
        "quantization": quantization,
        "accuracy": {},
    }
    head = parts.head.SerializeToString() if isinstance(parts.head, onnx.ModelProto) else parts.head
    card = plain_card(facts, "Imported by edgevtn import from the files of another project; not trained here.")
    encoder = described(encoder, facts["source"], facts["license"], seen)
    write_bundle(folder, facts, encoder.SerializeToString(), head, card=card)
