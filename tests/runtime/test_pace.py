"""The rate on a processor that cannot keep up: the policy with a fake clock, and the windows that the head gets."""

import numpy as np
import pytest
from tiny import moving_frames, random_head, tiny_difference, tiny_encoder, tiny_facts

import edgevtn
from edgevtn.bundle import write_bundle
from edgevtn.pace import COOL, FACTORS, HOT, PATIENCE, SPAN, Pace
from edgevtn.sampler import Sampler


class Board:
    """A clock that is moved by hand, and a thermometer."""

    def __init__(self):
        self.now, self.degrees, self.sentences = 0.0, None, []
        self.pace = Pace(self.sentences.append, lambda: self.now, lambda: self.degrees)

    def run(self, seconds, cost):
        """The newest frame of a camera of 25 Hz, again and again; the factors that there were."""
        factors, end, encoded = [], self.now + seconds, -1
        while self.now < end:
            slot = int(self.now / 0.08 + 1e-6)
            self.pace.begin()
            if slot // self.pace.factor > encoded // self.pace.factor or encoded < 0:
                encoded, self.now = slot, self.now + cost
            if self.pace.end():
                factors.append(self.pace.factor)
            self.now = (int(self.now / 0.04 + 1e-6) + 1) * 0.04
        return factors


def test_a_processor_that_keeps_up_is_left_alone():
    board = Board()
    assert board.run(300, cost=0.05) == []
    assert board.sentences == []


def test_one_that_does_not_gets_half_of_the_frames_and_says_so_once():
    board = Board()
    assert board.run(SPAN + 1, cost=0.09) == [2]
    assert board.run(300, cost=0.09) == []  # 56 % of the time at half the rate
    assert len(board.sentences) == 1
    assert "one of 2 frames" in board.sentences[0]
    assert board.run(60, cost=0.25) == [4]
    assert len(board.sentences) == 1


def test_the_rate_rises_again_after_a_while_step_by_step():
    board = Board()
    board.run(60, cost=0.3)
    assert board.pace.factor == 4
    assert board.run((PATIENCE - 1) * SPAN, cost=0.01) == []
    assert board.run(3 * PATIENCE * SPAN, cost=0.01) == [2, 1]


def test_a_rise_that_fails_is_tried_ever_more_rarely():
    """A processor that the higher rate is too much for, though the lower one seems easy."""
    board, changes = Board(), []
    for _ in range(4000):
        cost = 0.1 if board.pace.factor == 1 else 0.02
        changes += [(board.now, factor) for factor in board.run(1, cost)]
    rises = np.array([now for now, factor in changes if factor == 1])
    assert len(rises) >= 4
    assert (np.diff(rises)[:4] > 1.3 * np.roll(np.diff(rises), 1)[:4])[1:].all()
    assert len(rises) < 4000 / (PATIENCE * SPAN) / 10


def test_a_hot_one_is_slowed_down_until_it_is_cool():
    board = Board()
    board.degrees = HOT + 5
    assert board.run(4 * SPAN, cost=0.01) == [2, 4]
    assert "85 C" in board.sentences[0]
    board.degrees = (HOT + COOL) / 2
    assert board.run(20 * SPAN, cost=0.01) == []
    board.degrees = COOL - 5
    assert board.run(3 * PATIENCE * SPAN, cost=0.01) == [2, 1]


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("rate", [12.5, 25, 30])
def test_the_sampler_closes_so_many_slots_at_once(factor, rate):
    sampler = Sampler(12.5)
    sampler.factor = factor
    closed = [(n / rate, count) for n in range(round(20 * rate)) if (count := sampler.slots(n / rate))]
    assert {count for _, count in closed[1:]} == {factor}
    for k, (time, _) in enumerate(closed):
        assert abs(time - k * factor / 12.5) <= 0.5 / rate + 0.001


def test_differences_stay_as_far_apart_as_they_were():
    sampler, older, gaps = Sampler(12.5, difference_interval=0.08), 0.0, []
    sampler.factor = 4
    for n in range(200):
        if sampler.slots(n / 25):
            gaps.append(n / 25 - older)
            older = n / 25
        elif sampler.older:
            older = n / 25
    np.testing.assert_allclose(gaps[2:], 0.08)


def slowed(place, shown, factor):
    """The predictions' probabilities by the number of the frame, of which ten a second are shown."""
    recognizer = edgevtn.Recognizer(place, threads=1, stillness=False)
    recognizer.slow_down(factor)
    found = [recognizer(frame, n / 10) for n, frame in enumerate(shown)]
    return {round(10 * p.timestamp): p.probabilities for p in found if p is not None}


def compare(got, expected, factor, begin, tolerance):
    """From frame `begin` on what was encoded has the same probabilities."""
    assert set(got) <= set(range(0, 41, factor))
    assert len(got) >= 32 // factor
    for n, probabilities in got.items():
        if n >= begin:
            np.testing.assert_allclose(probabilities, expected[n], atol=tolerance)


@pytest.mark.parametrize("kind", ["vtn", "linear"])
@pytest.mark.parametrize("factor", [2, 4])
def test_a_slot_left_out_has_what_the_nearer_frame_shows(tmp_path, kind, factor):
    changes = {"vtn": {"motion": "change", "projection": True},
               "linear": {"kind": "linear", "statistics": ["mean", "spread", "change", "segments"]}}[kind]  # fmt: skip
    facts = tiny_facts(window_len=8, **changes)
    write_bundle(tmp_path / "model", facts, tiny_encoder().SerializeToString(), random_head(facts))
    shown = moving_frames(41)
    nearest = [shown[(n + factor // 2) // factor * factor] for n in range(40)] + shown[40:]
    expected = slowed(tmp_path / "model", nearest, 1)
    compare(slowed(tmp_path / "model", shown, factor), expected, factor, 0, 1e-5)


@pytest.mark.parametrize("factor", [2, 4])
def test_differences_that_do_not_change_give_the_window_of_the_full_rate(tmp_path, factor):
    """Frames of an even fading differ by the same everywhere, whichever of them are encoded."""
    a, b = (frame.astype(float) for frame in moving_frames(2))
    shown = [np.rint(a + (b - a) * n / 40).astype(np.uint8) for n in range(41)]
    facts = tiny_facts(window_len=8, modality="rgbdiff")
    write_bundle(tmp_path / "model", facts, tiny_difference().SerializeToString(), random_head(facts))
    got, expected = slowed(tmp_path / "model", shown, factor), slowed(tmp_path / "model", shown, 1)
    # The first window begins where the first frame was alone.
    compare(got, expected, factor, 8 + factor, 0.02)


def test_a_live_source_that_is_too_fast_is_slowed_down(tiny):
    """The loop's own way: what the pace says is what the recogniser does."""

    class Halved(Pace):
        factor = 2

        def end(self):
            return True

    seen = []

    class Sink:
        def prediction(self, prediction):
            seen.append(round(10 * prediction.timestamp))

    frames = [(n / 10, frame) for n, frame in enumerate(moving_frames(21))]
    list(edgevtn.watch(frames, tiny, sinks=[Sink()], pace=Halved(seen.append)))
    assert seen == list(range(4, 21, 2))
