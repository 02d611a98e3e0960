"""Tries a property on many inputs in a child process, with 10 s and 1 GB for each: a crash or a hang is seen."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import tempfile
import time
import traceback
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from properties import PROPERTIES

#: Seconds of one input, after which it counts as hanging, and bytes that it may allocate beyond what was there.
SECONDS, MEMORY = 10, 2**30


class Outcome(NamedTuple):
    """What came of one child: inputs that were tried, and the fault, if there was one."""

    tried: int
    fault: str


def attempt(name: str, number: int, examples: int, until: float) -> Outcome:
    """Try a property on at most so many inputs of a seed, until a time of `time.monotonic`."""
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryFile() as told:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            os.dup2(told.fileno(), 1)
            os.dup2(told.fileno(), 2)
            os._exit(_run(name, number, examples, until, Path(place), write))
        os.close(write)
        tried = 0
        while got := os.read(read, 65536):
            tried += len(got)
        os.close(read)
        _, status = os.waitpid(child, 0)
        told.seek(0)
        text = told.read().decode("utf-8", "replace")
    if status == 0:
        return Outcome(tried, "")
    kind = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {os.WEXITSTATUS(status)}"
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        kind = f"more than {SECONDS} s"
    return Outcome(tried, f"{name}, seed {number}, input {tried}: {kind}\n{text[-3000:]}")


def _run(name: str, number: int, examples: int, until: float, folder: Path, pipe: int) -> int:
    try:
        faulthandler.disable()  # it would write into the parent's log
        os.chdir(folder)
        strategy, check = PROPERTIES[name](folder)
        state = Path("/proc/self/status").read_text()
        used = 1024 * int(state.partition("VmData:")[2].split()[0])
        resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY, used + MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        @seed(number)
        @settings(
            max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck),
            phases=[Phase.generate], print_blob=False,
        )  # fmt: skip
        @given(strategy)
        def tried(drawn: object) -> None:
            if time.monotonic() > until:
                return
            signal.alarm(SECONDS)  # its default kills: also what hangs in native code
            os.write(pipe, b".")
            check(drawn)
            signal.alarm(0)

        tried()
    except BaseException:
        os.write(2, traceback.format_exc().encode("utf-8", "replace"))
        return 1
    return 0
