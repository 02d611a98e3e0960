"""`edgevtn record`: takes of an action from a camera, to teach with."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgevtn.arrays import Frame
    from edgevtn.recording import Take


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("folder", metavar="FOLDER", help="takes go to FOLDER/LABEL/")
    parser.add_argument("--label", required=True, help='what is done; "nothing" for the empty room and for idling')
    parser.add_argument("--source", default="0", metavar="SOURCE", help="camera index, picamera, or URL (default: 0)")
    parser.add_argument("--takes", type=int, default=10, metavar="N", help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="of each take (default: %(default)g)")
    parser.add_argument("--yes", action="store_true", help="keep every take without asking")
    parser.add_argument("--show", action="store_true", help="show a window; needs the extra [gui]")


def run(arguments: argparse.Namespace) -> None:
    """Record until there are enough takes, or the person has had enough."""
    from edgevtn.arguments import number, whole
    from edgevtn.recording import check_label, record_takes
    from edgevtn.sinks import StopWatching
    from edgevtn.sources import frames

    whole(arguments.takes, "--takes", 1, 1000)
    number(arguments.seconds, "--seconds", low=0.5, high=600, unit="seconds")
    check_label(arguments.label)
    asks = not arguments.yes and sys.stdin.isatty()
    screen = Screen(arguments.label, arguments.show)
    kept = 0
    try:
        with frames(arguments.source, give_up=0) as source:  # a take has no gap
            for take in record_takes(source, Path(arguments.folder), arguments.label, arguments.seconds, screen):
                screen.clear()
                try:
                    answer = ask(take) if asks else "y"
                    if answer == "y":
                        kept += 1
                        print(f"{kept} of {arguments.takes}: {describe(take)}; kept as {take.keep()}", flush=True)
                finally:
                    take.drop()  # where it was not kept
                if answer == "q" or kept == arguments.takes:
                    break
    except StopWatching:
        pass
    finally:
        screen.close()
        print(f"{kept} takes of {arguments.label} in {Path(arguments.folder) / arguments.label}")
    if kept:
        print(f"next: another label, or: edgevtn teach {shlex.quote(arguments.folder)} -o MODEL")


def describe(take: Take) -> str:
    """A take in a few words."""
    if take.kept == take.recorded:
        return f"{take.recorded:.1f} s, kept whole"
    return f"{take.kept:.1f} of {take.recorded:.1f} s, without still ends"


def ask(take: Take) -> str:
    """Whether to keep it: "y", "n", or "q" for neither this one nor another."""
    while True:
        try:
            answer = input(f"{describe(take)}. Keep it? [Y]es, [n]o, [q]uit: ").strip().lower()[:1] or "y"
        except EOFError:  # the terminal has gone
            return "q"
        if answer in "ynq":
            return answer


class Screen:
    """The count-down, as a line of text and in a window if there is one."""

    def __init__(self, label: str, window: bool) -> None:
        from edgevtn.sinks import Display

        self._label, self._last = label, ""
        self._window = Display() if window else None
        self._terminal = sys.stdout.isatty()

    def __call__(self, frame: Frame, timestamp: float, what: str) -> None:
        if what != self._last:
            self._last = what
            text = f"{self._label}: {what}" if what != "recording" else f"{self._label}: go"
            print(f"\r\033[K{text}" if self._terminal else text, end="" if self._terminal else "\n", flush=True)
        if self._window is not None:
            self._window.show(frame, f"{self._label}: {what}", timestamp)

    def clear(self) -> None:
        """Leave the line."""
        self._last = ""
        if self._terminal:
            print("\r\033[K", end="", flush=True)

    def close(self) -> None:
        """Close the window."""
        if self._window is not None:
            self._window.close()
