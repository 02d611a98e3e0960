"""`edgevtn fetch`: a published model by its name, downloaded, verified, imported."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgevtn.cli.importing import write_imported
from edgevtn.errors import require


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="RGB+RGB-difference for two streams; none: list them")
    parser.add_argument("-o", "--output", metavar="BUNDLE", help="folder to write (default: NAME)")
    parser.add_argument("--precision", choices=("FP32", "FP16", "FP16-INT8"), help="default: FP16 where there is one")
    parser.add_argument("--mirror", metavar="URL", help="where the files lie instead")
    parser.add_argument("--clips", metavar="PATH", help="calibrate the encoder to INT8 on these")


def run(arguments: argparse.Namespace) -> None:
    """List the published models, or fetch one."""
    require("onnx", "import")
    from edgevtn.importing import fetch, registry

    if arguments.name is None:
        for name, model in registry().items():
            print(f"{name:42} {model['labels']:12} {', '.join(model['precisions'])}")
        return

    def into(folder: Path) -> None:
        fetch(arguments.name, folder, precision=arguments.precision, mirror=arguments.mirror)

    write_imported(into, Path(arguments.output or arguments.name), arguments.clips)
