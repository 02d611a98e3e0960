"""Options that several commands share, and what they become."""

from __future__ import annotations

import argparse
from typing import Any

DATASET = "manifest.csv (clip, label, fold), a folder a class, or the layout of UCF-101, HMDB-51 or Kinetics"


def add_threads(parser: argparse.ArgumentParser) -> None:
    """``--threads``."""
    parser.add_argument("--threads", type=int, metavar="N", help="encoder threads (default: all cores, at most 4)")


def add_engine(parser: argparse.ArgumentParser) -> None:
    """``--engine``."""
    parser.add_argument(
        "--engine", choices=("auto", "onnxruntime", "openvino"), default="onnxruntime",
        help="what runs the encoder; auto: the one that edgevtn warmup measured to be faster here; openvino needs the "
        "extra [openvino] (default: %(default)s)",
    )  # fmt: skip


def add_budget(parser: argparse.ArgumentParser) -> None:
    """``--cpu-budget``."""
    parser.add_argument(
        "--cpu-budget", type=float, metavar="SHARE",
        help="of all cores, as in 0.5; where more is used, fewer frames of every live source are looked at",
    )  # fmt: skip


def add_model(parser: argparse.ArgumentParser) -> None:
    """``--model``, ``--threads`` and ``--engine``."""
    parser.add_argument(
        "--model",
        metavar="BUNDLE",
        help="folder of a model bundle, or org/name@revision on a hub (default: the bundled one)",
    )
    add_threads(parser)
    add_engine(parser)


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """A bundle to look at."""
    parser.add_argument("bundle", nargs="?", metavar="BUNDLE", help="default: the bundled model")


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Labelled clips, and which published split of them."""
    parser.add_argument("dataset", metavar="DATASET", help=DATASET)
    parser.add_argument("--split", type=int, default=1, choices=(1, 2, 3), help="of UCF-101 or HMDB-51 (default: 1)")


def add_calibration(parser: argparse.ArgumentParser) -> None:
    """Frames for an encoder, and how it wants them."""
    parser.add_argument("--clips", required=True, metavar="PATH", help="folder of clips, manifest.csv, or a clip")
    parser.add_argument("--color-order", choices=("RGB", "BGR"), default="RGB", help="the model's (default: RGB)")
    parser.add_argument("--mean", type=_triple, metavar="R,G,B", help="of an encoder with float input; pixels 0-255")
    parser.add_argument("--std", type=_triple, metavar="R,G,B", help="likewise")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of frames (default: %(default)s)")


def normalisation(arguments: argparse.Namespace) -> Any:
    """``--mean`` and ``--std``, or None.

    Raises
    ------
    ValueError
        Only one of them is given.
    """
    if (arguments.mean is None) != (arguments.std is None):
        raise ValueError("--mean and --std belong together; expected both or none")
    return None if arguments.mean is None else (arguments.mean, arguments.std)


def _triple(text: str) -> tuple[float, float, float]:
    """Three numbers with commas between, or one for all."""
    values = [float(part) for part in text.split(",")]
    a, b, c = values * 3 if len(values) == 1 else values
    return a, b, c
