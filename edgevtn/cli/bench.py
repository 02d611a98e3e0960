"""`edgevtn bench`: what each stage costs on this machine."""

from __future__ import annotations

import argparse

from edgevtn.arguments import number
from edgevtn.cli.options import add_bundle, add_engine, add_threads

#: Seconds: a day shows what heat does.
LONGEST = 86_400.0


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_bundle(parser)
    parser.add_argument("--seconds", type=float, default=10.0, metavar="N", help="default: %(default)g")
    parser.add_argument("--source", metavar="CLIP", help="frames to use (default: the bundled clip)")
    parser.add_argument("--precision", choices=("auto", "fp32", "int8"), default="auto", help="of the head")
    parser.add_argument("--json", metavar="FILE", help="write the numbers, too")
    add_threads(parser)
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print a table; write the numbers if asked to."""
    from edgevtn.cores import keep_to_big_cores
    from edgevtn.files import write_whole
    from edgevtn.profiling import bench
    from edgevtn.recognizer import Recognizer

    seconds = number(arguments.seconds, "--seconds", low=0, high=LONGEST, above=True, unit="seconds")
    recognizer = Recognizer(
        arguments.bundle,
        threads=arguments.threads,
        precision=arguments.precision,
        start="repeat",
        engine=arguments.engine,
    )
    keep_to_big_cores(recognizer.threads)
    profile = bench(recognizer, seconds, arguments.source)
    print(profile)
    if arguments.json:
        write_whole(arguments.json, profile.to_json().encode())
