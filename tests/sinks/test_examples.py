"""The examples run as they are, against a real broker."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from broker import PATIENCE, Broker, Consumer

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def broker(tmp_path):
    pytest.importorskip("paho.mqtt")
    broker = Broker(tmp_path / "broker").start()
    yield broker
    broker.stop()


def example(tmp_path, name, *arguments):
    return subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)],
        cwd=tmp_path, capture_output=True, text=True, timeout=3 * PATIENCE, check=False,
    )  # fmt: skip


def test_home_assistant(broker, demo_clip, tmp_path):
    consumer = Consumer(broker.port, "#")
    done = example(tmp_path, "mqtt_home_assistant.py", demo_clip, f"mqtt://127.0.0.1:{broker.port}", "--id", "hall")
    assert (done.returncode, done.stderr) == (0, "")
    messages = consumer.until(lambda topic, payload, _: (topic, payload) == ("edgevtn/hall/availability", "offline"))
    consumer.close()
    config = json.loads(dict(message[:2] for message in messages)["homeassistant/device/hall/config"])
    actions = [json.loads(payload) for topic, payload, _ in messages if topic == "edgevtn/hall/action"]
    assert [action["event_type"] for action in actions] == ["walk", "wave2", "bend", "jack", "run"]  # as it is drawn
    assert {action["event_type"] for action in actions} <= set(config["components"]["action"]["event_types"])
    walking = [payload for topic, payload, _ in messages if topic == "edgevtn/hall/state/walk"]
    assert walking[0] == walking[-1] == "OFF"
    assert done.stdout.split()[:4] == ["begin", "walk", "end", "walk"]


def test_an_alarm(broker, demo_clip, tmp_path):
    consumer = Consumer(broker.port, "edgevtn/alarm/events")
    address = f"mqtt://127.0.0.1:{broker.port}"
    done = example(tmp_path, "fall_alarm.py", demo_clip, address, "--label", "bend")
    assert (done.returncode, done.stderr) == (0, "")
    messages = [json.loads(consumer.next()[1]) for _ in range(2)]
    assert [(message["type"], message["label"]) for message in messages] == [("new", "bend"), ("end", "bend")]
    assert messages[0]["id"] == messages[1]["id"]
    consumer.close()
    assert consumer.got.empty()
    wrong = example(tmp_path, "fall_alarm.py", demo_clip, address)
    assert wrong.returncode == 1
    assert "label 'fall' has settings of its own" in wrong.stderr


def test_examples_are_short():
    for name in ("mqtt_home_assistant.py", "fall_alarm.py"):
        assert len((EXAMPLES / name).read_text("utf-8").splitlines()) <= 40
