"""What a real broker gets of us, given to Home Assistant's own code.

EDGEVTN_HOMEASSISTANT names a Python in whose environment homeassistant is installed (2024.3.3 for Python 3.11).
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from broker import Broker, Consumer, tell_labels

from edgevtn import Event
from edgevtn.sinks import Origin
from edgevtn.sinks.discovery import Device

pytest.importorskip("paho.mqtt")
from edgevtn.sinks.mqtt import Mqtt

PYTHON = os.environ.get("EDGEVTN_HOMEASSISTANT")
PROGRAM = Path(__file__).parents[1] / "support" / "home_assistant.py"
LABELS = ("walk", "sit down", "Sit-down", "fällt", "走る", "nothing", "unknown", "a/b+c#d")

pytestmark = pytest.mark.skipif(PYTHON is None, reason="EDGEVTN_HOMEASSISTANT names no Python with homeassistant")


def understood(config, messages):
    told = json.dumps({"config": config, "messages": messages})
    done = subprocess.run([PYTHON, PROGRAM], input=told, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "Invalid" not in done.stderr
    return json.loads(done.stdout)


def test_every_component_is_accepted_with_all_its_keys():
    found = understood(Device("hall-1", "edgevtn hall", LABELS, ("yard", "Flur unten")).config(), [])
    assert len(found["left out"]) == 1 + 6 + 2
    assert not any(found["left out"].values())


def test_what_the_broker_got_is_understood(tmp_path):
    broker = Broker(tmp_path / "broker").start()
    consumer = Consumer(broker.port, "#")
    sink = Mqtt(f"mqtt://127.0.0.1:{broker.port}", "cam", Origin("hall"), tmp_path / "spool")
    tell_labels(sink, LABELS)
    device = Device("cam", "", LABELS)
    got = consumer.until(lambda topic, payload, _: topic == device.state("a/b+c#d"))
    for n, label in enumerate(("walk", "fällt", "a/b+c#d"), start=1):
        sink.event(Event(n, "m", label, float(n), None, 0.5))
        got += consumer.until(lambda topic, payload, _, own=label: (topic, payload) == (device.state(own), "ON"))
        sink.event(Event(n, "m", label, float(n), n + 0.5, 0.5))
        got += consumer.until(lambda topic, payload, _, own=label: (topic, payload) == (device.state(own), "OFF"))
    sink.close()
    got += consumer.until(lambda topic, payload, _: (topic, payload) == (device.availability, "offline"))
    consumer.close()
    broker.stop()
    (config,) = (json.loads(payload) for topic, payload, _ in got if topic == "homeassistant/device/cam/config")
    topics = {component["state_topic"] for component in config["components"].values()}
    states = understood(config, [message for message in got if message[0] in topics])["states"]
    assert [state for topic, state in states if topic == device.action] == ["walk", "fällt", "a/b+c#d"]
    for label in ("walk", "fällt", "a/b+c#d"):
        assert [state for topic, state in states if topic == device.state(label)] == [False, True, False]
    assert [state for topic, state in states if topic == device.state("走る")] == [False]
