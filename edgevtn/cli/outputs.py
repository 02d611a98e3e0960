"""Options of where events go, and the sinks they become.

Passwords and tokens need not stand on the command line, where every user of the machine can read them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edgevtn.defaults import ADDRESS
from edgevtn.files import user_state

if TYPE_CHECKING:
    from edgevtn.sinks import Sink
    from edgevtn.sinks.origin import Origin
    from edgevtn.sinks.page.requests import Lessons

#: Variables that may hold a password or a token.
PASSWORD, WEBHOOK_TOKEN, FRIGATE_TOKEN = "EDGEVTN_MQTT_PASSWORD", "EDGEVTN_WEBHOOK_TOKEN", "EDGEVTN_FRIGATE_TOKEN"
PAGE_TOKEN = "EDGEVTN_PAGE_TOKEN"


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """``--json-file`` and what belongs to it."""
    group = parser.add_argument_group("outputs; several may be given")
    group.add_argument(
        "--name", action="append", metavar="NAME",
        help="of the source, as others read it (default: its file or host); of several cameras, one for each in their "
        "order, or one for all together",
    )  # fmt: skip
    group.add_argument("--json-file", metavar="FILE", help="append what --json prints to a file, rotated at 10 MB")
    group.add_argument("--timeline", metavar="FILE.csv", help="append a row for each event that has ended")
    group.add_argument("--record", metavar="DIR", help="a clip of each event, 2 GB at most; needs the extra [video]")
    group.add_argument("--before", type=float, default=5.0, metavar="S", help="of a clip (default: %(default)s)")
    group.add_argument("--after", type=float, default=5.0, metavar="S", help="likewise (default: %(default)s)")
    group.add_argument(
        "--keep-uncertain", metavar="DIR",
        help="a clip where the model hesitates for a second, to label and teach with --add-to; the last 200 and 500 MB "
        "are kept; needs the extra [video]",
    )  # fmt: skip
    group.add_argument(
        "--mqtt",
        metavar="URL",
        help="mqtt://user@host:1883 or mqtts://; Home Assistant shows it; needs the extra [mqtt]",
    )
    group.add_argument("--mqtt-id", metavar="ID", help="in the topics edgevtn/ID/... (default: this host, and NAME)")
    group.add_argument("--mqtt-password-file", metavar="FILE", help=f"the password (or in {PASSWORD})")
    group.add_argument("--mqtt-ca", metavar="FILE", help="certificates to trust, PEM (default: the system's)")
    group.add_argument(
        "--discovery",
        default="homeassistant",
        metavar="PREFIX",
        help="Home Assistant's; '' for none (default: %(default)s)",
    )
    group.add_argument("--webhook", metavar="URL", help="post each event as JSON")
    group.add_argument("--webhook-token-file", metavar="FILE", help=f"a bearer token (or in {WEBHOOK_TOKEN})")
    group.add_argument("--frigate", metavar="URL", help="create events in Frigate, as in http://host:5000")
    group.add_argument("--frigate-camera", metavar="NAME", help="whose events they are (default: NAME)")
    group.add_argument("--frigate-token-file", metavar="FILE", help=f"a bearer token (or in {FRIGATE_TOKEN})")
    group.add_argument("--command", metavar="COMMAND", help="run when an event begins, as in 'notify-send {label}'")
    group.add_argument("--command-end", metavar="COMMAND", help="run when it has ended; both get JSON on stdin")
    group.add_argument(
        "--page",
        nargs="?",
        const=ADDRESS,
        metavar="HOST:PORT",
        help=f"a page in the browser (default: {ADDRESS}); elsewhere with a token; needs the extra [serve]",
    )
    group.add_argument(
        "--teach", metavar="DIR",
        help="teach from the page: the last seconds are kept in memory, takes of them are written to DIR/takes, and "
        "the model DIR/model takes over; it is used from the start where it is there and no --model is given",
    )  # fmt: skip
    group.add_argument("--page-token-file", metavar="FILE", help=f"what a browser must know (or in {PAGE_TOKEN})")
    group.add_argument(
        "--page-host", action="append", default=[], metavar="NAME", help="another name by which the page is called"
    )
    group.add_argument(
        "--spool", metavar="DIR", help="where what cannot be delivered waits (default: ~/.local/state/edgevtn)"
    )


def outputs(arguments: argparse.Namespace, origin: Origin, lessons: Lessons | None = None) -> list[Sink]:
    """The sinks that the options ask for; the page teaches by `lessons`.

    Raises
    ------
    ValueError, EdgeVTNError
        An option is wrong; nothing was begun then.
    """
    with contextlib.ExitStack() as undo:
        sinks = []
        for sink in _each(arguments, origin, lessons):
            undo.callback(sink.close)
            sinks.append(sink)
        undo.pop_all()
    for page in (sink for sink in sinks if arguments.page is not None and hasattr(sink, "url")):
        print(f"edgevtn: the page is at {page.url}", file=sys.stderr)
    return sinks


def _each(arguments: argparse.Namespace, origin: Origin, lessons: Lessons | None) -> Iterator[Sink]:
    """One after another; what needs a file is opened last, as an address that is wrong should leave none."""
    for command, kind in ((arguments.command, "begin"), (arguments.command_end, "end")):
        if command is not None:
            from edgevtn.sinks.command import Command

            yield Command(command, kind, origin)
    if arguments.mqtt is not None:
        yield _mqtt(arguments, origin)
    if arguments.webhook is not None:
        from edgevtn.sinks.webhook import Webhook

        token = _secret(arguments.webhook_token_file, WEBHOOK_TOKEN)
        yield Webhook(arguments.webhook, origin, _spool(arguments, "webhook", origin), token=token)
    if arguments.frigate is not None:
        from edgevtn.sinks.frigate import Frigate

        token = _secret(arguments.frigate_token_file, FRIGATE_TOKEN)
        camera = arguments.frigate_camera or origin.name
        yield Frigate(arguments.frigate, camera, origin, _spool(arguments, "frigate", origin), token=token)
    clips = _clips(arguments, origin)
    yield from clips
    if arguments.page is not None:
        from edgevtn.sinks.clips import Clips

        token = _secret(arguments.page_token_file, PAGE_TOKEN)
        from edgevtn.sinks.page.sink import Page

        files = next((sink.files for sink in clips if isinstance(sink, Clips)), None)
        hosts = arguments.page_host
        yield Page(arguments.page, origin, token=token or None, hosts=hosts, clips=files, lessons=lessons)
    if arguments.json_file is not None:
        from edgevtn.sinks import JsonFile

        yield JsonFile(arguments.json_file, origin)
    if arguments.timeline is not None:
        from edgevtn.sinks import Timeline

        yield Timeline(arguments.timeline, origin)


def _clips(arguments: argparse.Namespace, origin: Origin) -> list[Sink]:
    """What is cut of one ring of pictures."""
    from edgevtn.sinks.clips import Clips
    from edgevtn.sinks.ring import Rings
    from edgevtn.sinks.uncertain import Uncertain

    rings = Rings()
    sinks: list[Sink] = []
    if arguments.record is not None:
        waits = [own.get("min_duration", 0.0) for _, own in arguments.label]
        late = max([arguments.min_duration, *waits])
        clips = Clips(arguments.record, origin, before=arguments.before, after=arguments.after, late=late, rings=rings)
        sinks.append(clips)
    if arguments.keep_uncertain is not None:
        if arguments.record is not None and os.path.realpath(arguments.record) == os.path.realpath(
            arguments.keep_uncertain
        ):  # each would remove the other's clips
            raise ValueError("--record and --keep-uncertain: expected two folders, got one for both")
        sinks.append(Uncertain(arguments.keep_uncertain, origin, rings=rings))
    return sinks


def _mqtt(arguments: argparse.Namespace, origin: Origin) -> Sink:
    from edgevtn.sinks.discovery import slug
    from edgevtn.sinks.mqtt import Mqtt

    device = slug(f"{socket.gethostname()} {origin.name}") if arguments.mqtt_id is None else arguments.mqtt_id
    return Mqtt(
        arguments.mqtt,
        device,
        origin,
        _spool(arguments, "mqtt", origin, device),
        password=_secret(arguments.mqtt_password_file, PASSWORD),
        ca=arguments.mqtt_ca,
        discovery=arguments.discovery,
    )


def _spool(arguments: argparse.Namespace, kind: str, origin: Origin, id: str = "") -> Path:
    """The file in which what is of this kind waits; every source has its own."""
    from edgevtn.sinks.discovery import slug

    folder = user_state() if arguments.spool is None else Path(arguments.spool)
    if folder is None:
        raise ValueError("there is no home folder to keep events in; give --spool DIR")
    return folder / f"{kind}-{id or slug(origin.name) or 'source'}.sqlite"


def _secret(file: str | None, variable: str) -> str | None:
    """What stands in a file, else in a variable, without the line's end; an empty variable is none."""
    from edgevtn.sinks.address import read_secret

    # A file of variables that was written on Windows leaves a line's end in them.
    return read_secret(file) if file is not None else os.environ.get(variable, "").rstrip("\r\n") or None
