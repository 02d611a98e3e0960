"""The page where there are several sources, one after the other or at once, and where their names are no UTF-8."""

import gc
import os
import time
import weakref
from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import quote

import numpy as np
import pytest
from visitor import Viewer, get, prediction, state, until

from edgevtn import Event
from edgevtn.region import Scene
from edgevtn.sinks import Origin
from edgevtn.sources import live

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from edgevtn.sinks.page.board import Board
from edgevtn.sinks.page.metrics import metrics
from edgevtn.sinks.page.pictures import Pictures
from edgevtn.sinks.page.sink import Page

ODD = os.fsdecode(b"demo-\xff.mp4")
PLAIN = r"demo-\udcff.mp4"


def picture(shade=120):
    return np.full((90, 160, 3), shade, np.uint8)


@pytest.fixture
def page():
    page = Page("127.0.0.1:0", Origin("hall"))
    yield page
    page.close()


def of(source, *lines):
    """Lines of metrics as they are for one of several sources, and for a single one."""
    mark = f'source="{source}",'
    return {
        line.replace("{", "{" + mark, 1) if "{" in line else line.replace(" ", f"{{{mark[:-1]}}} ") for line in lines
    }


def samples(board):
    return {line for line in metrics(board, Pictures()).splitlines() if not line.startswith("#")}


def told(board, source, frames):
    for _ in range(frames):
        board.frame(source)
        board.prediction(replace(prediction([0.4, 0.6]), source=source, reused=True))
    board.event(Event(frames, "m", "wave", 0, None, 0.9, source=source))


def lines(frames):
    return (
        f"edgevtn_frames_total {frames}",
        f'edgevtn_predictions_total{{model="m"}} {frames}',
        f'edgevtn_predictions_reused_total{{model="m"}} {frames}',
        'edgevtn_events_total{model="m",label="wave"} 1',
        f'edgevtn_latency_seconds_bucket{{le="+Inf"}} {frames}',
        f"edgevtn_latency_seconds_count {frames}",
    )


def clock(timestamp, source=""):
    return time.time() - 0.2


def test_metrics_of_several_cameras_are_told_by_name():
    each = {name: live.Statistics() for name in ("yard", "hall", "roof")}
    board = Board(Origin("", SimpleNamespace(each=each, wall_clock=clock)))
    told(board, "yard", 3)
    told(board, "hall", 2)
    found = samples(board)
    assert of("yard", *lines(3)) | of("hall", *lines(2)) | of("roof", "edgevtn_frames_total 0") <= found
    for name in ("edgevtn_latency_seconds_sum", "edgevtn_last_frame_timestamp_seconds"):
        named = [line for line in found if line.startswith(name)]
        assert {line.partition(" ")[0] for line in named} == {f'{name}{{source="{n}"}}' for n in ("yard", "hall")}
    text = metrics(board, Pictures())
    assert text.count("# TYPE edgevtn_frames_total ") == text.count("# TYPE edgevtn_latency_seconds ") == 1


@pytest.mark.parametrize("source", ["", "a file"])
def test_metrics_of_a_single_source_have_no_name(source):
    board = Board(Origin("hall", SimpleNamespace(wall_clock=clock)))
    told(board, source, 3)
    found = samples(board)
    assert set(lines(3)) <= found
    assert {line.partition(" ")[0] for line in found if "last_frame" in line} == {
        "edgevtn_last_frame_timestamp_seconds"
    }
    board.ended(source)  # a counter never falls
    assert set(lines(3)) <= samples(board)


def test_nothing_is_kept_of_a_source_that_has_ended(page):
    frames, kept = [], []
    for n in range(3):
        frames.append(picture())
        kept.append(weakref.ref(frames[-1]))
        page.frame(frames.pop(), 0, Scene(f"{n}.mp4"))
        page.prediction(replace(prediction([0.4, 0.6]), source=f"{n}.mp4"))
        page.event(Event(n + 1, "m", "wave", 0, None, 0.9, source=f"{n}.mp4"))
        assert page.pictures.jpeg(f"{n}.mp4")[1]
    page.ended("0.mp4")
    page.ended("1.mp4")
    page.ended("none")
    gc.collect()
    assert [reference() is None for reference in kept] == [True, True, False]
    told = state(page.url)
    assert told["sources"] == [model["source"] for model in told["models"]] == ["2.mp4"]
    assert len(told["events"]) == 3
    assert page.pictures.jpeg("0.mp4") == (0, b"")
    assert page.pictures.jpeg()[1]
    assert b"edgevtn_info" in get(f"{page.url}metrics")[2]


def test_who_looks_sees_the_next_file_when_one_has_ended(page):
    page.frame(picture(50), 0, Scene("1.mp4"))
    viewer, chosen = Viewer(page.url), Viewer(page.url, "?source=1.mp4")
    first = viewer.jpeg()
    assert chosen.jpeg() == first
    page.ended("1.mp4")
    page.frame(picture(200), 0, Scene("2.mp4"))
    second = viewer.jpeg()
    assert second not in (first, b"")
    page.frame(picture(90), 0, Scene("1.mp4"))  # the name is there again
    assert chosen.jpeg() not in (first, second, b"")
    viewer.leave()
    chosen.leave()


def test_a_picture_that_is_made_while_its_source_ends_is_not_kept(monkeypatch):
    pictures = Pictures()
    pictures.show(picture(), Scene("1.mp4"))

    def ending(frame, scene):
        pictures.ended("1.mp4")
        return frame

    monkeypatch.setattr("edgevtn.sinks.page.pictures._drawn", ending)
    assert pictures.jpeg("1.mp4")[1]
    assert pictures._jpegs == {}


def test_a_name_that_is_no_utf_8_is_shown(page):
    page.frame(picture(), 0, Scene(ODD))
    page.prediction(replace(prediction([0.4, 0.6]), source=ODD))
    page.event(Event(1, "m", "wave", 0, None, 0.9, source=ODD))
    told = state(page.url)
    assert told["sources"] == [told["models"][0]["source"]] == [told["events"][0]["source"]] == [PLAIN]
    viewer = Viewer(page.url, f"?source={quote(PLAIN)}")
    assert viewer.jpeg()
    viewer.leave()
    until(lambda: page.pictures.viewers == 0)
    page.ended(ODD)
    assert state(page.url)["sources"] == []


def test_a_single_source_whose_name_is_no_utf_8_is_shown():
    page = Page("127.0.0.1:0", Origin(ODD))
    try:
        assert state(page.url)["source"] == PLAIN
        status, _, body = get(f"{page.url}metrics")
    finally:
        page.close()
    assert status == 200
    assert b'edgevtn_info{source="demo-\\\\udcff.mp4"} 1' in body


def test_how_long_it_runs_goes_by_no_clock_that_is_set(monkeypatch):
    board = Board(Origin("hall"))
    began, now = board.began, time.time()
    monkeypatch.setattr("edgevtn.sinks.page.board.time.time", lambda: now + 3 * 86_400)
    assert 0 <= board.record()["health"]["uptime"] < 3600
    assert f"process_start_time_seconds {round(began, 3)}" in metrics(board, Pictures())
