"""Takes from the page: a camera that is lost has no last seconds."""

import pytest
from tiny import moving_frames

from edgevtn.teaching import lessons
from edgevtn.teaching.lessons import STALE, Lessons


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr(lessons.time, "monotonic", lambda: Clock.now)
    return Clock


def show(sink, begin, seconds):
    for n, frame in enumerate(moving_frames(round(10 * seconds))):
        sink.frame(frame, begin + n / 10)


def test_pictures_of_before_a_loss_are_no_take(tmp_path, clock):
    sink = Lessons(tmp_path, lambda model: None)
    show(sink, 0, 4)
    assert sink.mark("wave", 2).exists()
    clock.now += STALE + 1
    with pytest.raises(ValueError, match="has given no picture for 3 seconds; wait until it is back"):
        sink.mark("wave", 2)
    show(sink, 7, 0.5)  # it is back
    with pytest.raises(ValueError, match="no pictures of the last 4 seconds yet"):
        sink.mark("wave", 4)
    show(sink, 7.5, 3)
    assert sink.mark("wave", 3).exists()
    sink.close()
