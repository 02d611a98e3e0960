"""Options of where events go, and the sinks they become."""

from __future__ import annotations

import argparse

from edgevtn.sinks import JsonFile, Sink, Timeline
from edgevtn.sinks.origin import Origin


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """``--json-file`` and what belongs to it."""
    group = parser.add_argument_group("outputs; several may be given")
    group.add_argument("--name", metavar="NAME", help="of the source, as others read it (default: its file or host)")
    group.add_argument("--json-file", metavar="FILE", help="append what --json prints to a file, rotated at 10 MB")
    group.add_argument("--timeline", metavar="FILE.csv", help="append a row for each event that has ended")


def outputs(arguments: argparse.Namespace, origin: Origin) -> list[Sink]:
    """The sinks that the options ask for."""
    sinks: list[Sink] = []
    if arguments.json_file is not None:
        sinks.append(JsonFile(arguments.json_file, origin))
    if arguments.timeline is not None:
        sinks.append(Timeline(arguments.timeline, origin))
    return sinks
