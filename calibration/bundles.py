"""`edgevtn calibrate` and `edgevtn compare`, and the function behind the first: `edgevtn.calibration.quantize`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx

from edgevtn.bundle.facts import FACTS
from edgevtn.bundle.load import STREAMS, Bundle, load_bundle, load_streams
from edgevtn.bundle.write import write_bundle, write_streams
from edgevtn.calibration.files import find_clips, input_size, is_quantised, load_encoder, parse_encoder
from edgevtn.calibration.fit.quantizer import TARGETS, named
from edgevtn.calibration.frames import Pixels, sample_frames
from edgevtn.calibration.measure.compare import compare
from edgevtn.calibration.measure.page import page
from edgevtn.calibration.measure.probe import Accuracy, probe
from edgevtn.calibration.measure.report import Report
from edgevtn.calibration.search import BUDGET, search
from edgevtn.cpu import HOST_FEATURES, IS_ARM
from edgevtn.datasets.evaluate import answers
from edgevtn.datasets.manifest import Clip, read_manifest
from edgevtn.files import write_whole
from edgevtn.graph.difference import of_two_frames
from edgevtn.recognizer import Recognizer

#: Frames that the ranges and biases are fitted to, that the ways are compared on, and that the result is measured on.
CALIBRATION_FRAMES, TUNING_FRAMES, HELD_OUT_FRAMES = 128, 32, 128

Normalisation = tuple[tuple[float, float, float], tuple[float, float, float]]


def this_target() -> str:
    """The target that this machine is."""
    if IS_ARM:
        return "arm"
    return "x86-vnni" if {"avx512vnni", "avxvnni"} & HOST_FEATURES else "x86"


def quantize(
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
    """Turn an fp32 encoder into an INT8 one, and measure what that gained and cost.

    Parameters
    ----------
    encoder : path
        An ONNX file, or a bundle.
    clips : path
        A folder of clips, a manifest, or a clip. Every fourth clip is held out and measured on. With labels and
        folds in a manifest, accuracy is measured, too.
    output : path, optional
        The ONNX file to write, with the report beside it as ``.json`` and ``.html``; of a bundle, the new bundle's
        folder, with the report inside.
    target : {"any", "x86-vnni", "x86", "arm", "auto"}
        "any" and "x86" are right on every processor; the other two use the last eighth of a bit, and on an x86
        without VNNI their sums would saturate. "auto" is this machine.
    budget : float
        Mean cosine of the embeddings that must be reached, by keeping layers in float if need be.
    color_order : {"RGB", "BGR"}
        The model's; a bundle says it itself.
    normalisation : (mean, std), optional
        Three numbers each, of pixel values 0 to 255: of an encoder with float input.
    seed : int
        Of the choice of frames.
    progress : bool
        Show progress bars.

    Returns
    -------
    Report
        With the model.

    Raises
    ------
    ValueError, BundleError, SourceError, ManifestError, OutputError
        The encoder or the clips cannot be used, or the output cannot be written; then nothing is.
    """
    chosen = this_target() if target == "auto" else target
    if chosen not in TARGETS:
        raise ValueError(f"target must be auto or one of {', '.join(TARGETS)}, got {target!r}")
    bundle = _one_stream(Path(encoder)) if Path(encoder).is_dir() else None
    if bundle is None:
        original = load_encoder(encoder, normalisation)
    else:
        original, color_order = parse_encoder(bundle.encoder, f"{encoder}/encoder.onnx"), bundle.model.color_order
    if is_quantised(original):
        raise ValueError(f"{encoder}: is quantised already; expected the fp32 model it was made from")
    original = named(original)
    fitted, held_out = split_clips(find_clips(clips))
    differences = bundle is not None and bundle.model.modality == "rgbdiff"

    def sample(places: list[Path], count: int, seed: int) -> list[Pixels]:
        interval = bundle.model.difference_interval if bundle is not None and differences else None
        return sample_frames(places, count, input_size(original), color_order, seed, interval)

    frames = sample(fitted, CALIBRATION_FRAMES + TUNING_FRAMES, seed)
    if len(frames) < 2:
        raise ValueError(f"{clips}: has one frame only; ranges from one frame fit no other")
    tuning = frames[::5][:TUNING_FRAMES]  # a fifth: 32 of 160, or fewer of fewer
    calibration = [frame for n, frame in enumerate(frames) if n % 5]
    model, settings, trail = search(
        original, calibration, tuning, target=chosen, budget=budget, progress=progress, blocks=bundle is not None
    )
    report = compare(original, model, sample(held_out, HELD_OUT_FRAMES, seed + 1))
    model = of_two_frames(model) if differences else model
    choices = {
        "target": chosen,
        "ranges": settings.method,
        "equalised": settings.equalise,
        "biases corrected": settings.correct,
        "layers in float": list(settings.float_layers),
        "budget": budget,
        "seed": seed,
    }
    report = replace(report, model=model, trail=tuple(trail), choices=choices)
    if trail and max(score for _, score in trail) < budget:
        warnings.warn(f"a mean cosine of {budget} was not reached; the report says what was", stacklevel=2)
    facts = {"encoder": "int8 QDQ, weights per channel, activations uint8", "target": chosen, "decoder": "float32"}
    labelled = labelled_clips(clips)
    if bundle is None:
        report = replace(report, accuracy=probe(original, model, labelled, color_order, progress) if labelled else None)
        if output is not None:
            _write(report, Path(output), Path(encoder).name)
        return report
    if output is not None:
        swap(Path(encoder), model, Path(output), facts)
        if labelled:
            report = replace(report, accuracy=_of_bundles(Path(encoder), Path(output), labelled))
        _write_reports(report, Path(output) / "calibration", bundle.model.name)
    return report


def _one_stream(folder: Path) -> Bundle:
    streams = load_streams(folder)
    if len(streams) > 1:
        raise ValueError(f"{folder}: expected a bundle of one stream; of this one use quantize_streams")
    return streams[0]


def quantize_streams(encoder: str | Path, clips: str | Path, output: str | Path, **options: Any) -> dict[str, Report]:
    """`quantize` of a bundle of any kind: the report of each of its streams, by modality.

    Accuracy in the reports is each stream's own.
    """
    streams = load_streams(encoder)
    if len(streams) == 1:
        return {streams[0].model.modality: quantize(encoder, clips, output, **options)}
    reports = {}

    def fill(folder: Path) -> None:
        for name in STREAMS:
            reports[name] = quantize(Path(encoder) / name, clips, folder / name, **options)

    write_streams(Path(output), fill)
    return reports


def _write(report: Report, output: Path, title: str) -> None:
    assert report.model is not None
    write_whole(output, report.model.SerializeToString())
    _write_reports(report, output, title)


def _write_reports(report: Report, output: Path, title: str) -> None:
    write_whole(output.with_suffix(".json"), report.to_json().encode())
    write_whole(output.with_suffix(".html"), page(report, title).encode())


def swap(bundle: Path, encoder: onnx.ModelProto, output: Path, quantization: dict[str, Any]) -> None:
    """Write a copy of a bundle with another encoder.

    Raises
    ------
    BundleError, FileExistsError
        The encoder does not fit, or the folder is in use for something else.
    """
    loaded = load_bundle(bundle)
    facts = json.loads((bundle / FACTS).read_text("utf-8"))
    for name in ("format_version", "sha256"):
        del facts[name]
    # What was measured was measured with the other encoder.
    facts |= {"quantization": quantization, "accuracy": {}}
    write_bundle(output, facts, encoder.SerializeToString(), loaded.onnx_decoder or loaded.decoder)


def _of_bundles(fp32: Path, int8: Path, clips: Sequence[Clip]) -> Accuracy | None:
    """Accuracy of two bundles, if they know the clips' labels."""
    recognizers = [Recognizer(path, start="repeat") for path in (fp32, int8)]
    labels = recognizers[0].model.labels
    if {clip.label for clip in clips} - set(labels):
        return None
    said = [list(answers(recognizer, clips)) for recognizer in recognizers]
    wanted = [labels.index(clip.label) for clip in clips]
    right = [sum(a == b for a, b in zip(one, wanted, strict=True)) / len(clips) for one in said]
    same = sum(a == b for a, b in zip(*said, strict=True)) / len(clips)
    return Accuracy(right[0], right[1], same, len(clips), "highest mean probability over a clip's full windows")


