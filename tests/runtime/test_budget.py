"""A budget of processor time: by which factor the rate is lowered, and what the views do of it."""

import warnings

import numpy as np
import pytest
from cameras import MjpegCamera
from tiny import moving_frames

import edgevtn
from edgevtn import EventDetector, Recognizer
from edgevtn.budget import SPAN, Budget
from edgevtn.pace import Pace
from edgevtn.region import Region
from edgevtn.sources import Camera
from edgevtn.views import Views


class Machine:
    """Clocks of a process that uses `fixed` seconds a second, and `work` more at the model's own rate."""

    def __init__(self, fixed, work):
        self.fixed, self.work, self.now, self.used = fixed, work, 0.0, 0.0

    def run(self, budget, spans):
        factors = []
        for _ in range(spans):
            self.now += SPAN
            self.used += SPAN * (self.fixed + self.work / budget.factor)
            budget.beat()
            factors.append(budget.factor)
        return factors


@pytest.fixture
def cores(monkeypatch):
    monkeypatch.setattr("edgevtn.budget.available_cores", lambda: 4)


def settled(share, fixed, work, spans=10):
    machine = Machine(fixed, work)
    budget = Budget(share, 32, lambda: machine.now, lambda: machine.used)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        factors = machine.run(budget, spans)
    return factors, [str(entry.message) for entry in caught]


@pytest.mark.parametrize(
    ("share", "fixed", "work", "factor"),
    [
        (0.5, 0.2, 1.7, 1),  # two cores of four are enough
        (0.5, 0.2, 2.0, 2),
        (0.25, 0.2, 3.8, 5),  # 0.2 + 3.8 / 5 = 0.96 of one core
        (0.25, 1.5, 0.5, 8),  # what cannot be kept: the most there is
    ],
)
def test_the_smallest_factor_that_keeps_to_it(cores, share, fixed, work, factor):
    factors, warned = settled(share, fixed, work)
    assert factors[-3:] == [factor] * 3
    assert len(warned) == (factor > 1)
    if warned:
        assert f"the budget is {share:.0%}" in warned[0]
        assert "of 4 cores are used" in warned[0]


def test_it_is_eased_again(cores):
    machine = Machine(0.1, 6.0)
    budget = Budget(0.5, 32, lambda: machine.now, lambda: machine.used)
    with pytest.warns(RuntimeWarning, match="one of 4 frames"):
        assert machine.run(budget, 3)[-1] == 4
    machine.work = 1.0  # cameras went
    assert machine.run(budget, 5) == [3, 2, 1, 1, 1]


def test_no_share():
    for share in (0, -1, 1.5, float("nan")):
        with pytest.raises(ValueError, match="above 0 and up to 1"):
            Budget(share)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_all_views_look_at_one_of_so_many_frames(tiny, factor):
    """10 Hz is the model's own rate, 20 the source's; its clock trembles."""
    rng = np.random.default_rng(0)
    times = [n / 20 + rng.uniform(-0.004, 0.004) for n in range(240)]
    frames = moving_frames(240)
    regions = [Region("a", 0, 0, 1, 1), Region("b", 0, 0, 1, 1)]
    views = Views(["x", "y"], regions, Recognizer(tiny, threads=1), EventDetector())
    views.slow_down(factor)
    got = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the sampler's, that the source is slow
        for time, frame in zip(times, frames, strict=True):
            for source in ("x", "y"):
                for prediction in views.predictions(source, frame, time):
                    got.setdefault((source, prediction.region), []).append(prediction.timestamp)
    assert len(got) == 4
    assert len({tuple(moments) for moments in got.values()}) == 1  # all alike
    (moments, *_) = got.values()
    assert np.diff(moments).mean() == pytest.approx(factor / 10, rel=0.03)


@pytest.mark.parametrize(("window_len", "factor"), [(16, 4), (7, 1), (4, 1), (1, 1)])
def test_a_window_keeps_four_frames(cores, window_len, factor):
    machine = Machine(4.0, 0.0)
    budget = Budget(0.1, window_len, lambda: machine.now, lambda: machine.used)
    with pytest.warns(RuntimeWarning, match="one of 4 frames" if factor > 1 else "window is too short"):
        assert machine.run(budget, 2)[-1] == factor


def test_a_live_source_is_slowed_and_that_is_said_once(make_bundle, monkeypatch):
    tiny = make_bundle(window_len=16)
    monkeypatch.setattr("edgevtn.budget.SPAN", 0.5)

    class Recorder:
        def __init__(self, most):
            self.got, self.most = [], most

        def prediction(self, prediction):
            self.got.append(prediction.timestamp)
            if len(self.got) == self.most:
                raise edgevtn.sinks.StopWatching

    live = Recorder(14)
    with MjpegCamera() as server, Camera(server.address) as camera, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(edgevtn.watch(camera, tiny, sinks=[live], pace=Pace(print, budget=Budget(1e-6, 16))))
    assert len([entry for entry in caught if "the budget is 0%" in str(entry.message)]) == 1
    assert np.diff(live.got[-4:]).mean() == pytest.approx(0.4, abs=0.1)  # a quarter of 10 Hz


def test_the_command_has_it(tiny, demo_clip, capsys):
    from edgevtn.cli.main import main

    line = ["run", str(demo_clip), "--model", str(tiny), "--seconds", "1"]
    assert main([*line, "--cpu-budget", "0.5"]) == 0
    assert main([*line, "--cpu-budget", "2"]) == 1
    assert "a budget must be a share of all cores" in capsys.readouterr().err
