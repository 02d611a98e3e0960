"""`edgevtn calibrate` and `edgevtn compare`."""

from __future__ import annotations

from pathlib import Path

from edgevtn._output import write_whole
from edgevtn.calibration._files import find_clips, input_size, is_quantised, load_encoder
from edgevtn.calibration._frames import sample_frames
from edgevtn.calibration._quantize import quantize
from edgevtn.calibration._report import Report, compare

#: Frames that the ranges and biases are fitted to, and frames that the result is measured on.
CALIBRATION_FRAMES, HELD_OUT_FRAMES = 128, 128


def calibrate_command(encoder: str, clips: str, output: str, color_order: str, seed: int) -> Report:
    """Quantise an encoder, measure it on frames it has not seen, write it and its report (OUTPUT.json).

    Raises
    ------
    ValueError, SourceError, ManifestError, OutputError
        The encoder or the clips cannot be used, or the output cannot be written; then nothing is.
    """
    original = load_encoder(encoder)
    if is_quantised(original):
        raise ValueError(f"{encoder}: is quantised already; expected the fp32 model it was made from")
    calibration, held_out = split_clips(find_clips(clips))
    size = input_size(original)
    fitted = sample_frames(calibration, CALIBRATION_FRAMES, size, color_order, seed)
    if len(fitted) < 2:
        raise ValueError(f"{clips}: has one frame only; ranges from one frame fit no other")
    quantised = quantize(original, fitted)
    report = compare(original, quantised, sample_frames(held_out, HELD_OUT_FRAMES, size, color_order, seed + 1))
    target = Path(output)
    write_whole(target, quantised.SerializeToString())
    write_whole(target.with_suffix(".json"), report.to_json().encode())
    return report


def compare_command(fp32: str, int8: str, clips: str, color_order: str, seed: int) -> Report:
    """Measure an INT8 encoder against the fp32 one.

    Raises
    ------
    ValueError, SourceError, ManifestError
        The encoders or the clips cannot be used, or do not fit each other.
    """
    original, quantised = load_encoder(fp32), load_encoder(int8)
    size = input_size(original)
    return compare(original, quantised, sample_frames(find_clips(clips), HELD_OUT_FRAMES, size, color_order, seed))


def split_clips(clips: list[Path]) -> tuple[list[Path], list[Path]]:
    """Clips to calibrate with and clips to measure on: every fourth is held out.

    With fewer than four clips both are all of them, and only the moments differ.
    """
    if len(clips) < 4:
        return clips, clips
    return [clip for n, clip in enumerate(clips) if n % 4], clips[::4]
