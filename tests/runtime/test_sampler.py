"""Sampling by time."""

import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevtn import TimestampError
from edgevtn.sampler import Sampler


def slot_times(times, frame_rate=12.5):
    """For every slot, the time of the frame in it."""
    sampler, slots = Sampler(frame_rate), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for time in times:
            count = sampler.slots(time)
            if count:
                slots += [slots[-1] if slots else time] * (count - 1) + [time]
    return slots


def test_a_source_of_twice_the_rate_gives_every_second_frame():
    assert slot_times([n / 25 for n in range(9)]) == [0, 2 / 25, 4 / 25, 6 / 25, 8 / 25]


@pytest.mark.parametrize("rate", [12, 12.5, 15, 23.976, 24, 25, 29.97, 30, 50, 60, 120])
@pytest.mark.parametrize("origin", [0.0, 1234567.8])
def test_every_slot_gets_a_frame_near_it(rate, origin):
    slots = slot_times([origin + n / rate for n in range(round(20 * rate))])
    assert len(slots) == pytest.approx(20 * 12.5, abs=2)
    for n, time in enumerate(slots):
        # Half an interval of the source, and the hundredth of a slot that absorbs rounding.
        assert abs(time - origin - n / 12.5) <= 0.5 / rate + 0.011 / 12.5 or rate <= 12.5
        assert abs(time - origin - n / 12.5) <= 1 / rate + 1e-6


@pytest.mark.parametrize("rate", [4, 7, 12, 12.5, 15, 23.976, 25, 30, 50, 60])
def test_a_slots_frame_is_compared_with_one_a_little_older(rate):
    sampler, older, pairs = Sampler(3.125, difference_interval=0.08), 0.0, []
    for n in range(round(20 * rate)):
        time = n / rate
        if sampler.slots(time):
            assert not sampler.older
            pairs.append((older, time))
            older = time  # until another one comes
        elif sampler.older:
            older = time
    assert len(pairs) >= 62
    for older, newer in pairs[1:]:
        if rate < 12.5:
            assert newer - older == pytest.approx(1 / rate)  # the last frame before
        else:
            # Both frames are the nearest to their moments.
            assert newer - older == pytest.approx(0.08, abs=1 / rate + 1e-6)
            assert newer > older
    if rate in (12.5, 25, 50):
        assert all(newer - older == pytest.approx(0.08) for older, newer in pairs[1:])


@pytest.mark.parametrize("ahead", [0.0, 1 / 3.125])
def test_without_a_shorter_interval_nothing_is_older(ahead):
    sampler = Sampler(3.125, ahead)
    for n in range(50):
        sampler.slots(n / 25)
        assert not sampler.older


@given(st.lists(st.floats(0.001, 0.3), min_size=1, max_size=200))
def test_irregular_sources_keep_time(intervals):
    time, sampler, slot = 0.0, Sampler(12.5), -1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        slot += sampler.slots(time)
        for interval in intervals:
            time += interval
            slot += sampler.slots(time)
            # The last slot filled is never more than half a slot ahead, nor more than one and a half behind.
            assert -0.52 <= time * 12.5 - slot <= 1.5


def test_slow_source_warns_once():
    sampler = Sampler(12.5)
    with pytest.warns(RuntimeWarning, match=r"6\.0 frames a second.*12\.5") as caught:
        for n in range(100):
            sampler.slots(n / 6)
        sampler.reset()
        for n in range(100):
            sampler.slots(n / 6)
    assert len(caught) == 1


def test_a_source_that_was_away_is_not_slow():
    sampler = Sampler(10.0)
    for n in range(40):
        sampler.slots(n / 12 + (5.0 if n > 7 else 0.0))


def test_fast_source_does_not_warn():
    sampler = Sampler(12.5)
    for n in range(100):
        sampler.slots(n / 12.5)


@pytest.mark.parametrize("time", [math.nan, math.inf, -math.inf])
def test_time_must_be_finite(time):
    with pytest.raises(TimestampError, match="finite"):
        Sampler(10).slots(time)


@pytest.mark.parametrize("time", [1.0, 0.5, -3.0])
def test_time_must_increase_and_the_stream_goes_on(time):
    sampler = Sampler(10)
    sampler.slots(1.0)
    with pytest.raises(TimestampError, match=r"reset\(\)"):
        sampler.slots(time)
    assert sampler.slots(1.1) == 1
