"""The one loop: what sinks are told, in which order, and that everything is closed whatever happens."""

import numpy as np
import pytest
from tiny import moving_frames

import edgevtn
from edgevtn import EventDetector, Recognizer, watch
from edgevtn.errors import SourceError
from edgevtn.sinks import Sink, StopWatching, as_sink


class Recorder:
    """Knows all that it was told."""

    def __init__(self, stop_after=None):
        self.told, self.stop_after = [], stop_after

    def frame(self, frame, timestamp):
        self.told.append(("frame", timestamp))
        if timestamp == self.stop_after:
            raise StopWatching

    def prediction(self, prediction):
        self.told.append(("prediction", prediction.timestamp))

    def event(self, event):
        self.told.append(("begin" if event.end is None else "end", event.id))

    def close(self):
        self.told.append(("close", None))


def shown(count=20, rate=10):
    return [(n / rate, frame) for n, frame in enumerate(moving_frames(count))]


def eager():
    """A detector to which every best label is an event at once."""
    return EventDetector(enter=0.35, leave=0.34, min_duration=0)


def test_sinks_are_told_in_order(tiny):
    recorder = Recorder()
    events = list(watch(shown(), tiny, sinks=[recorder], detector=eager()))
    told = recorder.told
    assert [time for what, time in told if what == "frame"] == [time for time, _ in shown()]
    assert [time for what, time in told if what == "prediction"] == [n / 10 for n in range(3, 20)]
    assert [(what, n) for what, n in told if what in ("begin", "end")] == [
        ("begin" if event.end is None else "end", event.id) for event in events
    ]
    assert told[-1] == ("close", None)
    assert told.count(("close", None)) == 1
    # A frame's predictions and events come before the frame itself.
    first = told.index(("prediction", 0.3))
    assert told[first + 1 :].index(("frame", 0.3)) <= 2


def test_every_event_begins_and_ends(tiny):
    events = list(watch(shown(40), tiny, detector=eager()))
    begun = [event for event in events if event.end is None]
    ended = [event for event in events if event.end is not None]
    assert begun
    assert [event.id for event in begun] == [event.id for event in ended] == list(range(1, len(begun) + 1))
    for a, b in zip(begun, ended, strict=True):
        assert (a.model, a.label, a.start) == (b.model, b.label, b.start)
        assert events.index(a) < events.index(b)


def test_a_function_gets_events_and_an_object_needs_few_methods(tiny):
    events, predictions = [], []

    class Half:
        def prediction(self, prediction):
            predictions.append(prediction)

    got = list(watch(shown(), tiny, sinks=[events.append, Half()], detector=eager()))
    assert events == got
    assert len(predictions) == 17
    with pytest.raises(TypeError, match="expected a sink"):
        as_sink(3)
    assert as_sink(own := Sink()) is own


def test_a_sink_can_stop_it(tiny):
    recorder, other = Recorder(stop_after=0.9), Recorder()
    events = list(watch(shown(), tiny, sinks=[recorder, other], detector=eager()))
    assert ("frame", 1.0) not in recorder.told
    assert recorder.told[-1] == other.told[-1] == ("close", None)
    assert events[-1].end == pytest.approx(0.9)  # what was going on when it was stopped has happened


@pytest.mark.parametrize("how", ["source fails", "sink fails", "consumer leaves"])
def test_everything_is_closed_whatever_happens(tiny, how):
    closed = []

    class Camera(edgevtn.Source):
        def __iter__(self):
            yield from shown(10)
            if how == "source fails":
                raise SourceError("unplugged")

        def close(self):
            closed.append("source")

    class Fragile(Recorder):
        def prediction(self, prediction):
            super().prediction(prediction)
            if how == "sink fails":
                raise ValueError("disk full")

    first, second = Recorder(), Fragile()
    with Camera() as camera:
        watching = watch(camera, tiny, sinks=[first, second], detector=eager())
        if how == "consumer leaves":
            next(watching)
            watching.close()
        else:
            with pytest.raises((SourceError, ValueError), match="unplugged|disk full"):
                list(watching)
        assert closed == []  # who opened it closes it
        assert first.told[-1] == second.told[-1] == ("close", None)
        begun = [n for what, n in first.told if what == "begin"]
        assert [n for what, n in first.told if what == "end"] == begun
    assert closed == ["source"]


def test_a_source_that_is_named_is_closed_here(tiny, demo_clip, monkeypatch):
    closed = []
    close = edgevtn.sources.file.VideoFile.close
    monkeypatch.setattr(edgevtn.sources.file.VideoFile, "close", lambda self: (closed.append(1), close(self))[1])
    list(watch(demo_clip, tiny, seconds=0.5))
    assert closed == [1]


def test_seconds_and_several_models(tiny, make_bundle):
    other = make_bundle("other", name="other", window_len=2)
    recorder = Recorder()
    events = list(watch(shown(30), [tiny, other], sinks=[recorder], detector=eager(), seconds=2.0))
    assert max(time for what, time in recorder.told if what == "frame") == 1.9
    assert {event.model for event in events} == {"tiny", "other"}


def test_a_recogniser_of_ones_own(tiny):
    recognizer = Recognizer(tiny, threads=1, start="repeat")
    for _ in range(2):  # it is reset: time begins anew
        recorder = Recorder()
        list(watch(shown(), recognizer=recognizer, sinks=[recorder]))
        assert [time for what, time in recorder.told if what == "prediction"] == [n / 10 for n in range(20)]
    with pytest.raises(ValueError, match="got both"):
        list(watch(shown(), tiny, recognizer=recognizer))


def test_a_wrong_source_is_told_before_the_model_loads():
    with pytest.raises(SourceError, match="does not exist"):
        list(watch("nothing.mp4", "no model either"))


def test_frames_of_a_generator(tiny):
    def camera():
        for n in range(10):
            yield n / 10, np.full((48, 64, 3), 20 * n, np.uint8)

    with edgevtn.frames(camera()) as source:
        assert len(list(source)) == 10
    assert list(watch(camera(), tiny, detector=eager()))
