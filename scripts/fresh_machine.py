"""A machine on which nothing of edgevtn is: a home of its own with a copy of the checkout, and a shell to type into."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Seconds after which a command hangs; pip may build and download.
LIMIT = 900.0
#: Columns of a transcript, and lines of one command in it: the first ones and the last ones.
WIDTH, FIRST, LAST = 110, 4, 8
#: Variables that say where something of edgevtn or of Python is on this machine.
OURS = re.compile(r"EDGEVTN_|PYTHON|VIRTUAL_ENV|XDG_CACHE|XDG_STATE|MPL|NUMBA|OMP_")
#: What `record` says before a take, which a terminal shows in one place.
COUNT_DOWN = re.compile(r"\w+: (\d|go)$")
#: Types a command in the shell as the one before left it, and keeps what it exported and where it went.
SHELL = '. "$STATE/set"; cd "$(cat "$STATE/at")"; eval "$1"; status=$?; declare -px > "$STATE/set"; pwd > "$STATE/at"; \
exit $status'


@dataclass
class Typed:
    """A command that was typed."""

    command: str
    #: Wall time.
    seconds: float
    #: What it wrote, to stdout and stderr, with the home as "~".
    text: str
    #: A pattern of the lines that a transcript shows; "" for the first and the last ones.
    matters: str = ""

    @property
    def installs(self) -> bool:
        """Whether its time is pip's, which depends on the line and on what is cached."""
        return self.command.startswith(("pip ", "python3 -m venv"))


class Failed(Exception):
    """A journey did not end where the docs say."""


class Machine:
    """One home, in a folder that is empty.

    Attributes
    ----------
    checkout : Path
        The project's folder, in which the shell begins.
    typed : list of Typed
        All commands so far.
    """

    def __init__(self, home: Path) -> None:
        self.home, self.checkout = home, home / "edgevtn"
        self.typed: list[Typed] = []
        self._state = home / ".shell"
        self._state.mkdir(parents=True)
        (self._state / "set").touch()
        (self._state / "at").write_text(str(self.checkout))
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.checkout / name)

    def type(self, line: str, answer: str = "") -> str:
        """Type a line, and what it asks for; give what its last command wrote. Commands are joined by "&&".

        Raises
        ------
        Failed
            A command ended with another status than 0.
        """
        text = ""
        for command in line.split(" && "):
            began = time.monotonic()
            done = subprocess.run(
                ["bash", "-c", SHELL, "bash", command], env=self._environment(), cwd=self.checkout, text=True,
                input=answer, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT, check=False,
            )  # fmt: skip
            text = done.stdout.replace(str(self.home), "~")
            self.typed.append(Typed(command, time.monotonic() - began, text))
            print(f"    $ {command}    # {self.typed[-1].seconds:.1f} s", flush=True)
            if done.returncode:
                raise Failed(f"{command!r} ended with {done.returncode}:\n{text}")
        return text

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not OURS.match(name)}
        own = str(ROOT / ".venv")
        path = os.pathsep.join(part for part in kept["PATH"].split(os.pathsep) if not part.startswith(own))
        return kept | {
            "HOME": str(self.home), "STATE": str(self._state), "PATH": path, "COLUMNS": str(WIDTH), "LC_ALL": "C.UTF-8",
        }  # fmt: skip


def transcript(typed: Typed) -> list[str]:
    """The command, its time, and what matters of its text: pip's last line; else the first lines, and the last."""
    lines = [line.rstrip() for line in typed.text.splitlines() if line.strip() and not COUNT_DOWN.match(line)]
    if typed.installs:
        lines = lines[-1:]
    if typed.matters:
        lines = [line for line in lines if re.search(typed.matters, line)]
    elif len(lines) > FIRST + LAST + 1:
        lines = [*lines[:FIRST], "...", *lines[-LAST:]]
    cut = [line if len(line) <= WIDTH else line[: WIDTH - 3] + "..." for line in lines]
    return [f"$ {typed.command}    # {typed.seconds:.1f} s", *cut]
