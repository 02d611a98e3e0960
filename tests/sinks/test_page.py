"""The page: what it shows, that it encodes only for those who look, and that nothing of it is left."""

import json
import socket
import threading
import time
from dataclasses import dataclass, replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from tiny import moving_frames
from visitor import Viewer, get, prediction, state, until

import edgevtn
from edgevtn import Event
from edgevtn.region import Region, Scene
from edgevtn.sinks import Origin

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from edgevtn.sinks.page.board import Board
from edgevtn.sinks.page.health import Latency, Rate
from edgevtn.sinks.page.metrics import metrics
from edgevtn.sinks.page.pictures import INTERVAL, MOST_VIEWERS, Pictures
from edgevtn.sinks.page.sink import Page
from edgevtn.sources import live

GREY = np.full((90, 160, 3), 120, np.uint8)


@dataclass(frozen=True)
class Statistics:
    dropped: int = 7
    repeated: int = 2
    bad: int = 1
    reconnects: int = 3
    lost: bool = True


class Camera:
    """A source that knows its times, and what became of its pictures."""

    statistics = Statistics()

    def wall_clock(self, timestamp, source=""):
        return time.time() - 0.2


@pytest.fixture
def page():
    page = Page("127.0.0.1:0", Origin("hall", Camera()))
    yield page
    page.close()


def test_recognition_is_the_same_and_is_told(tiny):
    def shown():
        yield from ((n / 10, frame) for n, frame in enumerate(moving_frames(40)))

    def eager():
        return edgevtn.EventDetector(enter=0.35, leave=0.34, min_duration=0)

    alone = list(edgevtn.watch(shown(), tiny, detector=eager()))
    page, seen, latest = Page("127.0.0.1:0"), [], []

    class Recorder(edgevtn.Sink):
        def prediction(self, prediction):
            latest[:] = [prediction]

    def asked():
        yield from shown()
        seen.append(state(page.url))
        seen.append(get(f"{page.url}metrics")[2].decode())

    assert list(edgevtn.watch(asked(), tiny, sinks=[page, Recorder()], detector=eager())) == alone
    told, metrics = seen
    (model,) = told["models"]
    assert model["label"] == latest[0].label
    assert dict(map(tuple, model["bars"])) == pytest.approx(
        dict(zip(latest[0].labels, latest[0].probabilities.tolist(), strict=True)), abs=1e-4
    )
    ends = [event for event in alone if event.kind == "end"]
    assert [(event["label"], event["event"]) for event in told["events"][::-1]] == [
        (event.label, "begin" if n == len(ends) - 1 else "end") for n, event in enumerate(ends)
    ]
    assert "edgevtn_frames_total 40\n" in metrics
    assert 'edgevtn_predictions_total{model="tiny"} 37\n' in metrics


def test_nothing_is_encoded_while_nobody_looks(page):
    for n in range(500):
        page.frame(GREY, n / 25)
        page.prediction(prediction([0.4, 0.6]))
    assert state(page.url)["health"]["frame_rate"] > 0
    assert page.pictures.encoded == 0
    viewers = [Viewer(page.url), Viewer(page.url)]
    assert viewers[0].jpeg() == viewers[1].jpeg()
    assert page.pictures.encoded == 1  # they share it, and no frame has come since
    for viewer in viewers:
        viewer.leave()
    until(lambda: page.pictures.viewers == 0)
    for n in range(500):
        page.frame(GREY, 20 + n / 25)
    state(page.url)
    assert page.pictures.encoded == 1


