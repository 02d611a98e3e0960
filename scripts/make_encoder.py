#!/usr/bin/env python3
"""Make the INT8 encoder that ships, EfficientNet-Lite0, narrowed; its ranges come from all shared datasets.

python scripts/make_encoder.py ENCODER.onnx --weights narrow.npz

Three clips of four are calibrated on, without labels; agreement with fp32 is measured on the others, set by set, and
on clips of none of these sets. The bundled model is trained again afterwards: docs/training_results.md has the command.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import onnx

from edgevtn.calibration import calibrate, find_clips, sample_frames
from edgevtn.calibration.agreement import cosines
from edgevtn.files import write_whole
from edgevtn.graph.metadata import described
from edgevtn.graph.run import features
from edgevtn.graph.sizes import with_open_side, with_side
from edgevtn.networks import build_encoder
from edgevtn.training.pretrained import pixel_statistics, pretrained_encoder

SHARED = Path(os.environ.get("EDGEVTN_SHARED", Path(__file__).parents[2] / "shared"))
SETS = ("weizmann64", "ceiling", "ucf101_10", "gmdcsa24")
FOREIGN = "clips"
SOURCE = "EfficientNet-Lite0 with ImageNet weights{}, INT8"
SIZE = 224
#: Frames of each set that ranges are fitted to, and that agreement is measured on.
FITTED, HELD_OUT = 64, 64
#: Other sides that it takes, at which its agreement is measured, too.
OTHERS = (192, 160, 128)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--weights", type=Path, help="of scripts/narrow_encoder.py (default: ImageNet's, whole)")
    arguments = parser.parse_args()
    # Videos alone: one set has labels by segments of a video, which do not matter here.
    clips = {name: [file for file in find_clips(SHARED / "data" / name) if file.is_file()] for name in SETS[:3]}
    clips |= {name: sorted((SHARED / "data" / name).rglob("*.mp4")) for name in (SETS[3], FOREIGN)}
    fitted = [sample for name in SETS for sample in sample_frames(but_fourths(clips[name]), FITTED, SIZE, seed=3)]
    fitted = [fitted[n] for n in np.random.default_rng(0).permutation(len(fitted))]
    held_out = {name: sample_frames(files[::4], HELD_OUT, SIZE, seed=7) for name, files in clips.items()}
    fp32 = narrowed(arguments.weights) if arguments.weights else pretrained_encoder("lite0")
    source = SOURCE.format(", narrowed" if arguments.weights else "")
    report = calibrate(fp32, fitted, [sample for samples in held_out.values() for sample in samples], blocks=True)
    print(report)
    opened, plain = with_open_side(report.encoder), with_open_side(fp32)
    for size in (SIZE, *OTHERS):
        models = with_side(plain, size), with_side(opened, size)
        for name, files in clips.items():
            samples = held_out[name] if size == SIZE else sample_frames(files[::4], HELD_OUT, size, seed=7)
            agreement = cosines(*(features(model, [sample.pixels for sample in samples]) for model in models))
            print(f"{size} {name:12} cosine mean {agreement.mean():.4f}, least {agreement.min():.4f}", flush=True)
    write_whole(arguments.output, described(opened, source, "Apache-2.0", facts()).SerializeToString())


def narrowed(file: Path) -> onnx.ModelProto:
    """The fp32 encoder with the weights in a file."""
    with np.load(file) as weights:
        return build_encoder(dict(weights))


def facts() -> dict[str, object]:
    """What the encoder takes and gives, as a bundle's facts say it."""
    mean, std = pixel_statistics("lite0")
    return {
        "modality": "rgb", "color_order": "RGB", "mean": list(mean), "std": list(std), "width": 1280,
        "sizes": [SIZE, *OTHERS],
    }  # fmt: skip


def but_fourths(files: list[Path]) -> list[Path]:
    """What is learned from: every fourth, the first among them, is for measuring."""
    return [file for n, file in enumerate(files) if n % 4]


if __name__ == "__main__":
    main()
