"""Calibration and comparison of files and bundles: from paths to a report, and to what is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx

from edgevtn.bundle import Bundle, load_bundle, load_streams, write_bundle, write_streams
from edgevtn.calibration.files import (
    Normalisation,
    find_clips,
    labelled_clips,
    load_encoder,
    parse_encoder,
    split_clips,
)
from edgevtn.calibration.frames import Sample, sample_frames
from edgevtn.calibration.measure.compare import compare
from edgevtn.calibration.measure.page import page
from edgevtn.calibration.measure.probe import Accuracy, probe
from edgevtn.calibration.measure.report import Report
from edgevtn.calibration.pipeline import calibrate, resolve_target
from edgevtn.calibration.search import BUDGET
from edgevtn.datasets import Clip, answers
from edgevtn.files import write_whole
from edgevtn.graph.difference import of_two_frames
from edgevtn.graph.facts import input_size, is_quantised
from edgevtn.recognizer import Recognizer

#: Frames to calibrate with (`calibrate` keeps a fifth of them back), and frames that the result is measured on: more
#: change the ranges no further.
CALIBRATION_FRAMES, HELD_OUT_FRAMES = 160, 128


def calibrate_file(
    encoder: str | Path,
    clips: str | Path,
    output: str | Path | None = None,
    *,
    target: str = "any",
    budget: float = BUDGET,
    color_order: str = "RGB",
    normalisation: Normalisation | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Report:
    """Turn an fp32 encoder in an ONNX file into an INT8 one, and measure what that gained and cost.

    Parameters
    ----------
    encoder : path
        The ONNX file.
    clips : path
        A folder of clips, a manifest, or a clip. Every fourth clip is held out and measured on. With labels and
        folds in a manifest, accuracy is measured, too.
    output : path, optional
        The ONNX file to write, with the report beside it as ``.json`` and ``.html``.
    target, budget, progress
        As in `edgevtn.calibration.calibrate`.
    color_order : {"RGB", "BGR"}
        The model's.
    normalisation : (mean, std), optional
        Three numbers each, for pixel values 0 to 255; for an encoder with float input.
    seed : int
        Seed of the choice of frames.

    Returns
    -------
    Report
        With the INT8 encoder.

    Raises
    ------
    ValueError, SourceError, ManifestError, OutputError
        The encoder or the clips cannot be used, or the output cannot be written; then nothing is.
    """
    target = resolve_target(target)
    original = load_encoder(encoder, normalisation)
    frames, held_out = _sampled(original, encoder, clips, color_order, seed)
    report = calibrate(original, frames, held_out, target=target, budget=budget, progress=progress)
    labelled = labelled_clips(clips)
    if labelled:
        report = replace(report, accuracy=probe(original, report.encoder, labelled, color_order, progress))
    report = replace(report, choices=report.choices | {"seed": seed})
    if output is not None:
        write_whole(output, report.encoder.SerializeToString())
        _write_report(report, Path(output), Path(encoder).name)
    return report


def calibrate_bundle(
    bundle: str | Path,
    clips: str | Path,
    output: str | Path,
    *,
    target: str = "any",
    budget: float = BUDGET,
    seed: int = 0,
    progress: bool = True,
) -> dict[str, Report]:
    """Write a bundle with INT8 encoders, and measure what that gained and cost.

    Parameters
    ----------
    bundle : path
        A bundle of one stream or of two, with fp32 encoders.
    clips, target, budget, seed, progress
        As in `calibrate_file`.
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
            stream, clips, folder, seed, target=target, budget=budget, progress=progress
        )

    def into_each(folder: Path) -> None:
        for stream in streams:
            into(stream, folder / stream.model.encoder.modality)

    if len(streams) == 1:
        into(streams[0], Path(output))
    else:
        write_streams(Path(output), into_each)
    return reports


