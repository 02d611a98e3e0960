"""`edgevtn calibrate`: an fp32 encoder, or a bundle with one, to INT8."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgevtn.cli.options import add_calibration, normalisation
from edgevtn.errors import require


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("encoder", metavar="ENCODER", help="an fp32 .onnx, or a bundle with one")
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="INT8 .onnx, its report beside it; or a bundle"
    )
    targets = ("any", "x86-vnni", "x86", "arm", "auto")
    parser.add_argument("--target", choices=targets, default="any", help="processor (default: %(default)s; auto: this)")
    parser.add_argument(
        "--budget", type=float, default=0.995, metavar="C", help="least mean cosine (default: %(default)s)"
    )
    parser.add_argument(
        "--size", type=int, metavar="PIXELS", help="side of the pictures, such as 160, half the work of 224 (default: "
        "the encoder's)",
    )  # fmt: skip
    add_calibration(parser)


def run(arguments: argparse.Namespace) -> None:
    """Calibrate, print the report, and say where it is."""
    require("onnx", "calibration")
    from edgevtn.calibration import calibrate_bundle, calibrate_file

    output = Path(arguments.output)
    options = {"target": arguments.target, "budget": arguments.budget, "seed": arguments.seed, "size": arguments.size}
    if Path(arguments.encoder).is_dir():
        reports = calibrate_bundle(arguments.encoder, arguments.clips, output, **options)
        beside = [output / ("calibration" if len(reports) == 1 else f"{name}/calibration") for name in reports]
    else:
        options |= {"color_order": arguments.color_order, "normalisation": normalisation(arguments)}
        reports, beside = {"": calibrate_file(arguments.encoder, arguments.clips, output, **options)}, [output]
    for name, report in reports.items():
        print(f"{name}\n{report}" if len(reports) > 1 else report)
    files = ", ".join(str(file.with_suffix(suffix)) for file in beside for suffix in (".html", ".json"))
    print(f"wrote {output}; the report: {files}")
