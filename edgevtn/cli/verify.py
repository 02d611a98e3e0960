"""`edgevtn verify`: whether a bundle from elsewhere can be used, found out in a process with limits."""

from __future__ import annotations

import argparse

from edgevtn.arguments import number
from edgevtn.verification import MEMORY, SECONDS


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("bundle", metavar="BUNDLE", help="folder of a model bundle")
    parser.add_argument(
        "--limit-seconds", type=float, default=SECONDS, metavar="S",
        help="until it counts as hanging (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--limit-memory", type=float, default=MEMORY / 2**30, metavar="GIB",
        help="that it may allocate; the bundled model takes 0.3 (default: %(default)g)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    """Say that it is well; what is wrong is an error."""
    from edgevtn.verification import verify

    memory = number(arguments.limit_memory, "--limit-memory", low=0, high=2**20, above=True, unit="GiB")
    verify(arguments.bundle, seconds=arguments.limit_seconds, memory=round(memory * 2**30))
    print(f"{arguments.bundle}: is whole, and gives finite numbers")