def compare_files(
    fp32: str | Path,
    int8: str | Path,
    clips: str | Path,
    *,
    color_order: str = "RGB",
    normalisation: Normalisation | None = None,
    seed: int = 0,
) -> Report:
    """Measure an INT8 encoder against the fp32 one, both in ONNX files.

    Parameters
    ----------
    fp32, int8 : path
    clips, color_order, normalisation, seed
        As in `calibrate_file`; `normalisation` is that of `fp32`.

    Raises
    ------
    ValueError, SourceError, ManifestError
        The encoders or the clips cannot be used, or do not fit each other.
    """
    original, quantised = load_encoder(fp32, normalisation), load_encoder(int8)
    report = _compared(original, quantised, clips, color_order, seed)
    labelled = labelled_clips(clips)
    return replace(report, accuracy=probe(original, quantised, labelled, color_order)) if labelled else report


def compare_bundle(
    bundle: str | Path, int8: str | Path, clips: str | Path, output: str | Path | None = None, *, seed: int = 0
) -> Report:
    """Measure an INT8 encoder in an ONNX file against the fp32 one of a bundle.

    Parameters
    ----------
    bundle : path
        A bundle of one stream.
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
    report = _compared(original, quantised, clips, color_order, seed)
    labelled = labelled_clips(clips)
    if output is not None:
        swap(bundle, quantised, output, {"encoder": f"from {Path(int8).name}", "head": "float32"})
    if not labelled:
        return report
    if output is None:
        return replace(report, accuracy=probe(original, quantised, labelled, color_order))
    return replace(report, accuracy=_accuracy_of_bundles(bundle, output, labelled))


def swap(bundle: str | Path, encoder: onnx.ModelProto, output: str | Path, quantization: dict[str, Any]) -> None:
    """Write a copy of a bundle with another encoder.

    Parameters
    ----------
    bundle : path
        A bundle of one stream.
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
    write_bundle(Path(output), facts, encoder.SerializeToString(), loaded.head)


def _calibrate_stream(stream: Bundle, clips: str | Path, output: Path, seed: int, **options: Any) -> Report:
    seen, interval = stream.model.encoder, stream.model.encoder.difference_interval
    encoder = parse_encoder(stream.encoder, str(stream.path))
    frames, held_out = _sampled(encoder, stream.path, clips, seen.color_order, seed, interval)
    report = calibrate(encoder, frames, held_out, blocks=True, **options)
    quantised = report.encoder if interval is None else of_two_frames(report.encoder)
    facts = {"encoder": "int8 QDQ, weights per channel, activations uint8", "target": options["target"]}
    swap(stream.path, quantised, output, facts | {"head": "float32"})
    labelled = labelled_clips(clips)
    accuracy = _accuracy_of_bundles(stream.path, output, labelled) if labelled else None
    report = replace(report, encoder=quantised, accuracy=accuracy, choices=report.choices | {"seed": seed})
    _write_report(report, output / "calibration", stream.model.name)
    return report


def _sampled(
    encoder: onnx.ModelProto,
    name: str | Path,
    clips: str | Path,
    color_order: str,
    seed: int,
    difference_interval: float | None = None,
) -> tuple[list[Sample], list[Sample]]:
    """Frames to calibrate an encoder with, and others to measure on; `name` is the encoder's, for messages."""
    if is_quantised(encoder):
        raise ValueError(f"{name}: is quantised already; expected the fp32 model it was made from")
    fitted, held_out = split_clips(find_clips(clips))
    size = input_size(encoder)
    frames = sample_frames(fitted, CALIBRATION_FRAMES, size, color_order, seed, difference_interval)
    if len(frames) < 2:
        raise ValueError(f"{clips}: has one frame only; ranges from one frame fit no other")
    return frames, sample_frames(held_out, HELD_OUT_FRAMES, size, color_order, seed + 1, difference_interval)


def _compared(
    original: onnx.ModelProto, quantised: onnx.ModelProto, clips: str | Path, color_order: str, seed: int
) -> Report:
    samples = sample_frames(find_clips(clips), HELD_OUT_FRAMES, input_size(original), color_order, seed)
    return compare(original, quantised, samples)


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


def _write_report(report: Report, output: Path, title: str) -> None:
    write_whole(output.with_suffix(".json"), report.to_json().encode())
    write_whole(output.with_suffix(".html"), page(report, title).encode())
