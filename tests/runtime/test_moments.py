"""Which frames of a window spoke for a label, and a recogniser that takes the place of another."""

import numpy as np
import pytest
from tiny import moving_frames

from edgevtn import EventDetector, Recognizer, watch
from edgevtn.heads.shares import STATISTICS


class Recorder:
    def __init__(self, wants=False):
        self.got, self.wants_moments = [], wants

    def prediction(self, prediction):
        self.got.append(prediction)


def shown(count=20, seed=0):
    return [(n / 10, frame) for n, frame in enumerate(moving_frames(count, seed=seed))]


@pytest.fixture
def linear(make_bundle):
    return make_bundle("linear", kind="linear", window_len=6, statistics=list(STATISTICS))


def test_moments_add_up_to_the_difference_of_two_logits(linear):
    recognizer = Recognizer(linear, threads=1)
    runner, seen = recognizer._runners[0], 0
    for timestamp, frame in shown():
        for prediction in recognizer.predictions(frame, timestamp):
            best, second = np.argsort(-prediction.probabilities)[:2]
            logits = runner.logits() - runner.heads[0]._b
            moments = recognizer.moments(prediction)
            assert moments.shape == (6,)
            assert moments.sum() == pytest.approx(logits[best] - logits[second], rel=1e-3, abs=1e-4)
            seen += 1
    assert seen == 15


def test_only_who_wants_them_has_them_and_only_a_linear_head_can_tell(linear, tiny):
    for bundle, wants, told in ((linear, True, True), (linear, False, False), (tiny, True, False)):
        recorder = Recorder(wants)
        list(watch(shown(), bundle, sinks=[recorder]))
        assert recorder.got
        assert {prediction.moments is not None for prediction in recorder.got} == {told}


def test_another_recogniser_takes_over_between_frames(linear, tiny):
    """It begins with an empty window, as if it had been there from that frame on; events end, ids go on."""
    other = Recognizer(linear, threads=1)
    offered, recorder = [], Recorder()

    def successor():
        offered.append(None)
        return other if len(offered) == 12 else None

    def eager():
        return EventDetector(enter=0.35, leave=0.34, min_duration=0)

    events = list(
        watch(
            shown(40), recognizer=Recognizer(tiny, threads=1), sinks=[recorder], detector=eager(), successor=successor
        )
    )
    assert len(offered) == 40
    first = list(Recognizer(tiny, threads=1).stream(shown(40)[:11]))
    then = list(Recognizer(linear, threads=1).stream(shown(40)[11:]))
    assert [(p.model, p.timestamp) for p in recorder.got] == [(p.model, p.timestamp) for p in first + then]
    for a, b in zip(recorder.got, first + then, strict=True):
        np.testing.assert_array_equal(a.probabilities, b.probabilities)
    assert {event.model for event in events} == {"tiny"} or len({event.model for event in events}) == 1
    begun = [event.id for event in events if event.kind == "begin"]
    ended = [event.id for event in events if event.kind == "end"]
    assert sorted(begun) == sorted(ended) == list(range(1, len(begun) + 1))
