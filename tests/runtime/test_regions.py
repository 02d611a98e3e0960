"""Regions: each as a camera that shows nothing but the rectangle, by one session."""

import numpy as np
import pytest
from tiny import moving_frames

from edgevtn import EventDetector, Recognizer, watch
from edgevtn.encoder import Encoder
from edgevtn.region import Region

#: In frames of 100 x 80 pixels these are columns 10 to 40 and 50 to 100, rows 20 to 72 and 0 to 40.
DOOR, SHELF = Region("door", 0.1, 0.25, 0.4, 0.9), Region("shelf", 0.5, 0.0, 1.0, 0.5)
CUT = {"door": (slice(20, 72), slice(10, 40)), "shelf": (slice(0, 40), slice(50, 100))}


def shown(count=30):
    return [(n / 10, frame) for n, frame in enumerate(moving_frames(count, 80, 100))]


class Predictions:
    def __init__(self):
        self.got = []

    def prediction(self, prediction):
        self.got.append(prediction)


def eager():
    return EventDetector(enter=0.35, leave=0.34, min_duration=0)


@pytest.fixture
def sessions(monkeypatch):
    """Encoders that were opened."""
    opened, init = [], Encoder.__init__

    def counted(self, *arguments, **options):
        opened.append(self)
        init(self, *arguments, **options)

    monkeypatch.setattr(Encoder, "__init__", counted)
    return opened


@pytest.mark.parametrize("kind", ["rgb", "rgbdiff"])
def test_a_region_is_as_a_camera_of_its_own(make_bundle, sessions, kind):
    changes = {"modality": "rgbdiff"} if kind == "rgbdiff" else {}
    if changes:
        pytest.importorskip("onnx")
        bundle = difference_bundle(make_bundle)
    else:
        bundle = make_bundle()
    told = Predictions()
    recognizer = Recognizer(bundle, threads=1)
    events = list(watch(shown(), recognizer=recognizer, sinks=[told], detector=eager(), regions=[DOOR, SHELF]))
    assert len(sessions) == 1
    every = []
    for name, (rows, columns) in CUT.items():
        pairs = [(time, frame[rows, columns].copy()) for time, frame in shown()]
        alone = Predictions()
        expected = list(watch(pairs, bundle, sinks=[alone], detector=eager()))
        # `watch` averages where it makes the recogniser, so the raw ones are compared.
        raw = list(Recognizer(bundle, threads=1).stream(pairs))
        mine = [prediction for prediction in told.got if prediction.region == name]
        assert [p.timestamp for p in mine] == [p.timestamp for p in raw]
        for a, b in zip(mine, raw, strict=True):
            np.testing.assert_array_equal(a.probabilities, b.probabilities)
        assert {p.region for p in alone.got} == {e.region for e in expected} == {""}
        unsmoothed = list(watch(pairs, recognizer=Recognizer(bundle, threads=1), detector=eager()))
        found = [event for event in events if event.region == name]
        assert [(e.label, e.start, e.end, e.score) for e in found] == [
            (e.label, e.start, e.end, e.score) for e in unsmoothed
        ]
        every += found
    assert sorted(every, key=events.index) == events
    begun = [event.id for event in events if event.end is None]
    assert sorted(begun) == list(range(1, len(begun) + 1))  # no two have the same
    ended = {event.id: event for event in events if event.end is not None}
    assert all((ended[e.id].region, ended[e.id].label) == (e.region, e.label) for e in events)


def difference_bundle(make_bundle):
    from tiny import random_head, tiny_difference, tiny_facts

    from edgevtn.bundle import write_bundle

    facts = tiny_facts(modality="rgbdiff")
    folder = make_bundle().parent / "difference"
    write_bundle(folder, facts, tiny_difference().SerializeToString(), random_head(facts))
    return folder


def test_the_cut_and_its_edges():
    frame = np.arange(80 * 100 * 3, dtype=np.int64).astype(np.uint8).reshape(80, 100, 3)
    for region in (DOOR, SHELF):
        np.testing.assert_array_equal(region.cut(frame), frame[CUT[region.name]])
        assert np.shares_memory(region.cut(frame), frame)
    assert Region("dot", 0.999, 0.999, 1.0, 1.0).cut(frame).shape == (1, 1, 3)  # never empty
    assert Region("all", 0, 0, 1, 1).cut(frame).shape == frame.shape


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0.1,0.2,0.4,0.9", "needs a name"),
        ("door=0.1,0.2,0.4", "expected a region as in door="),
        ("door=a,b,c,d", "expected a region as in door="),
        ("door=0.4,0.2,0.1,0.9", "0 <= x0 < x1 <= 1"),
        ("door=0,0,1,1.5", "got 0,0,1,1.5"),
        ("door=0,0,nan,1", "got 0,0,nan,1"),
    ],
)
def test_a_wrong_region_is_told(text, reason):
    with pytest.raises(ValueError, match=reason):
        Region.parse(text)


def test_a_right_region_and_names_that_collide(tiny):
    assert Region.parse("a=b=0.1,.25,4e-1,0.9") == Region("a=b", 0.1, 0.25, 0.4, 0.9)
    assert Region.parse("rtsp://me:x@host/a=1:door=0,0,1,1") == Region("door", 0, 0, 1, 1, "rtsp://me:x@host/a=1")
    with pytest.raises(ValueError, match="got door twice"):
        list(watch(shown(), tiny, regions=[DOOR, DOOR]))
