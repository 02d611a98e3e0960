"""Calibration and comparison of encoders in ONNX files: from paths to a report, and to what is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx

from edgevtn.calibration.files import Normalisation, find_clips, labelled_clips, load_encoder, split_clips
from edgevtn.calibration.frames import Sample, sample_frames
from edgevtn.calibration.measure.compare import compare
from edgevtn.calibration.measure.page import page
from edgevtn.calibration.measure.probe import probe
from edgevtn.calibration.measure.report import Report
from edgevtn.calibration.pipeline import calibrate, resolve_target
from edgevtn.calibration.search import BUDGET
from edgevtn.files import write_whole
from edgevtn.graph.facts import input_size
from edgevtn.graph.sizes import with_side

#: Frames to calibrate with, of which `calibrate` keeps a fifth back, and frames that the result is measured on: more
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
    size: int | None = None,
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
        Three numbers each, of pixel values 0 to 255: of an encoder with float input.
    seed : int
        For the choice of frames.
    size : int, optional
        Pixels of the pictures' sides, for an encoder of smaller or larger ones than the file's, or where the file
        leaves them open.

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
    original = load_encoder(encoder, normalisation, quantised=False, size=size)
    frames, held_out = sampled(original, clips, color_order, seed)
    report = calibrate(original, frames, held_out, target=target, budget=budget, progress=progress)
    labelled = labelled_clips(clips)
    if labelled:
        report = replace(report, accuracy=probe(original, report.encoder, labelled, color_order, progress))
    report = replace(report, choices=report.choices | {"seed": seed})
    if output is not None:
        write_whole(output, report.encoder.SerializeToString())
        write_report(report, Path(output), Path(encoder).name)
    return report


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
        As in `calibrate_file`; `normalisation` is of `fp32`.

    Raises
    ------
    ValueError, SourceError, ManifestError
        The encoders or the clips cannot be used, or do not fit each other.
    """
    original, quantised = load_encoder(fp32, normalisation), load_encoder(int8)
    report = compared(original, quantised, clips, color_order, seed)
    labelled = labelled_clips(clips)
    return replace(report, accuracy=probe(original, quantised, labelled, color_order)) if labelled else report


def sampled(
    encoder: onnx.ModelProto,
    clips: str | Path,
    color_order: str,
    seed: int,
    difference_interval: float | None = None,
) -> tuple[list[Sample], list[Sample]]:
    """Frames to calibrate an encoder with, and others to measure on.

    Parameters
    ----------
    encoder : onnx.ModelProto
    clips, color_order, seed
        As in `calibrate_file`.
    difference_interval : float, optional
        As in `sample_frames`.

    Raises
    ------
    ValueError
        There is no more than one frame.
    SourceError, ManifestError
        The clips cannot be used.
    """
    fitted, held_out = split_clips(find_clips(clips))
    size = input_size(encoder)
    frames = sample_frames(fitted, CALIBRATION_FRAMES, size, color_order, seed, difference_interval)
    if len(frames) < 2:
        raise ValueError(f"{clips}: has one frame only; ranges from one frame fit no other")
    return frames, sample_frames(held_out, HELD_OUT_FRAMES, size, color_order, seed + 1, difference_interval)


def compared(
    original: onnx.ModelProto,
    quantised: onnx.ModelProto,
    clips: str | Path,
    color_order: str,
    seed: int,
    difference_interval: float | None = None,
) -> Report:
    """Measure an encoder against another on frames of clips; parameters as in `sampled`."""
    size, places = input_size(original), find_clips(clips)
    samples = sample_frames(places, HELD_OUT_FRAMES, size, color_order, seed, difference_interval)
    return compare(original, with_side(quantised, size), samples)


def write_report(report: Report, output: Path, title: str) -> None:
    """Write a report beside `output`, with its name and the endings ``.json`` and ``.html``.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    write_whole(output.with_suffix(".json"), report.to_json().encode())
    write_whole(output.with_suffix(".html"), page(report, title).encode())
