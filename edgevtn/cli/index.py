"""`edgevtn index`: recognise a folder of recordings into an index."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgevtn.indexing.build import State

#: Seconds between two lines of progress where they cannot be written over each other, as in a log.
LINES = 10.0


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("videos", nargs="+", metavar="VIDEOS", help="folder of recordings, or a video file")
    parser.add_argument("-o", "--output", required=True, metavar="INDEX", help="folder of the index")
    parser.add_argument("--model", metavar="BUNDLE", help="folder of a model bundle (default: the bundled one)")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes, of one thread each (default: all cores)")
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="of a Ray cluster that does the work, or local; needs the extra [ray]"
    )


def run(arguments: argparse.Namespace) -> int:
    """Recognise what is new, and say what was done; 1 if a recording could not be read."""
    from edgevtn.cli.parts import say
    from edgevtn.errors import one_line
    from edgevtn.indexing import index, workers
    from edgevtn.indexing.cluster import Engine

    engine = workers.recognise if arguments.ray is None else Engine(arguments.ray)
    shown, begun = Shown(), time.monotonic()
    try:
        summary = index(
            arguments.videos,
            arguments.output,
            arguments.model,
            jobs=arguments.jobs,
            progress=shown.progress,
            engine=engine,
        )
    finally:
        shown.end()
    for file, reason in summary.unreadable.items():
        say(f"{one_line(file)}: not indexed: {one_line(reason)}")
    for file in summary.gone:
        say(f"{one_line(file)}: is gone; what was found in it is kept")
    rate = summary.duration / max(1e-9, time.monotonic() - begun)
    speed = f", {rate:.1f} times as fast as it was recorded" if summary.indexed else ""
    print(
        f"{len(summary.indexed)} indexed ({duration(summary.duration)} of video{speed}), {summary.kept} known, "
        f"{len(summary.unreadable)} unreadable, {len(summary.gone)} gone"
    )
    return 1 if summary.unreadable else 0


class Shown:
    """Progress on stderr: one line that is written over, or in a log a line now and then."""

    def __init__(self) -> None:
        self._terminal, self._last, self._open = sys.stderr.isatty(), time.monotonic(), False

    def progress(self, state: State) -> None:
        """Show how far it is."""
        if not self._terminal and time.monotonic() - self._last < LINES:
            return
        self._last = time.monotonic()
        rate = state.video / max(1e-9, state.elapsed)
        left = "" if state.left is None else f", about {duration(state.left)} left"
        line = f"edgevtn: {state.done} of {state.files} files, {duration(state.video)} of video, {rate:.0f}x{left}"
        self._open = self._terminal
        sys.stderr.write(f"\r\033[K{line}" if self._terminal else f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """What comes next begins a line."""
        if self._open:
            sys.stderr.write("\n")


def duration(seconds: float) -> str:
    """A time as people read it: "41 s", "12 min", "3.4 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
