"""Streams in pieces of several seconds (HLS): a real one, and pieces that come late, whose times are known."""

import sys

import numpy as np
import pytest

from edgevtn.sources import Camera, paced, replay
from edgevtn.sources.paced import Paced
from edgevtn.sources.replay import Shown

FRAME = np.zeros((4, 4, 3), np.uint8)


class Arriving:
    """A connection of which pictures come at given times by a clock that passes only by waiting."""

    finite = False

    def __init__(self, arrivals):
        self.now, self._arrivals = 100.0, iter(arrivals)

    def monotonic(self):
        return self.now

    def read(self):
        arrived, stamp = next(self._arrivals)
        self.now = max(self.now, 100.0 + arrived)
        return stamp, FRAME


@pytest.fixture
def given(monkeypatch):
    """When each picture is given, of those that arrive as they are told: (time, stamp)."""

    def run(arrivals):
        connection = Arriving(arrivals)
        monkeypatch.setattr(paced.time, "monotonic", connection.monotonic)
        reader, times = Paced(connection, Shown()), []

        def wait(seconds):
            connection.now += max(0.0, seconds)

        monkeypatch.setattr(reader._interrupted, "wait", wait)
        for _ in arrivals:
            reader.read()
            times.append(round(connection.now - 100.0, 6))
        return times

    return run


def test_pieces_are_given_at_the_pace_of_their_stamps(given):
    pieces = [(4.0 * piece, 4.0 * piece + n / 2) for piece in range(3) for n in range(8)]
    assert given(pieces) == [n / 2 for n in range(24)]


def test_a_piece_that_comes_late_delays_what_follows_and_no_more(given):
    pieces = [(0.0, 0.0), (0.0, 0.5), (1.3, 1.0), (1.3, 1.5), (2.0, 2.0), (2.0, 2.5)]
    assert given(pieces) == [0.0, 0.5, 1.3, 1.8, 2.3, 2.8]


@pytest.mark.parametrize("stamp", [50.0, 0.2])
def test_stamps_of_another_recording_begin_the_pace_anew(given, stamp):
    assert given([(0.0, 9.0), (0.0, 9.5), (0.0, stamp), (0.0, stamp + 0.5)]) == [0.0, 0.5, 0.5, 1.0]


def test_pictures_without_stamps_are_not_held_back(given):
    assert given([(0.0, None), (0.1, None), (0.1, None)]) == [0.0, 0.1, 0.1]


def test_closing_does_not_wait_for_the_next_picture():
    class Far(Arriving):
        def interrupt(self):
            pass

    reader = Paced(Far([(0.0, float(n)) for n in range(400)]), Shown())
    reader.interrupt()
    for _ in range(400):  # each would wait for a second, and all for longer than a test may take
        reader.read()


@pytest.mark.parametrize(
    ("before", "after", "passed_over"),
    [
        ("abcd", "bcdef", "bcd"),  # what follows is new
        ("abcd", "cdabcd", "cd"),  # no order in which it was given: another film, which has the same pictures
        ("abcd", "xybcde", "bcd"),  # one that begins earlier than the first did
        ("abab", "ababc", "abab"),
        ("abcd", "efgh", ""),
        ("", "abc", ""),
    ],
)
def test_a_replay_is_what_was_given_in_the_same_order(before, after, passed_over):
    shown = Shown()
    for picture in before:
        shown.add(ord(picture))
    replayed = shown.replay()
    assert "".join(picture for picture in after if replayed(ord(picture))) == passed_over


def test_nothing_is_passed_over_for_long(monkeypatch):
    """A film that is sent in a circle, or more than a slow board reads until the connection counts as lost."""
    now, shown = 50.0, Shown()
    monkeypatch.setattr(replay.time, "monotonic", lambda: now)
    for n in range(100):
        shown.add(n)
    replayed = shown.replay()
    assert all(replayed(n) for n in range(50))
    now += replay.LONGEST + 0.1
    assert not replayed(50)


@pytest.mark.parametrize("way", ["PyAV", "OpenCV"])
def test_a_live_stream_in_pieces_flows(tmp_path, monkeypatch, way):
    """Without pacing, each piece of 10 pictures gives one or a few; here nearly all are seen, and nothing is lost."""
    pytest.importorskip("av")
    from hls import Hls

    if way == "OpenCV":
        monkeypatch.setitem(sys.modules, "av", None)
    with Hls(tmp_path, 1) as stream, Camera(stream.address, wait=True, patience=10) as camera:
        times, greys = [], []
        for timestamp, frame in camera:
            times.append(timestamp)
            greys.append(int(frame[20, 30, 0]))
            if len(times) == 30:
                break
        statistics = camera.statistics
    assert statistics.frames == 30
    assert statistics.dropped <= 20  # on a busy core some are passed over
    assert statistics.reconnects == statistics.bad == 0
    assert np.all(np.diff(times) > 0)
    assert sorted(greys) == greys
    assert (times[-1] - times[0]) * 10 == pytest.approx(greys[-1] - greys[0], abs=5)


@pytest.mark.parametrize("way", ["PyAV", "OpenCV"])
def test_after_a_loss_nothing_is_shown_twice(tmp_path, monkeypatch, way):
    """FFmpeg begins three pieces before the newest, with the first, which was given before.

    The pieces' length makes it take ten seconds: shorter ones go by while the loss is noticed.
    """
    pytest.importorskip("av")
    from hls import Hls

    if way == "OpenCV":
        monkeypatch.setitem(sys.modules, "av", None)
    told, greys, more = [], [], 20
    with Hls(tmp_path, 2) as stream, Camera(stream.address, wait=True, patience=10, notify=told.append) as camera:
        for pair in camera.beats():
            if any("stopped delivering" in sentence for sentence in told):
                stream.away.clear()
            elif len(greys) == 12:
                stream.away.set()
            if pair is not None:
                greys.append(int(pair[1][20, 30, 0]))
                more -= camera.statistics.reconnects > 0
            if not more:
                break
    assert greys == sorted(greys)
    assert greys[-1] > 25  # of the second piece and later ones


def test_a_stream_that_its_sender_ends_is_at_its_end(tmp_path):
    pytest.importorskip("av")
    from hls import Hls

    told = []
    with Hls(tmp_path, 1) as stream, Camera(stream.address, wait=True, notify=told.append) as camera:
        for count, _ in enumerate(camera):
            if count == 5:
                stream.end()
        assert camera.statistics.frames > 5
    assert told  # it was looked for again, and what was found is no live stream any more