def compare_command(
    fp32: str,
    int8: str,
    clips: str,
    color_order: str = "RGB",
    seed: int = 0,
    output: str | None = None,
    normalisation: Normalisation | None = None,
) -> Report:
    """Measure an INT8 encoder against the fp32 one; of a bundle, swap it in and write a new bundle.

    Raises
    ------
    ValueError, BundleError, SourceError, ManifestError
        The encoders or the clips cannot be used, or do not fit each other.
    """
    folder = Path(fp32)
    if folder.is_dir():
        bundle = load_bundle(folder)
        original, color_order = parse_encoder(bundle.encoder, f"{fp32}/encoder.onnx"), bundle.model.color_order
    elif output is not None:
        raise ValueError("-o writes a new bundle; expected a bundle as the first argument, got a file")
    else:
        original = load_encoder(fp32, normalisation)
    quantised = load_encoder(int8)
    pixels = sample_frames(find_clips(clips), HELD_OUT_FRAMES, input_size(original), color_order, seed)
    report = compare(original, quantised, pixels)
    labelled = labelled_clips(clips)
    if output is not None:
        swap(folder, quantised, Path(output), {"encoder": f"from {Path(int8).name}", "decoder": "float32"})
        if labelled:
            report = replace(report, accuracy=_of_bundles(folder, Path(output), labelled))
    elif labelled:
        report = replace(report, accuracy=probe(original, quantised, labelled, color_order))
    return report


def labelled_clips(place: str | Path) -> list[Clip]:
    """The clips of a manifest; none of a folder without one."""
    place = Path(place)
    return list(read_manifest(place)) if place.suffix == ".csv" or (place / "manifest.csv").exists() else []


def split_clips(clips: list[Path]) -> tuple[list[Path], list[Path]]:
    """Clips to calibrate with and clips to measure on: every fourth is held out.

    With fewer than four clips both are all of them, and only the moments differ.
    """
    if len(clips) < 4:
        return clips, clips
    return [clip for n, clip in enumerate(clips) if n % 4], clips[::4]
