"""The time of live sources: clocks that jump, drift and jitter."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevtn.sources.clock import LONGEST_DELAY, CaptureClock


class Time:
    """Clocks that a test sets."""

    def __init__(self, monkeypatch):
        self.now, self.wall = 1000.0, 5e8
        monkeypatch.setattr("edgevtn.sources.clock.time.monotonic", lambda: self.now)
        monkeypatch.setattr("edgevtn.sources.clock.time.time", lambda: self.wall)


def test_the_wall_clock_may_jump_and_time_does_not(monkeypatch):
    clocks = Time(monkeypatch)
    clock = CaptureClock()
    clocks.now, clocks.wall = 1001.0, 5e8 + 1.0
    timestamp = clock(1001.0, None)
    assert timestamp == 1.0
    assert clock.wall(timestamp) == 5e8 + 1.0
    clocks.now, clocks.wall = 1002.0, 1.7e9  # a Pi has heard from a time server
    assert clock(1002.0, None) == 2.0
    assert clock.wall(timestamp) == 1.7e9 - 1.0
    clocks.now, clocks.wall = 1003.0, 1.7e9 - 3600
    assert clock(1003.0, None) == 3.0
    assert clock.wall(3.0) == 1.7e9 - 3600


def test_stamps_of_the_camera_take_the_jitter_out(monkeypatch):
    Time(monkeypatch)
    clock = CaptureClock()
    delays = np.random.default_rng(0).uniform(0.01, 0.2, 500)
    delays[0] = 0.2
    captured = 77.0 + np.arange(500) / 25
    arrived = np.maximum.accumulate(1000.0 + captured - 77.0 + delays) + 1e-6 * np.arange(500)  # in order
    timestamps = np.array([clock(a, c) for a, c in zip(arrived, captured, strict=True)])
    assert (np.diff(timestamps) > 0).all()
    wrong = np.abs(np.diff(timestamps)[200:] - 1 / 25)  # the delays differ by 0.19 s
    assert np.quantile(wrong, 0.99) < 0.0001
    assert wrong.max() < 0.02
    assert (timestamps <= arrived - 1000.0 + 1e-9).all()  # nothing is taken after it arrived


def test_clocks_that_drift_stay_together(monkeypatch):
    Time(monkeypatch)
    clock = CaptureClock()
    for second in range(24 * 3600):
        timestamp = clock(1000.0 + second, second * (1 - 1e-4))
        assert second - timestamp < 0.001


def test_stamps_that_run_backwards_or_ahead_begin_anew(monkeypatch):
    Time(monkeypatch)
    clock = CaptureClock()
    stamps = [5.0, 5.1, 0.0, 0.1, 9000.0, 9000.1, 9000.1, None, 3.0]
    timestamps = [clock(1000.0 + n / 10, stamp) for n, stamp in enumerate(stamps)]
    assert timestamps == pytest.approx([n / 10 for n in range(len(stamps))])
    assert clock(1000.9 + LONGEST_DELAY + 1, 3.1) == pytest.approx(0.9 + LONGEST_DELAY + 1)


@given(
    st.lists(
        st.tuples(st.floats(0, 0.5), st.one_of(st.none(), st.floats(-10, 10)), st.booleans()), min_size=2, max_size=40
    )
)
def test_time_rises_whatever_the_stamps_are(pictures):
    clock, arrived, last = CaptureClock(), time.monotonic(), -1.0
    for wait, captured, again in pictures:
        if again:
            clock.restart()
        arrived += wait
        timestamp = clock(arrived, captured)
        assert timestamp > last
        last = timestamp