def test_the_square_is_drawn_and_the_frame_is_left_alone(page):
    frame = np.full((180, 320, 3), 120, np.uint8)
    for given in (frame, np.full((1080, 1920, 3), 120, np.uint8)):
        page.frame(given, 0)
        viewer = Viewer(page.url)
        picture = cv2.imdecode(np.frombuffer(viewer.jpeg(), np.uint8), cv2.IMREAD_COLOR)
        viewer.leave()
        H, W = picture.shape[:2]
        assert (max(H, W), W * 9) == (min(640, given.shape[1]), H * 16)
        assert picture[H // 2, W // 2] == pytest.approx(120, abs=4)
        assert picture[H // 2, W // 10] == pytest.approx(40, abs=8)  # outside
        edge = picture[H // 2, (W - H) // 2 : (W - H) // 2 + 3].astype(int).mean(axis=0)
        assert edge[2] - edge[0] > 60  # orange
        assert (given == 120).all()


def test_pictures_are_few(page):
    done = threading.Event()

    def pour():
        while not done.is_set():
            page.frame(GREY, 0)
            done.wait(0.002)

    pouring = threading.Thread(target=pour)
    pouring.start()
    try:
        viewer = Viewer(page.url)
        viewer.jpeg()
        began, before = time.monotonic(), page.pictures.encoded
        for _ in range(4):
            viewer.jpeg()
        encoded, elapsed = page.pictures.encoded - before, time.monotonic() - began
        viewer.leave()
    finally:
        done.set()
        pouring.join()
    assert encoded <= elapsed / INTERVAL + 2


def test_one_viewer_too_many_is_told_so(page):
    page.frame(GREY, 0)
    viewers = [Viewer(page.url) for _ in range(MOST_VIEWERS)]
    assert [viewer.status for viewer in viewers] == [200] * MOST_VIEWERS
    assert all(viewer.jpeg() for viewer in viewers)
    status, _, body = get(f"{page.url}picture")
    assert (status, body) == (503, f"{MOST_VIEWERS} others look at the picture already.\n".encode())
    assert state(page.url)["viewers"] == MOST_VIEWERS
    viewers[0].leave()
    until(lambda: page.pictures.viewers < MOST_VIEWERS)
    late = Viewer(page.url)
    assert late.status == 200
    for viewer in [*viewers[1:], late]:
        viewer.leave()


def test_closing_leaves_nothing():
    before = set(threading.enumerate())
    page = Page("127.0.0.1:0", token="0123456789abcdef")
    page.close()
    page = Page("127.0.0.1:0")
    page.frame(GREY, 0)
    viewer, idle = Viewer(page.url), socket.create_connection(("127.0.0.1", int(page.url.split(":")[2][:-1])))
    viewer.jpeg()
    page.close()
    page.close()
    assert set(threading.enumerate()) == before
    assert viewer.ended()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(idle.getpeername())
    viewer.leave()
    idle.close()
    page.frame(GREY, 1)  # told late, it does no harm
    page.prediction(prediction([0.4, 0.6]))


def test_unknown_is_shown(page):
    page.prediction(prediction([0.45, 0.55], label="unknown"))
    (model,) = state(page.url)["models"]
    assert (model["label"], model["unknown"], model["best"]) == ("unknown", True, "walk")
    labels = tuple(f"l{n}" for n in range(400)) + ("unknown",)
    chances = [0.5] + [0.5 / 399] * 399 + [0.0]
    page.prediction(prediction(chances, labels))
    bars = dict(map(tuple, state(page.url)["models"][0]["bars"]))
    assert bars["l0"] == 0.5
    assert bars["unknown"] == 0
    assert len(bars) == 12


def test_events_are_the_last_hundred_and_sent_when_there_are_new_ones(page):
    for n in range(1, 131):
        page.event(Event(n, "m", "wave", n, None, 0.9))
        page.event(Event(n, "m", "wave", n, None, 0.9, n + 0.5))
        page.event(Event(n, "m", "wave", n, n + 1, 0.9))
    page.event(Event(131, "m", "walk", 131, None, 0.8))
    told = state(page.url)
    assert [event["start"] for event in told["events"]] == list(range(131, 31, -1))
    assert [event["event"] for event in told["events"]] == ["begin"] + ["end"] * 99
    again = state(page.url, f"?known={told['version']}")
    assert again["events"] is None
    page.event(Event(131, "m", "walk", 131, None, 0.8, 131.5))
    (newest, *_) = state(page.url, f"?known={told['version']}")["events"]
    assert (newest["event"], newest["updated"]) == ("update", 131.5)


def test_metrics_name_the_camera_that_is_lost():
    each = {"yard": live.Statistics(reconnects=2, lost=True), "hall": live.Statistics(dropped=5)}
    board = Board(Origin("", SimpleNamespace(each=each)))
    assert {
        'edgevtn_info{source="yard"} 1', 'edgevtn_source_lost{source="yard"} 1', 'edgevtn_source_lost{source="hall"} 0',
        'edgevtn_source_reconnects_total{source="yard"} 2', 'edgevtn_source_frames_dropped_total{source="hall"} 5',
    } <= set(metrics(board, Pictures()).splitlines())  # fmt: skip


def test_health_and_metrics(page):
    page.frame(GREY, 0)
    for _ in range(3):
        page.prediction(prediction([0.4, 0.6], model='odd "name"\n'))
    page.event(Event(1, "m", "wave", 0, None, 0.9))
    health = state(page.url)["health"]
    assert health["latency"] == pytest.approx([0.2] * 3, abs=0.15)
    assert health["statistics"] == {"dropped": 7, "repeated": 2, "bad": 1, "reconnects": 3, "lost": True}
    assert 1e6 < health["memory"] < 1e11
    status, headers, body = get(f"{page.url}metrics")
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    lines = body.decode().splitlines()
    samples = dict(line.rpartition(" ")[::2] for line in lines if not line.startswith("#"))
    assert float(samples['edgevtn_predictions_total{model="odd \\"name\\"\\n"}']) == 3
    assert float(samples['edgevtn_events_total{model="m",label="wave"}']) == 1
    assert float(samples["edgevtn_source_reconnects_total"]) == 3
    assert float(samples["edgevtn_source_lost"]) == 1
    assert float(samples['edgevtn_latency_seconds_bucket{le="+Inf"}']) == 3
    assert float(samples["edgevtn_latency_seconds_count"]) == 3
    assert float(samples["edgevtn_latency_seconds_sum"]) == pytest.approx(0.6, abs=0.4)
    buckets = [float(value) for name, value in samples.items() if "_bucket" in name]
    assert buckets == sorted(buckets)
    kinds = dict(line.split()[2:4] for line in lines if line.startswith("# TYPE"))
    for name, kind in kinds.items():
        assert (kind == "counter") == name.endswith("_total")
    assert len(kinds) == sum(line.startswith("# TYPE") for line in lines)


def test_rates_and_latencies_are_bounded_and_fall(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("edgevtn.sinks.page.health.time.monotonic", lambda: now[0])
    rate, latency = Rate(), Latency()
    assert rate.since() is None
    for _ in range(250):
        now[0] += 0.04
        rate.add()
    assert (rate.hertz(), rate.count) == (pytest.approx(25, rel=0.02), 250)
    now[0] += 10
    assert (rate.hertz(), rate.since()) == (0, pytest.approx(10))
    assert latency.percentiles() is None
    for n in range(101):
        latency.add(n / 100 - 0.005)  # the first is below 0: a clock was set
    assert latency.percentiles() == pytest.approx([0.495, 0.945, 0.985])
    assert sum(latency.counts) == 101


def test_it_is_no_place_for_other_files(page):
    for path in ("page.py", "../sink.py", "static/page.js", "%2e%2e/sink.py", "docs", "openapi.json"):
        assert get(page.url + path)[0] == 404
    assert get(f"{page.url}state?known=x")[0] == 200
    assert json.loads(get(f"{page.url}state?known={'9' * 5000}")[2])["events"] == []


def test_several_sources_and_regions_are_kept_apart(page):
    door = Region("door", 0, 0, 0.5, 1)
    blue, red = np.zeros((90, 160, 3), np.uint8), np.zeros((90, 160, 3), np.uint8)
    blue[..., 0], red[..., 2] = 200, 200
    page.frame(blue, 0, Scene("yard", (door,)))
    page.frame(red, 0, Scene("the hall & more"))
    for source, region, label in (("yard", "door", "wave"), ("the hall & more", "", "walk")):
        page.prediction(replace(prediction([0.5, 0.5], label=label), source=source, region=region))
    told = state(page.url)
    assert told["sources"] == ["yard", "the hall & more"]
    assert [(m["source"], m["region"], m["label"]) for m in told["models"]] == [
        ("yard", "door", "wave"), ("the hall & more", "", "walk"),
    ]  # fmt: skip
    for query, channel in (("", 0), ("?source=yard", 0), ("?source=the%20hall%20%26%20more", 2)):
        viewer = Viewer(page.url, query)
        picture = cv2.imdecode(np.frombuffer(viewer.jpeg(), np.uint8), cv2.IMREAD_COLOR)
        viewer.leave()
        assert picture[45, 78].argmax() == picture[45, 82].argmax() == channel
    # Outside the square of the region, 80 x 80 from the left, the picture is dark.
    picture = cv2.imdecode(np.frombuffer(page.pictures.jpeg("yard")[1], np.uint8), cv2.IMREAD_COLOR)
    assert picture[45, 40, 0] > 180
    assert picture[45, 120, 0] < 90
