"""Calibration and comparison of bundles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx

from edgevtn.bundle import Bundle, load_bundle, load_streams, write_bundle, write_streams
from edgevtn.bundle.card import plain_card
from edgevtn.calibration.encoders import compared, sampled, write_report
from edgevtn.calibration.files import labelled_clips, load_encoder, parse_encoder
from edgevtn.calibration.measure.probe import Accuracy, probe
from edgevtn.calibration.measure.report import Report
from edgevtn.calibration.pipeline import calibrate, resolve_target
from edgevtn.calibration.search import BUDGET
from edgevtn.datasets import Clip, answers
from edgevtn.graph.difference import of_two_frames
from edgevtn.graph.facts import input_size
from edgevtn.graph.metadata import described
from edgevtn.graph.sizes import resized
from edgevtn.recognizer import Recognizer


def calibrate_bundle(
    bundle: str | Path,
    clips: str | Path,
    output: str | Path,
    *,
    target: str = "any",
    budget: float = BUDGET,
    seed: int = 0,
    progress: bool = True,
    size: int | None = None,
) -> dict[str, Report]:
    """Write a bundle with INT8 encoders, and measure what that gained and cost.

    Parameters
    ----------
    bundle : path
        One stream or two, with fp32 encoders.
    clips, target, budget, seed, progress, size
        As in `calibrate_file`; accuracy, where it is measured, is that of both bundles at their own sizes.
    output : path
        The new bundle's folder; the report is in it, or in each stream's folder.

    Returns
    -------
    dict of Report
        By modality; accuracy is each stream's own.

    Raises
    ------
    ValueError, BundleError, SourceError, ManifestError, FileExistsError, OutputError
        The bundle or the clips cannot be used, or the output cannot be written; then nothing is.
    """
    streams = load_streams(bundle)
    target = resolve_target(target)
    reports: dict[str, Report] = {}

    def into(stream: Bundle, folder: Path) -> None:
        reports[stream.model.encoder.modality] = _calibrate_stream(
            stream, clips, folder, seed, size, target=target, budget=budget, progress=progress
        )

    def into_each(folder: Path) -> None:
        for stream in streams:
            into(stream, folder / stream.model.encoder.modality)

    if len(streams) == 1:
        into(streams[0], Path(output))
    else:
        write_streams(Path(output), into_each)
    return reports


def compare_bundle(
    bundle: str | Path, int8: str | Path, clips: str | Path, output: str | Path | None = None, *, seed: int = 0
) -> Report:
    """Measure an INT8 encoder in an ONNX file against the fp32 one of a bundle.

    Parameters
    ----------
    bundle : path
        One stream.
    int8 : path
    clips, seed
        As in `calibrate_file`.
    output : path, optional
        A new bundle to write, with the INT8 encoder; accuracy is then measured with its head.

    Raises
    ------
    ValueError, BundleError, SourceError, ManifestError, FileExistsError
        The encoders or the clips cannot be used, or do not fit each other.
    """
    loaded, quantised = load_bundle(bundle), load_encoder(int8)
    original, color_order = parse_encoder(loaded.encoder, str(bundle)), loaded.model.encoder.color_order
    interval = loaded.model.encoder.difference_interval
    report = compared(original, quantised, clips, color_order, seed, interval)
    labelled = labelled_clips(clips)
    if output is not None:
        whole = quantised if interval is None else of_two_frames(quantised)
        swap(bundle, whole, output, {"encoder": f"from {Path(int8).name}", "head": "float32"})
    if not labelled:
        return report
    if output is None:
        if interval is not None:
            return report  # the probe looks at frames, not at their differences
        return replace(report, accuracy=probe(original, quantised, labelled, color_order))
    return replace(report, accuracy=_accuracy_of_bundles(bundle, output, labelled))


def swap(bundle: str | Path, encoder: onnx.ModelProto, output: str | Path, quantization: dict[str, Any]) -> None:
    """Write a copy of a bundle with another encoder.

    Parameters
    ----------
    bundle : path
        One stream.
    encoder : onnx.ModelProto
    output : path
        The copy's folder.
    quantization : dict
        The fact of that name in the copy.

    Raises
    ------
    BundleError, FileExistsError
        The encoder does not fit, or the folder is in use for something else.
    """
    loaded = load_bundle(bundle)
    # What was measured was measured with the other encoder.
    facts = loaded.model.to_dict() | {"quantization": quantization, "accuracy": {}}
    side = input_size(encoder)
    if side not in (0, facts["encoder"]["input_size"]):  # 0: it is open
        facts["encoder"] = {k: v for k, v in facts["encoder"].items() if k != "sizes"} | {"input_size": side}
    card = plain_card(facts, f"Made from the bundle {loaded.path.resolve().name} with an encoder in INT8.")
    encoder = described(encoder, facts["source"], facts["license"], facts["encoder"])
    write_bundle(Path(output), facts, encoder.SerializeToString(), loaded.head, card=card)


def _calibrate_stream(
    stream: Bundle, clips: str | Path, output: Path, seed: int, size: int | None, **options: Any
) -> Report:
    seen, interval = stream.model.encoder, stream.model.encoder.difference_interval
    encoder = parse_encoder(stream.encoder, str(stream.path), quantised=False)
    encoder = encoder if size is None else resized(encoder, size)
    frames, held_out = sampled(encoder, clips, seen.color_order, seed, interval)
    report = calibrate(encoder, frames, held_out, blocks=True, **options)
    quantised = report.encoder if interval is None else of_two_frames(report.encoder)
    facts = {"encoder": "int8 QDQ, weights per channel, activations uint8", "target": options["target"]}
    swap(stream.path, quantised, output, facts | {"head": "float32"})
    labelled = labelled_clips(clips)
    accuracy = _accuracy_of_bundles(stream.path, output, labelled) if labelled else None
    report = replace(report, encoder=quantised, accuracy=accuracy, choices=report.choices | {"seed": seed})
    write_report(report, output / "calibration", stream.model.name)
    return report


def _accuracy_of_bundles(fp32: str | Path, int8: str | Path, clips: Sequence[Clip]) -> Accuracy | None:
    """Accuracy of two bundles, if they know the clips' labels."""
    recognizers = [Recognizer(path, start="repeat") for path in (fp32, int8)]
    labels = recognizers[0].model.labels
    if {clip.label for clip in clips} - set(labels):
        return None
    wanted = [labels.index(clip.label) for clip in clips]
    given = [list(answers(recognizer, clips)) for recognizer in recognizers]
    right = [sum(a == b for a, b in zip(each, wanted, strict=True)) / len(clips) for each in given]
    same = sum(a == b for a, b in zip(*given, strict=True)) / len(clips)
    return Accuracy(right[0], right[1], same, len(clips), "highest mean probability over a clip's full windows")
