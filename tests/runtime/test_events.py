"""Hysteresis, minimum duration, boundaries."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevtn import EventDetector, Prediction
from edgevtn.defaults import SETTLED
from edgevtn.smoothing import Smoothing

LABELS = ("a", "b", "c")


def prediction(probabilities, timestamp, window_start, model="m", still=False):
    values = np.array(probabilities, np.float32)
    return Prediction(model, "", 0.0, values, timestamp, window_start, LABELS, reused=still)


def detect(series, interval=0.1, window=0.0, still=(), **options):
    """Ended events of a series of probabilities of "a" (or of tuples for all three); each has begun before."""
    detector, events = EventDetector(**options), []
    for n, value in enumerate(series):
        values = value if isinstance(value, tuple) else (value, (1 - value) / 2, (1 - value) / 2)
        probabilities = np.array(values, np.float32)
        rests = n < len(still) and still[n]
        events += detector.update(prediction(probabilities, n * interval, n * interval - window, still=rests))
    events += detector.finish()
    begun, ended = [e for e in events if e.end is None], [e for e in events if e.end is not None]
    assert [(event.id, event.label, event.start) for event in begun] == [
        (event.id, event.label, event.start) for event in ended
    ]
    return ended


def test_an_event_from_enter_to_leave():
    (event,) = detect([0.3, 0.5, 0.7, 0.9, 0.5, 0.45, 0.38, 0.9 - 0.6], enter=0.6, leave=0.4, min_duration=0)
    assert (event.label, event.start, event.end) == ("a", pytest.approx(0.2), pytest.approx(0.6))
    assert event.score == pytest.approx(np.mean([0.7, 0.9, 0.5, 0.45]), abs=1e-6)


def test_wavering_between_leave_and_enter_is_one_event():
    assert len(detect([0.7, 0.5, 0.65, 0.45, 0.62, 0.41, 0.7])) == 1


def test_another_label_that_enters_ends_the_event():
    first, second = detect([(0.8, 0.1, 0.1)] * 6 + [(0.1, 0.8, 0.1)] * 6)
    assert (first.label, second.label) == ("a", "b")
    assert first.end == second.start == pytest.approx(0.6)
    assert second.end == pytest.approx(1.1)


def test_short_events_are_dropped():
    assert detect([0.2, 0.9, 0.9, 0.2, 0.2], min_duration=0.5) == []
    assert len(detect([0.2, *[0.9] * 6, 0.2], min_duration=0.5)) == 1


def test_unknown_stretches_are_no_events():
    assert detect([0.34] * 30) == []


def test_boundaries_lie_in_the_middle_of_a_window_but_for_the_first():
    first, second = detect([(0.8, 0.1, 0.1)] * 10 + [(0.1, 0.8, 0.1)] * 10, window=0.4)
    assert first.start == pytest.approx(-0.4)
    assert first.end == second.start == pytest.approx(0.8)


def test_reset_forgets():
    detector = EventDetector(min_duration=0)
    (begun,) = detector.update(prediction([0.9, 0.1, 0.0], 5.0, 5.0))
    assert (begun.label, begun.start, begun.end) == ("a", 5.0, None)
    detector.reset()
    assert detector.finish() == []


def test_a_beginning_is_told_when_the_event_has_lasted_long_enough():
    detector, told = EventDetector(min_duration=0.3), []
    for n in range(8):
        told += [(n, event.id, event.end) for event in detector.update(prediction([0.9, 0.1, 0.0], n / 10, n / 10))]
    assert told == [(3, 1, None)]
    (ended,) = detector.update(prediction([0.1, 0.1, 0.1], 0.8, 0.8))
    assert (ended.id, ended.start, ended.end) == (1, 0.0, 0.8)


def test_every_model_has_events_of_its_own():
    detector = EventDetector(min_duration=0)
    first = detector.update(prediction([0.9, 0.1, 0.0], 0.0, 0.0, "first"))
    second = detector.update(prediction([0.0, 0.9, 0.1], 0.0, 0.0, "second"))
    assert [(event.model, event.label) for event in first + second] == [("first", "a"), ("second", "b")]
    ended = detector.finish()
    assert [(event.model, event.label) for event in ended] == [("first", "a"), ("second", "b")]
    assert {event.id for event in ended} == {event.id for event in first + second} == {1, 2}


@pytest.mark.parametrize("bad", [{"enter": 0.3, "leave": 0.5}, {"leave": 0}, {"enter": 1.2}, {"min_duration": -1}])
def test_bad_thresholds(bad):
    with pytest.raises(ValueError, match="expected|min_duration|enter must be"):
        EventDetector(**bad)


@given(
    st.lists(st.tuples(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), st.booleans()), max_size=60),
    st.sampled_from([0.0, 0.5, 1.2]),
)
def test_events_are_in_order_and_do_not_overlap(series, window):
    probabilities, still = [tuple(np.array(row) / sum(row)) for row, _ in series], [flag for _, flag in series]
    events = detect(probabilities, window=window, still=still, min_duration=0.2)
    for event in events:
        assert event.end - event.start >= 0.2 - 1e-6
        assert 0 < event.score <= 1
    for before, after in itertools.pairwise(events):
        assert before.end <= after.start


def test_nothing_ends_an_event_and_is_none():
    detector, events = EventDetector(min_duration=0), []
    for n, values in enumerate([(0.9, 0.1), (0.9, 0.1), (0.2, 0.8), (0.2, 0.8), (0.9, 0.1)]):
        probabilities = np.array(values, np.float32)
        events += detector.update(Prediction("m", "", 0.0, probabilities, n / 10, n / 10, ("a", "nothing")))
    events += detector.finish()
    assert [(event.label, event.start, event.end) for event in events] == [
        ("a", 0.0, None), ("a", 0.0, 0.2), ("a", 0.4, None), ("a", 0.4, 0.4),
    ]  # fmt: skip


def test_updates_tell_that_an_event_goes_on():
    detector, told = EventDetector(min_duration=0.2, update_every=0.3), []
    for n in range(10):
        told += detector.update(prediction([0.9, 0.1, 0.0], n / 10, n / 10))
    told += detector.finish()
    assert [(event.kind, event.id, event.updated, event.end) for event in told] == [
        ("begin", 1, None, None), ("update", 1, pytest.approx(0.5), None), ("update", 1, pytest.approx(0.8), None),
        ("end", 1, None, pytest.approx(0.9)),
    ]  # fmt: skip
    assert all(event.start == 0.0 for event in told)


def test_a_label_cools_down():
    once = [0.9] * 3 + [0.2] * 3
    assert len(detect(once * 3, min_duration=0)) == 3
    events = detect(once * 3, min_duration=0, cool_down=0.7)  # ends at 0.3; the second would begin at 0.6
    assert [(event.start, event.end) for event in events] == [
        (pytest.approx(0.0), pytest.approx(0.3)), (pytest.approx(1.2), pytest.approx(1.5)),
    ]  # fmt: skip
    # What still goes on when the time is over begins then.
    (_, second) = detect([*once, *[0.9] * 9], min_duration=0, cool_down=0.5)
    assert second.start == pytest.approx(0.8)
    # Another label is not held up.
    assert len(detect([(0.9, 0.1, 0.0)] * 3 + [(0.1, 0.9, 0.0)] * 3, min_duration=0, cool_down=9)) == 2


def test_labels_have_settings_of_their_own():
    series = [(0.3, 0.4, 0.3)] * 4 + [(0.1, 0.8, 0.1)] * 3 + [(0.5, 0.25, 0.25)] * 3
    assert [event.label for event in detect(series, min_duration=0.4)] == []
    (event,) = detect(series, min_duration=0.4, labels={"b": {"enter": 0.4, "leave": 0.3, "min_duration": 0}})
    assert (event.label, event.start, event.end) == ("b", 0.0, pytest.approx(0.7))
    # The most probable of those that reach what they need: "a" with 0.5 begins though "b" reaches its 0.25.
    labels = {"a": {"enter": 0.5}, "b": {"enter": 0.25, "leave": 0.2}}
    assert [event.label for event in detect(series, min_duration=0, labels=labels)] == ["b", "a"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"cool_down": -1}, "cool_down"),
        ({"update_every": 0}, "update_every"),
        ({"labels": {"a": {"enter": 0.1}}}, "label 'a': expected 0 < leave <= enter"),
        ({"labels": {"a": {"cooldown": 1}}}, "got 'cooldown'"),
    ],
)
def test_wrong_settings(bad, reason):
    with pytest.raises(ValueError, match=reason):
        EventDetector(**bad)


def test_settings_of_a_label_that_no_model_has(tiny):
    import edgevtn

    detector = EventDetector(labels={"fal": {"enter": 0.5}})
    with pytest.raises(ValueError, match="'fal' has settings of its own; expected one of"):
        list(edgevtn.watch([(0.0, np.zeros((48, 64, 3), np.uint8))], tiny, detector=detector))


def test_an_event_starts_where_its_label_rose_to_leave():
    (event,) = detect([0.1, 0.1, 0.35, 0.45, 0.7, 0.9, 0.2], window=0.4, min_duration=0, enter=0.6, leave=0.3)
    assert (event.start, event.end) == (pytest.approx(0.0), pytest.approx(0.4))  # the middles of windows 2 and 6
    # Not before the window that reached `enter`.
    (event,) = detect([0.1, *[0.45] * 9, 0.7, 0.2], window=0.4, min_duration=0, enter=0.6, leave=0.3)
    assert event.start == pytest.approx(0.6)


def test_starts_and_ends_are_where_they_were_before_smoothing():
    plain, smooth = Smoothing(0.0), Smoothing(0.3)
    for smoothing in (plain, smooth):
        detector, events = EventDetector(0.5, 0.5, 0.0), []
        for n in range(300):
            values = np.array([0.98, 0.01, 0.01] if 100 <= n < 200 else [0.02, 0.49, 0.49], np.float32)
            found = smoothing(values, n / 50)
            events += detector.update(Prediction("m", "", 0.0, found, n / 50, n / 50 - 1, LABELS, smoothing.delay))
        ended = [event for event in events if event.end is not None and event.label == "a"]
        assert [(event.start, event.end) for event in ended] == [
            (pytest.approx(1.5, abs=0.05), pytest.approx(3.5, abs=0.05))
        ]


def moving(*spans, seconds=10.0):
    """Whether each frame, ten a second, is like the one before; between the spans, seconds, nothing moves."""
    return [not any(start < n / 10 <= end + 1e-9 for start, end in spans) for n in range(round(10 * seconds))]


def seen(spans, bias=0.5, window=1.0, seconds=10.0):
    """Probabilities of "a" where a share of `bias` of the window is enough to be as probable as not."""
    times = np.arange(round(10 * seconds)) / 10
    shares = sum(np.clip(np.minimum(times, end) - np.maximum(times - window, start), 0, window) for start, end in spans)
    return list(1 / (1 + np.exp(-20 * (shares / window - bias))))


@pytest.mark.parametrize("bias", [0.25, 0.5, 0.75])
def test_an_event_is_where_the_picture_moved(bias):
    """Whatever share of the window a model needs to recognise an action, or to see that it is over."""
    (event,) = detect(seen([(3, 6)], bias), window=1.0, still=moving((3, 6)))
    assert (event.label, event.start, event.end) == ("a", pytest.approx(3.0), pytest.approx(6.0))
    (other,) = detect(seen([(3, 6)], bias), window=1.0)  # nothing is known of rests
    assert (other.start, other.end) == (pytest.approx(2.5 + bias, abs=0.15), pytest.approx(6.5 - bias, abs=0.15))


def test_rests_far_from_an_event_do_not_move_it():
    (event,) = detect(seen([(4, 6)]), window=1.0, still=moving((1, 9)))
    assert (event.start, event.end) == (pytest.approx(4.0, abs=0.15), pytest.approx(6.0, abs=0.15))


def test_a_rest_too_short_to_be_one_begins_nothing():
    still = moving((1, 3.4), (3.6, 9))
    (event,) = detect(seen([(4, 6)]), window=1.0, still=still)
    assert event.start == pytest.approx(4.0, abs=0.15)


def test_what_begins_from_rest_belongs_to_the_label_that_settles():
    """A window that half shows what stood still may be taken for another action."""
    rows = [(0.1, 0.1, 0.8)] * 30 + [(0.2, 0.7, 0.1)] * 5 + [(0.9, 0.05, 0.05)] * 25 + [(0.1, 0.1, 0.8)] * 40
    labels = {"c": {"enter": 1.0}}
    (event,) = detect(rows, window=1.0, still=moving((2.5, 5.5)), labels=labels)
    assert (event.label, event.start, event.end) == ("a", pytest.approx(2.5), pytest.approx(5.5))
    both = detect(rows, window=1.0, labels=labels)  # without a rest each is an event of its own
    assert [event.label for event in both] == ["b", "a"]
    assert both[0].end == both[1].start == pytest.approx(3.0)


@pytest.mark.parametrize(("shortest", "settled"), [(0.25, SETTLED), (0.5, SETTLED), (0.9, 0.9), (0.1, 0.24), (0, 0)])
def test_from_rest_an_event_is_told_when_it_has_settled(shortest, settled):
    detector, told = EventDetector(labels={"a": {"min_duration": shortest}}), []
    for n, (value, still) in enumerate(zip(seen([(3, 6)]), moving((3, 6)), strict=True)):
        now = n / 10
        told += [now for e in detector.update(prediction((value, 1 - value, 0), now, now - 1, still=still)) if not e.end
                 and e.label == "a"]  # fmt: skip
    first = np.ceil((3.0 + 0.5 + settled) * 10 - 1e-6) / 10  # half a window later, with the next prediction
    assert told == [pytest.approx(first)]


def test_an_action_that_fades_for_less_than_a_window_goes_on():
    series = [0.1] * 10 + [0.9] * 20 + [0.2] * 4 + [0.9] * 20 + [0.1] * 20
    (event,) = detect(series, window=1.0)
    assert (event.start, event.end) == (pytest.approx(0.5), pytest.approx(4.9))
    assert len(detect([0.1] * 10 + [0.9] * 20 + [0.2] * 6 + [0.9] * 20 + [0.1] * 20, window=1.0)) == 2


def test_an_end_is_told_a_window_later_at_most():
    detector, told = EventDetector(), []
    for n, value in enumerate([0.1] * 10 + [0.9] * 20 + [0.1] * 20):
        now = n / 10
        events = detector.update(prediction((value, (1 - value) / 2, (1 - value) / 2), now, now - 1))
        told += [(now, event.end) for event in events if event.end is not None]
    assert told == [(pytest.approx(3.5), pytest.approx(2.5))]


def test_a_rest_that_is_over_does_not_end_what_goes_on_to_the_last_frame():
    series = [0.1] * 10 + [0.9] * 30
    over = [n in (20, 21, 22, 31) for n in range(40)]
    lasting = [n >= 36 for n in range(40)]
    assert detect(series, window=1.0, still=over)[0].end == pytest.approx(3.9)
    assert detect(series, window=1.0, still=lasting)[0].end == pytest.approx(3.5)


def test_what_takes_over_a_start_from_rest_has_cooled_down_by_then():
    """The movement begins 0.5 s after the last "a", and is taken for "b" before it is "a" again."""
    rows = [(0.9, 0.05, 0.05)] * 30 + [(0.1, 0.1, 0.8)] * 3 + [(0.1, 0.8, 0.1)] * 4 + [(0.9, 0.05, 0.05)] * 31
    labels = {"c": {"enter": 1.0}, "a": {"cool_down": 1.0}}
    first, second = detect(rows, window=1.0, still=moving((0, 2.2), (2.7, 6.9), seconds=7), labels=labels)
    assert (first.label, second.label) == ("a", "a")
    assert second.start - first.end >= 1.0 - 1e-6
