"""`edgevtn run`: a source in; text, JSON lines, a video, a window, or other programs out."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgevtn.cli.detection import add_detection, detector
from edgevtn.cli.options import add_budget, add_engine, add_threads
from edgevtn.cli.outputs import add_outputs
from edgevtn.cli.regions import add_regions
from edgevtn.cli.reload import Reload
from edgevtn.cli.service import Draining, Service
from edgevtn.defaults import PATIENCE, SMOOTHING
from edgevtn.errors import EdgeVTNError


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "source", nargs="*", metavar="SOURCE",
        help="path, camera index, or URL; several cameras are watched at once, "
        "several files, and the clips of a folder, one after the other",
    )  # fmt: skip
    parser.add_argument(
        "--config", metavar="FILE.toml",
        help="options by their names, and source, as in give-up = 60; the command line wins",
    )  # fmt: skip
    add_regions(parser)
    parser.add_argument(
        "--model", action="append", metavar="BUNDLE",
        help="folder of a bundle, org/name@revision, or default; several share what encoder they have in common",
    )  # fmt: skip
    parser.add_argument(
        "--out", metavar="DIR",
        help="for files: a timeline of all of them as CSV, JSON, and HTML with pictures (extra [report]); files that "
        "are done are not done again",
    )  # fmt: skip
    flag = argparse.BooleanOptionalAction
    parser.add_argument("--json", action=flag, help="one JSON object a line for each prediction and event")
    parser.add_argument("--save", "--overlay", metavar="FILE.mp4", help="write an annotated video, too")
    parser.add_argument("--show", action=flag, help="show a window; needs the extra [gui]")
    parser.add_argument("--frame-rate", type=float, metavar="HZ", help="of a folder of images (default: 25)")
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after so much of the source; above 0")
    parser.add_argument(
        "--smoothing", type=float, default=SMOOTHING, metavar="S", help="time constant, seconds (default: %(default)s)"
    )
    parser.add_argument(
        "--unknown-below",
        type=float,
        metavar="P",
        help="probability, of single predictions; events have thresholds of their own (default: the model's)",
    )
    parser.add_argument(
        "--patience", type=float, default=PATIENCE, metavar="S",
        help="seconds without a new picture until a camera or stream counts as lost (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--give-up", type=float, metavar="S", help="seconds until a lost one is an error; 0: at once (default: never)"
    )
    parser.add_argument("--wait", action=flag, help="wait for a camera or stream that is not there yet, too")
    parser.add_argument(
        "--stillness", action=flag, default=True, help="encode nothing while nothing moves (default: yes)"
    )
    add_threads(parser)
    add_engine(parser)
    add_budget(parser)
    add_detection(parser)
    add_outputs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Watch until the sources end, `--seconds` have passed in them, SIGTERM comes, or the window is closed.

    SIGHUP begins anew with what the file of `--config` says then. Where that cannot be begun, the old one is again. A
    source that was there before is waited for then: it may be lost just now.
    """
    # Models and what runs them: not for the help.
    from edgevtn.cli.files import clips_of, watch_files
    from edgevtn.cli.live import watch_cameras
    from edgevtn.cli.parts import say

    service, before = Service(), list[argparse.Namespace]()

    def ready() -> None:
        before.clear()
        service.ready()

    def pulse() -> bool:
        service.alive()
        return reload.due()

    with Draining() as draining, Reload(arguments.reread, check, say) as reload:
        now: argparse.Namespace | None = arguments
        while now is not None and not draining.asked:
            draining.by(None)
            try:
                check(now)
                clips = clips_of(now.source, now.out is not None)
                if clips is None:
                    watch_cameras(now, draining, pulse, ready)
                else:
                    watch_files(now, clips, draining, pulse, ready)
            except (EdgeVTNError, ValueError, OSError) as error:
                if not before:
                    raise
                say(f"{error}; the old configuration is used again")
                now = before.pop()
                now.wait = True
                continue
            later = reload.take()
            if later is not None:
                later.wait = later.wait or set(later.source) <= set(now.source)
                before.append(now)
                service.reloading()
            now = later
        service.stopping()


def check(arguments: argparse.Namespace) -> None:
    """Raise ValueError for what is wrong whatever the sources are."""
    from edgevtn.budget import Budget
    from edgevtn.cli.parts import refuse_same
    from edgevtn.region import Region
    from edgevtn.video import check_suffix

    if arguments.teach is not None and arguments.page is None:
        raise ValueError("--teach is done from a page; give --page, too, or use edgevtn serve")
    if not arguments.source:
        raise ValueError("expected at least one SOURCE, on the command line or in the file of --config")
    if "" in arguments.source:  # a shell's variable that is not set; a path would take it for the present folder
        raise ValueError("expected a SOURCE, got an empty text; the present folder is .")
    names = arguments.name or []
    if len(names) > 1 and (len(names) != len(arguments.source) or len(set(names)) < len(names) or "" in names):
        expected = f"expected one, or {len(arguments.source)} that differ, one for each source"
        raise ValueError(f"--name: {expected}, got {', '.join(map(repr, names))}")
    detector(arguments)
    if arguments.cpu_budget is not None:
        Budget(arguments.cpu_budget)
    for text in arguments.region or ():
        Region.parse(text)
    if arguments.save is not None:
        check_suffix(arguments.save)
        refuse_same([Path(arguments.save)], arguments.source)
