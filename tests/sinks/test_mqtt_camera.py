"""What a broker hears of the camera itself, and of labels that were asked for."""

import json
import threading
from types import SimpleNamespace

import pytest
from broker import PATIENCE, Broker, Consumer, tell_labels
from cameras import MjpegCamera

import edgevtn
from edgevtn import Event
from edgevtn.sinks import Origin
from edgevtn.sources import Camera

pytest.importorskip("paho.mqtt")
from edgevtn.sinks.mqtt import Mqtt


@pytest.fixture
def broker(tmp_path):
    broker = Broker(tmp_path / "broker").start()
    yield broker
    broker.stop()


def test_a_lost_camera_is_not_available(broker, tiny, tmp_path):
    consumer = Consumer(broker.port, "edgevtn/cam/availability")
    with MjpegCamera() as server, Camera(server.address) as camera:
        sink = Mqtt(f"mqtt://127.0.0.1:{broker.port}", "cam", Origin("hall", camera), tmp_path / "spool")
        watching = threading.Thread(target=lambda: list(edgevtn.watch(camera, tiny, sinks=[sink])))
        watching.start()
        consumer.until(lambda _, payload, __: payload == "online")
        server.stop()
        consumer.until(lambda _, payload, __: payload == "offline")
        server.start()
        consumer.until(lambda _, payload, __: payload == "online")
        camera.close()
        watching.join(PATIENCE)
        assert not watching.is_alive()
    consumer.until(lambda _, payload, __: payload == "offline")
    consumer.close()


def test_several_cameras_have_a_sensor_each(broker, tmp_path):
    """Statistics as those of `Cameras`; the device is away when all of them are lost."""
    each = {name: SimpleNamespace(lost=False) for name in ("yard", "Flur unten")}
    consumer = Consumer(broker.port, "#")
    address, origin = f"mqtt://127.0.0.1:{broker.port}", Origin("", SimpleNamespace(each=each))
    sink = Mqtt(address, "cams", origin, tmp_path / "spool")
    tell_labels(sink, ("fall", "nothing"))
    told = consumer.until(lambda topic, payload, _: (topic, payload) == ("edgevtn/cams/camera/flur_unten", "ON"))
    each["Flur unten"].lost = True
    sink.pulse()
    told += consumer.until(lambda topic, payload, _: (topic, payload) == ("edgevtn/cams/camera/flur_unten", "OFF"))
    assert ("edgevtn/cams/availability", "offline") not in [message[:2] for message in told]
    each["yard"].lost = True
    sink.pulse()
    told += consumer.until(lambda topic, payload, _: (topic, payload) == ("edgevtn/cams/availability", "offline"))
    sink.close()
    consumer.close()
    (config,) = {
        payload for topic, payload, _ in told if topic == "homeassistant/device/cams/config" and "fall" in payload
    }
    sensor = json.loads(config)["components"]["camera_flur_unten"]
    assert (sensor["name"], sensor["device_class"], sensor["state_topic"]) == (
        "Flur unten", "connectivity", "edgevtn/cams/camera/flur_unten",
    )  # fmt: skip


def test_labels_that_are_asked_for_alone(broker, tmp_path):
    consumer = Consumer(broker.port, "edgevtn/cam/#")
    address = f"mqtt://127.0.0.1:{broker.port}"
    sink = Mqtt(address, "cam", Origin("hall"), tmp_path / "spool", labels=["fall"])
    tell_labels(sink, ("walk", "fall", "nothing"))
    for label in ("walk", "fall"):
        sink.event(Event(1, "m", label, 0.0, None, 0.5))
        sink.event(Event(1, "m", label, 0.0, 1.0, 0.5))
    sink.close()
    got = consumer.until(lambda topic, payload, _: (topic, payload) == ("edgevtn/cam/availability", "offline"))
    consumer.close()
    assert {topic for topic, _, _ in got} == {
        "edgevtn/cam/availability", "edgevtn/cam/state/fall", "edgevtn/cam/events", "edgevtn/cam/action",
    }  # fmt: skip
    assert not any("walk" in payload for _, payload, _ in got)
