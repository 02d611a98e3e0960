"""The examples run as they are, against a real broker."""

import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import pytest
from broker import PATIENCE, Broker, Consumer

import edgevtn

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


def test_a_webcam_in_a_window(demo_clip, tmp_path, monkeypatch):
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    done = example(tmp_path, "webcam.py", "--source", demo_clip)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.partition(",")[0] for line in done.stdout.splitlines()] == ["walk", "wave2", "bend", "jack", "run"]
    wrong = example(tmp_path, "webcam.py", "--source", "nothing.mp4")
    assert (wrong.returncode, wrong.stderr.startswith("error: nothing.mp4: does not exist")) == (1, True)


def test_a_source_of_ones_own(demo_clip, tmp_path):
    """A real server that breaks off within a picture: the camera is found again."""
    with edgevtn.frames(demo_clip) as source:
        jpegs = [cv2.imencode(".jpg", frame)[1].tobytes() for _, frame in source]
    connected = []

    def serve(server):
        ends = struct.pack(">I", len(jpegs[0])) + jpegs[0][:10], b"\0\0"
        for part, torn in zip((jpegs[:15], jpegs[:135]), ends, strict=True):  # walking ends with the 90th
            connection, _ = server.accept()
            connected.append(len(part))
            with connection, contextlib.suppress(OSError):
                for jpeg in part:
                    connection.sendall(struct.pack(">I", len(jpeg)) + jpeg)
                    time.sleep(0.04)  # as a camera does
                connection.sendall(torn)

    with socket.create_server(("127.0.0.1", 0)) as server:
        serving = threading.Thread(target=serve, args=(server,))
        serving.start()
        done = example(tmp_path, "own_source.py", "127.0.0.1", server.getsockname()[1], "--give-up", "1")
        serving.join(PATIENCE)
    lines = done.stdout.splitlines()
    assert connected == [15, 135]
    assert sum(line.startswith("waiting: ") for line in lines) == 2
    assert any("is back after" in line for line in lines)
    assert "begin walk" in lines
    assert "end walk" in lines
    assert done.returncode == 1
    assert done.stderr.startswith("ended: ")


def test_examples_are_short():
    names = sorted(file.name for file in EXAMPLES.glob("*.py"))
    assert names == ["fall_alarm.py", "mqtt_home_assistant.py", "own_source.py", "pi_camera.py", "webcam.py"]
    for name in names:
        assert len((EXAMPLES / name).read_text("utf-8").splitlines()) <= 40
