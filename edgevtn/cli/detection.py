"""Options of what counts as an event, and the detector they become."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgevtn.defaults import ENTER, LEAVE, MIN_DURATION, SETTLED

if TYPE_CHECKING:
    from edgevtn.events import EventDetector


def add_detection(parser: argparse.ArgumentParser) -> None:
    """``--enter`` and what belongs to it."""
    group = parser.add_argument_group("events")
    group.add_argument("--enter", type=float, default=ENTER, metavar="P", help="events begin at (default: %(default)s)")
    group.add_argument("--leave", type=float, default=LEAVE, metavar="P", help="and ends below (default: %(default)s)")
    group.add_argument(
        "--min-duration", type=float, default=MIN_DURATION, metavar="S",
        help=f"shorter ones are dropped (default: %(default)s; from rest {SETTLED:g}); 0 tells each at once",
    )  # fmt: skip
    group.add_argument(
        "--cool-down", type=float, default=0.0, metavar="S", help="a label does not begin again for (default: 0)"
    )
    group.add_argument(
        "--update-every", type=float, metavar="S", help="tell what goes on again every S seconds (default: do not)"
    )
    group.add_argument(
        "--label", action="append", type=_label, default=[], metavar="LABEL:NAME=VALUE,...",
        help="these for a single label, as in fall:enter=0.4,leave=0.2",
    )  # fmt: skip


def detector(arguments: argparse.Namespace) -> EventDetector:
    """The detector that the options ask for; ValueError if they do not fit together."""
    from edgevtn.events import EventDetector

    return EventDetector(
        arguments.enter,
        arguments.leave,
        arguments.min_duration,
        cool_down=arguments.cool_down,
        update_every=arguments.update_every,
        labels=dict(arguments.label),
    )


def _label(text: str) -> tuple[str, dict[str, float]]:
    """A label and its settings."""
    from edgevtn.events import SETTINGS

    label, mark, rest = text.rpartition(":")
    settings = {}
    for part in rest.split(","):
        name, equals, value = part.partition("=")
        name = name.strip().replace("-", "_")
        if not (mark and label and equals) or name not in SETTINGS:
            names = ", ".join(name.replace("_", "-") for name in SETTINGS)
            raise argparse.ArgumentTypeError(f"expected LABEL:NAME=VALUE,... with names of {names}, got {text!r}")
        try:
            settings[name] = float(value)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r}: {value!r} is no number") from None
    return label, settings
