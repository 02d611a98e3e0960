"""`edgevtn warmup`: what need be done only once for a machine, so that no start waits for it."""

from __future__ import annotations

import argparse

from edgevtn.cli.options import add_threads


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("bundle", nargs="*", metavar="BUNDLE", help="models that will run (default: the bundled one)")
    parser.add_argument("--again", action="store_true", help="compare the engines again")
    add_threads(parser)


def run(arguments: argparse.Namespace) -> None:
    """Say what is done; the status is 1 where nothing could be kept."""
    from edgevtn.warming import warm

    warm(arguments.bundle or [None], arguments.threads, arguments.again, say=lambda line: print(line, flush=True))
