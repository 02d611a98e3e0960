"""`edgevtn find`: moments in an index."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("index", metavar="INDEX", help="folder that edgevtn index made")
    parser.add_argument("--like", metavar="CLIP", help="a video file: moments that look and move like it")
    parser.add_argument("--from", type=float, dest="start", metavar="S", help="seconds of the clip (default: 0)")
    parser.add_argument("--to", type=float, dest="end", metavar="S", help="seconds of the clip (default: its end)")
    parser.add_argument("--label", metavar="LABEL", help="events with this label")
    parser.add_argument(
        "--where", metavar="CONDITION",
        help='events for which this holds, in SQL on file, label, start, end and score, as in "score > 0.8"',
    )  # fmt: skip
    parser.add_argument("-n", "--count", type=int, metavar="N", help="how many at most (default: 10)")
    parser.add_argument(
        "--apart", type=float, metavar="S", help="seconds between two moments like a clip in one recording (default: 5)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line for each moment")
    parser.add_argument("--model", metavar="BUNDLE", help="where the model that made the index lies now")


def run(arguments: argparse.Namespace) -> None:
    """Print what was found, the best first."""
    from edgevtn.errors import one_line
    from edgevtn.indexing import find_events, find_like
    from edgevtn.indexing.find import APART, COUNT

    of_clip = ("start", "end", "apart", "model")
    count = COUNT if arguments.count is None else arguments.count
    if arguments.like is None:
        given = [name for name in of_clip if getattr(arguments, name) is not None]
        if given:
            raise ValueError("--from, --to, --apart and --model go with --like CLIP, which was not given")
        found = find_events(arguments.index, arguments.label, arguments.where, count=count)
    else:
        if arguments.label is not None or arguments.where is not None:
            raise ValueError("--like finds moments, --label and --where find events; expected one of them")
        apart = APART if arguments.apart is None else arguments.apart
        found = find_like(
            arguments.index, arguments.like, arguments.start or 0.0, arguments.end, count=count, apart=apart,
            model=arguments.model,
        )  # fmt: skip
    for moment in found:
        if arguments.json:
            print(json.dumps(dataclasses.asdict(moment)))
        else:
            label = f"  {one_line(moment.label)}" if moment.label else ""
            gone = "  (gone)" if moment.gone else ""
            print(f"{moment.score:.3f}  {one_line(moment.file)}  {moment.start:.1f} to {moment.end:.1f} s{label}{gone}")
    if not found and not arguments.json:
        print("edgevtn: nothing was found", file=sys.stderr)
