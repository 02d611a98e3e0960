"""`edgevtn import`: published files into a bundle."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from edgevtn.errors import require


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="one .pth, two (RGB, RGB-difference), or two .xml")
    parser.add_argument("-o", "--output", required=True, metavar="BUNDLE", help="folder to write")
    parser.add_argument("--labels", metavar="LIST", help="kinetics400, ucf101, hmdb51, driver, or a file, one a line")
    parser.add_argument("--frame-rate", type=float, default=15.0, metavar="HZ", help="default: %(default)s")
    parser.add_argument("--name", help="of the model (default: the folder's)")
    parser.add_argument("--clips", metavar="PATH", help="calibrate the encoder to INT8 on these")


def run(arguments: argparse.Namespace) -> None:
    """Import, and say what came of it."""
    require("onnx", "import")
    from edgevtn.importing import import_files

    output = Path(arguments.output)

    def into(folder: Path) -> None:
        import_files(
            arguments.files,
            folder,
            labels=arguments.labels,
            frame_rate=arguments.frame_rate,
            name=arguments.name or output.resolve().name,
        )

    write_imported(into, output, arguments.clips)


def write_imported(into: Callable[[Path], object], bundle: Path, clips: str | None) -> None:
    """Import into a folder, or beside it and calibrate from there; say what came of it."""
    from edgevtn.bundle import load_streams

    if clips is None:
        into(bundle)
    else:
        from edgevtn.calibration import calibrate_bundle

        with tempfile.TemporaryDirectory() as temporary:
            into(Path(temporary) / "fp32")
            for report in calibrate_bundle(Path(temporary) / "fp32", clips, bundle).values():
                print(report)
    streams = load_streams(bundle)
    for stream in streams:
        print(f"{stream.model.encoder.modality}: {stream.model.source}; {stream.model.head.describe()}")
    labels = streams[0].model.labels
    print(f"{len(labels)} labels: {', '.join(labels[:4])}{', ...' if len(labels) > 4 else ''}")
    print(f"wrote {bundle}; try: edgevtn run SOURCE --model {bundle}")
