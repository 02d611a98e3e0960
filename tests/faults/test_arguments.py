"""Arguments of any type and size: a number that is checked, or one sentence; and nothing is poisoned."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from children import edgevtn, refusal
from hypothesis import given
from hypothesis import strategies as st

from edgevtn import EventDetector, FrameError, Recognizer, TimestampError, frames, watch
from edgevtn.arguments import FARTHEST, MOST_THREADS, as_timestamp, number, whole
from edgevtn.cli.main import main
from edgevtn.sources import Camera

FRAME = np.zeros((48, 64, 3), np.uint8)
NO_NUMBERS = [
    None,
    "1",
    b"1",
    [],
    {},
    object(),
    True,
    np.bool_(True),
    1j,
    datetime.now(UTC),
    np.zeros(1),
    np.array("x"),
]
NOT_FINITE = [math.nan, math.inf, -math.inf, np.float32("nan"), Decimal("NaN"), Decimal("sNaN"), Decimal("1e400")]
TOO_FAR = [1e308, -1e308, 10**400, -(10**400), 1.8e15, Fraction(10**400, 3), np.float64(1e300)]


@pytest.mark.parametrize("value", [*NO_NUMBERS, *NOT_FINITE, *TOO_FAR], ids=lambda value: type(value).__name__)
def test_a_time_that_is_none_is_refused_and_the_stream_goes_on(recognizer, value):
    recognizer(FRAME, 0.0)
    with pytest.raises(TimestampError, match="timestamp must be finite seconds") as caught:
        recognizer(FRAME, value)
    assert len(str(caught.value)) < 250
    assert [recognizer(FRAME, 0.1 * n) is None for n in range(1, 4)] == [True, True, False]


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float32(2), np.int64(2), Decimal(2), Fraction(2), np.array(2.0), np.array(2)]
)
def test_numbers_of_every_kind_are_times(tiny, value):
    prediction = Recognizer(tiny, threads=1, start="repeat")(FRAME, value)
    assert prediction is not None
    assert prediction.timestamp == 2
    assert type(prediction.timestamp) is float


def test_an_array_that_changes_afterwards_changes_no_prediction(tiny):
    recognizer = Recognizer(tiny, threads=1, start="repeat")
    clock = np.array(1.0)
    prediction = recognizer(FRAME, clock)
    clock[...] = 99
    assert prediction is not None
    assert prediction.timestamp == 1.0
    assert type(prediction.timestamp) is float


@given(st.one_of(st.floats(), st.integers(), st.decimals(), st.fractions(), st.text(), st.none(), st.complex_numbers()))
def test_whatever_is_given_is_a_time_or_an_error_of_ours(value):
    try:
        found = as_timestamp(value)
    except TimestampError:
        return
    assert type(found) is float
    assert abs(found) <= FARTHEST
    assert math.isclose(found, float(value), abs_tol=1e-300)


@pytest.mark.parametrize("threads", [0, -1, 1.5, 1.0, 100_000, 2**40, 2**400, True, "2", np.float64(2), math.nan])
def test_threads_are_few_and_whole(tiny, threads):
    with pytest.raises(ValueError, match=f"threads must be a whole number from 1 to {MOST_THREADS} .one picture"):
        Recognizer(tiny, threads=threads)


def test_threads_of_numpy(tiny):
    assert Recognizer(tiny, threads=np.int64(2)).threads == 2


@pytest.mark.parametrize("value", [math.nan, math.inf, -1, "1", [], 10**400, Decimal("NaN")])
def test_every_number_of_the_interface_is_checked(tiny, tmp_path, value):
    for attempt in (
        lambda: Recognizer(tiny, smoothing=value),
        lambda: Recognizer(tiny, unknown_below=value),
        lambda: EventDetector(enter=value),
        lambda: EventDetector(min_duration=value),
        lambda: EventDetector(cool_down=value),
        lambda: EventDetector(update_every=value),
        lambda: frames(tmp_path, frame_rate=value),
        lambda: Camera(tmp_path, patience=value),
        lambda: Camera(tmp_path, give_up=value),
        lambda: list(watch([], tiny, seconds=value)),
    ):
        with pytest.raises(ValueError, match=r"must be .*, got ") as caught:
            attempt()
        assert len(str(caught.value)) < 250


@pytest.mark.parametrize("model", [5, [], [5], {"a": 1}, 1.5])
def test_a_model_that_is_no_path(model):
    with pytest.raises(ValueError, match=r"model"):
        Recognizer(model)


@pytest.mark.parametrize("pair", [None, 1, (1,), (1, 2, 3), "ab", FRAME])
def test_what_is_no_pair(tiny, pair):
    with pytest.raises(FrameError, match=r"expected \(timestamp, frame\) pairs"):
        list(watch([(0.0, FRAME), pair], tiny))
    with pytest.raises(FrameError, match=r"expected \(timestamp, frame\) pairs"):
        list(Recognizer(tiny, threads=1).stream(iter([pair])))


@pytest.mark.parametrize("value", ["x", None, 10**400, math.nan])
def test_a_source_whose_times_are_none(tiny, value):
    with pytest.raises(TimestampError):
        list(watch([(0.0, FRAME), (value, FRAME)], tiny))


def test_numbers_keep_their_sentence():
    for attempt, sentence in (
        (lambda: number(math.nan, "x", low=0, unit="seconds"), "x must be seconds, 0 or more, got nan"),
        (lambda: number(0, "x", low=0, above=True), "x must be a number above 0, got 0"),
        (lambda: number(2, "x", low=0, high=1), "x must be a number, 0 to 1, got 2"),
        (lambda: number("y", "x"), "x must be a number, got 'y'"),
        (lambda: whole(1.5, "n", 1, 9), "n must be a whole number from 1 to 9, got 1.5"),
        (lambda: number(10**5000, "x"), "x must be a number, got something whose text cannot be had (ValueError)"),
    ):
        with pytest.raises(ValueError, match="must be") as caught:
            attempt()
        assert str(caught.value) == sentence


def test_the_command_checks_them_too(demo_clip):
    assert "seconds must be a number above 0, got nan" in refusal(edgevtn("run", demo_clip, "--seconds", "nan"))


def test_a_long_number_in_a_configuration_is_not_repeated(tmp_path, capsys):
    (tmp_path / "c.toml").write_text(f"json = {'9' * 4000}\n")
    assert main(["run", "--config", str(tmp_path / "c.toml")]) == 1
    assert "expected true or false, got int" in capsys.readouterr().err
