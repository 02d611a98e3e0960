"""A label cools down also while its camera is lost."""

import numpy as np
import pytest

from edgevtn import EventDetector, Prediction


def fall(detector, begin, end, label="fall"):
    """Ids of the events of which a detector tells that they begin, with the label all the time."""
    times = np.arange(begin, end, 0.1)
    shown = [1.0, 0.0] if label == "fall" else [0.0, 1.0]
    seen = [Prediction("m", "", 1.0, np.array(shown, np.float32), t, t, ("fall", "walk")) for t in times]
    return [event.id for prediction in seen for event in detector.update(prediction) if event.end is None]


@pytest.mark.parametrize(("again", "events"), [(50.0, []), (101.5, [2]), (0.0, [2])])
def test_after_a_loss(again, events):
    """0: another recording, whose time begins anew."""
    detector = EventDetector(min_duration=0, cool_down=100)
    assert fall(detector, 0.5, 1.0) == [1]
    (ended,) = detector.finish()
    assert ended.end == pytest.approx(0.9)
    assert fall(detector, again, again + 0.3) == events
    assert detector.finish() or not events


def test_another_label_and_a_detector_that_is_reset():
    detector = EventDetector(min_duration=0, cool_down=100)
    fall(detector, 0.5, 1.0)
    detector.finish()
    assert fall(detector, 10, 11, "walk") == [2]
    detector.reset()
    assert fall(detector, 20, 21) == [3]
