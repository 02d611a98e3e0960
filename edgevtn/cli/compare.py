"""`edgevtn compare`: an INT8 encoder measured against fp32."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgevtn.cli.options import add_calibration, normalisation
from edgevtn.errors import require


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("fp32", metavar="FP32", help="an .onnx, or a bundle")
    parser.add_argument("int8", metavar="INT8.onnx", help="made from it")
    parser.add_argument("--json", metavar="FILE", help="write the report")
    parser.add_argument("-o", "--output", metavar="BUNDLE", help="of a bundle: write it anew with the INT8 encoder")
    add_calibration(parser)


def run(arguments: argparse.Namespace) -> None:
    """Compare, and print the report."""
    require("onnx", "calibration")
    from edgevtn.calibration import compare_bundle, compare_files
    from edgevtn.files import write_whole

    if Path(arguments.fp32).is_dir():
        report = compare_bundle(arguments.fp32, arguments.int8, arguments.clips, arguments.output, seed=arguments.seed)
    elif arguments.output is not None:
        raise ValueError("-o writes a new bundle; expected a bundle as the first argument, got a file")
    else:
        report = compare_files(
            arguments.fp32,
            arguments.int8,
            arguments.clips,
            color_order=arguments.color_order,
            normalisation=normalisation(arguments),
            seed=arguments.seed,
        )
    print(report)
    if arguments.json:
        write_whole(arguments.json, report.to_json().encode())
    if arguments.output:
        print(f"wrote {arguments.output}")
