"""`edgevtn info`: the model's facts, and what was chosen on this machine."""

from __future__ import annotations

import argparse

from edgevtn.cli.options import add_bundle, add_engine


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_bundle(parser)
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print them, section by section."""
    from edgevtn.bundle import load_streams
    from edgevtn.description import describe

    for section, facts in describe(load_streams(arguments.bundle), arguments.engine).items():
        print(section)
        for name, value in facts.items():
            print(f"  {name:18} {value}")
