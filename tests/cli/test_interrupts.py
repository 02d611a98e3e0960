"""Ctrl-C and SIGTERM where Python raises nothing, but prints the exception and goes on, or something else instead."""

import signal
import subprocess
import sys

import pytest
from cameras import MjpegCamera

#: `edgevtn`, with signals that come while the main thread is in the callback of a weak reference, or starts a module.
PROGRAM = """
import signal, sys, weakref
import edgevtn.cli.live as live
from edgevtn.cli.main import main
from edgevtn.cli.service import Service

number, times, where = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

class Thing:
    pass

def interrupted(function):
    def called(*arguments):
        global times
        if times:
            times -= 1
            thing = Thing()
            reference = weakref.ref(thing, lambda _: signal.raise_signal(number))
            del thing
        return function(*arguments)
    return called

def starts_a_module(*_):
    try:
        signal.raise_signal(number)
    except BaseException as stop:
        raise ImportError("initialization failed") from stop

if where == "at work":
    Service.alive = interrupted(Service.alive)
elif where == "while it loads":
    live.load = interrupted(live.load)
else:
    live.load = starts_a_module
raise SystemExit(main(sys.argv[4:]))
"""


@pytest.mark.parametrize("where", ["while it loads", "while a module starts", "at work"])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
@pytest.mark.parametrize("times", [1, 3])
def test_it_ends_all_the_same(tiny, where, number, status, times):
    with MjpegCamera() as camera:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(int(number)), str(times), where,
             "run", camera.address, "--model", str(tiny), "--json"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (status, "")


def test_another_error_there_is_told():
    program = """
import weakref
from edgevtn.cli.interrupts import Interrupts
class Thing: pass
with Interrupts():
    thing = Thing()
    reference = weakref.ref(thing, lambda _: 1 / 0)
    del thing
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "ZeroDivisionError" in done.stderr
