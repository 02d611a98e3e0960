"""Whenever `edgevtn teach --add-to` is stopped, there is the old model or the new one, whole, and nothing else."""

import json
import os
import random
import shutil
import subprocess
import sys

import pytest

import edgevtn
from edgevtn.teaching import Taught, teach

LABELS = ["bend", "jack", "wave1"]
#: Runs the command, counts what it does to files of a folder, and sends itself Ctrl-C before one of these steps; or
#: after so much of its processor's time.
CHILD = """
import json, os, signal, sys
from edgevtn import files
from edgevtn.cli.main import main

place, steps, exchange, at, seconds = sys.argv[1], [], *json.loads(sys.argv[2])
if not exchange:
    files.exchanged = lambda fresh, folder: False  # as on a file system that cannot

def watched(event, arguments):
    if event.partition(".")[0] in ("os", "open", "shutil") and any(place in str(part) for part in arguments):
        steps.append(event)
        if len(steps) == at:
            os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(watched)
if seconds:
    signal.signal(signal.SIGPROF, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_PROF, seconds)
status = main(["teach", sys.argv[3], "--add-to", place + "mine"])
signal.setitimer(signal.ITIMER_PROF, 0)
print(json.dumps(steps))
sys.exit(status)
"""


@pytest.fixture(scope="module")
def before(videos, examples, cache, tmp_path_factory):
    """A model of two labels, clips of the third, and a cache that knows them."""
    place = tmp_path_factory.mktemp("before")
    teach([e for e in examples if e.label != "jack"], cache=cache, threads=1).save(place / "mine")
    for label in LABELS[1:2]:
        shutil.copytree(videos / label, place / "more" / label)
    return place


def run(before, place, exchange=True, at=0, seconds=0.0):
    shutil.copytree(before / "mine", place / "mine")
    environment = os.environ | {"EDGEVTN_CACHE": str(before / "cache"), "OMP_NUM_THREADS": "1"}
    arguments = [f"{place}/", json.dumps([exchange, at, seconds]), str(before / "more")]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def check(place, done):
    """The old model or the new one; and whether it is the new one."""
    assert [path.name for path in place.iterdir()] == ["mine"]
    labels = list(Taught.load(place / "mine").report.labels)
    assert edgevtn.Recognizer(place / "mine", threads=1).model.labels[: len(labels)] == tuple(labels)
    assert labels in (LABELS, ["bend", "wave1"])
    if done.returncode == 0:
        assert labels == LABELS
    else:
        assert done.returncode == 130
    return labels == LABELS


@pytest.mark.parametrize("exchange", [True, False])
def test_stopped_at_any_step_on_the_disk(before, tmp_path, exchange):
    (tmp_path / "whole").mkdir()
    done = run(before, tmp_path / "whole", exchange)
    assert check(tmp_path / "whole", done)
    steps = json.loads(done.stdout.splitlines()[-1])
    # Where names change is where it could go wrong; and here and there else.
    turns = [n for n, step in enumerate(steps, 1) if step in ("os.rename", "os.mkdir", "shutil.rmtree")]
    assert turns
    tried = {*turns, *(n + 1 for n in turns), len(steps) // 2, len(steps)}
    news = set()
    for at in sorted(tried):
        place = tmp_path / str(at)
        place.mkdir()
        news.add(check(place, run(before, place, exchange, at=at)))
        shutil.rmtree(place)
    assert news == {True, False}  # some came early enough to change nothing, and some too late


def test_stopped_at_any_moment(before, tmp_path):
    rng = random.Random(0)
    for n in range(5):
        place = tmp_path / str(n)
        place.mkdir()
        check(place, run(before, place, seconds=rng.uniform(0.05, 2.5)))
        shutil.rmtree(place)
