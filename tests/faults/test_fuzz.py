"""The properties of `scripts/fuzz` on inputs of a fixed seed; that script tries fresh ones for as long as one likes."""

from __future__ import annotations

import os
import time

import pytest
from fuzzing import attempt
from hypothesis import strategies as st
from mutants import mutated
from properties import PROPERTIES

SEED = 20261127
#: Inputs of each in this test, so that all take some seconds.
EXAMPLES = {"encoder": 40, "names": 300, "events": 150, "checkpoint": 25, "ir": 25}


@pytest.mark.parametrize("name", PROPERTIES)
def test_whatever_comes_works_or_is_refused(name):
    outcome = attempt(name, SEED, EXAMPLES.get(name, 120), time.monotonic() + 60)
    assert not outcome.fault, outcome.fault
    assert outcome.tried > 20


FAULTS = {"raise KeyError('x')": "KeyError", "os.abort()": "signal 6", "bytes(2**31)": "MemoryError"}


@pytest.mark.parametrize(("fault", "told"), FAULTS.items())
def test_faults_are_seen(monkeypatch, fault, told):
    monkeypatch.setitem(PROPERTIES, "broken", lambda folder: (st.integers(), lambda drawn: exec(fault, {"os": os})))
    assert told in attempt("broken", 1, 5, time.monotonic() + 60).fault


def test_mutants_differ_and_are_the_same_again():
    content = bytes(range(256)) * 20
    assert len({mutated(content, seed) for seed in range(200)}) > 150
    assert all(mutated(content, seed) == mutated(content, seed) for seed in range(50))
    assert all(isinstance(mutated(b"", seed), bytes) for seed in range(200))
