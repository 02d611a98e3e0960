"""`edgevtn serve`: what `edgevtn run --page` does."""

from __future__ import annotations

import argparse

from edgevtn.cli import run as running
from edgevtn.defaults import ADDRESS


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments of `edgevtn run`, with the page."""
    running.add(parser)
    parser.set_defaults(page=ADDRESS)


def run(arguments: argparse.Namespace) -> None:
    """As `edgevtn run`."""
    running.run(arguments)
