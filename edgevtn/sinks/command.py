"""A program that is run when an event begins or ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time

from edgevtn.prediction import Event
from edgevtn.sinks.delivery import Delivery, Refused
from edgevtn.sinks.origin import Origin
from edgevtn.sinks.spool import Message

#: Seconds after which a program that still runs is killed.
LONGEST = 30.0
#: Seconds between looking whether it is time to kill it.
LOOKING = 0.2
#: The file that a program prints to.
STDERR = 2
#: Ends of names of variables that hold secrets of ours, which the program need not know.
SECRETS = ("_PASSWORD", "_TOKEN")
#: Names in braces that stand for a value of the event's record.
NAMES = (
    "event", "id", "source", "region", "model", "label", "start", "end", "start_time", "end_time", "updated",
    "updated_time", "score",
)  # fmt: skip
PLACEHOLDER = re.compile(rf"\{{({'|'.join(NAMES)})\}}")


class Command(Delivery):
    """Runs a program, one at a time, in a thread of its own; the event is on its standard input, as JSON.

    There is no shell: the command is split into words first, and what stands for ``{label}`` stays within its word.
    What the program prints goes to stderr. If it fails or takes too long, that is said once, and it is not run again.

    Parameters
    ----------
    command : str
        As in ``notify-send 'edgevtn' {label}``. Names: those of `NAMES`; what the record does not have is empty.
    kind : str
        "begin" or "end": when it is run.
    origin
        As in `Delivery`.

    Raises
    ------
    ValueError
        The command cannot be split, or there is no such program.
    """

    def __init__(self, command: str, kind: str = "begin", origin: Origin | None = None) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise ValueError(f"command {command!r}: cannot be split into words ({error})") from None
        if not self._words or shutil.which(self._words[0]) is None:
            raise ValueError(f"command {command!r}: there is no such program")
        super().__init__(self._words[0], origin)
        self._kind = kind

    def messages(self, event: Event) -> list[tuple[str, bytes]]:
        """One if it is the right moment."""
        return [("", json.dumps(self.origin.event(event)).encode())] if event.kind == self._kind else []

    def deliver(self, message: Message) -> None:
        """Run it."""
        record = json.loads(message.payload)
        words = [PLACEHOLDER.sub(lambda found: _text(record.get(found[1])), word) for word in self._words]
        try:
            # A session of its own, so that what it starts is killed with it. Our stdout may be JSON.
            running = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=STDERR, env=_environment(), start_new_session=True
            )
        except OSError as error:
            raise Refused(f"it cannot be run: {error.strerror or error}") from None
        end, sent = time.monotonic() + LONGEST, {"input": message.payload}
        while True:
            try:
                running.communicate(**sent, timeout=LOOKING)
                break
            except subprocess.TimeoutExpired:
                sent = {}
            if time.monotonic() > end or not self.left():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(running.pid, signal.SIGKILL)
                running.wait()
                raise Refused("it did not end in time, and was killed")
        if running.returncode:
            raise Refused(f"it ended with status {running.returncode}")


def _environment() -> dict[str, str]:
    """The variables without our secrets."""
    return {
        name: value
        for name, value in os.environ.items()
        if not (name.startswith("EDGEVTN_") and name.endswith(SECRETS))
    }


def _text(value: object) -> str:
    """A value within a word."""
    return "" if value is None else str(value)
