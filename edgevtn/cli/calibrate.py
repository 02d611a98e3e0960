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
        "--size", type=_size, metavar="PIXELS",
        help="side of the pictures, such as 160, half the work of 224 (default: the encoder's)",
    )  # fmt: skip
    parser.add_argument("--rate", type=_no_rate, help=argparse.SUPPRESS)  # others have it, so it is looked for here
    add_calibration(parser)


def _size(text: str) -> int:
    if text == "auto":
        raise argparse.ArgumentTypeError(
            "expected pixels, got auto: which size is best is told by what is recognised, and calibration sees no "
            "labels; edgevtn teach --size auto chooses"
        )
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected pixels, such as 160, got {text!r}") from None


def _no_rate(text: str) -> None:
    raise argparse.ArgumentTypeError(
        f"there is none to choose, got {text}: an encoder sees one frame at a time, and a bundle's head keeps the rate "
        "that it learned at; edgevtn teach --rate and edgevtn train --rate make a head of another"
    )


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
