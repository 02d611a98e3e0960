"""`edgevtn run` with every output at once: what arrives, what is printed, and that no password is in any of it."""

import csv
import json
import os
import subprocess
import sys

import pytest
from broker import PATIENCE, Broker, Consumer

from edgevtn.cli.main import main

PASSWORD = "s3cr3t-p4ss"
#: Every best label is an event at once.
EAGER = ["--enter", "0.35", "--leave", "0.34", "--min-duration", "0"]


@pytest.fixture
def broker(tmp_path):
    pytest.importorskip("paho.mqtt")
    broker = Broker(tmp_path / "broker", PASSWORD).start()
    yield broker
    broker.stop()


#: The command, but that sinks give up sooner what they cannot deliver at the end: for what stays away however long.
HASTY = [
    sys.executable, "-c",
    "import sys; from edgevtn.sinks import delivery; delivery.CLOSING = 2.0\n"
    "from edgevtn.cli.main import main; sys.exit(main())",
]  # fmt: skip


def run(tmp_path, *arguments, program=(sys.executable, "-m", "edgevtn"), **environment):
    return subprocess.run(
        [*program, "run", *map(str, arguments), *EAGER, "--spool", str(tmp_path / "spool")],
        capture_output=True, text=True, timeout=3 * PATIENCE, check=False, env=os.environ | environment,
    )  # fmt: skip


def contents(folder):
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


@pytest.mark.parametrize("way", ["address", "file", "variable"])
def test_events_arrive_and_the_password_stays_here(broker, demo_clip, tiny, tmp_path, way):
    consumer = Consumer(broker.port, "#", "me", PASSWORD)
    place, environment, more = "me@127.0.0.1", {}, []
    if way == "address":
        place = f"me:{PASSWORD}@127.0.0.1"
    elif way == "file":
        (tmp_path / "password").write_text(f"{PASSWORD}\n")
        more = ["--mqtt-password-file", tmp_path / "password"]
    else:
        environment = {"EDGEVTN_MQTT_PASSWORD": PASSWORD}
    out = tmp_path / "out"
    out.mkdir()
    done = run(
        tmp_path, demo_clip, "--model", tiny, "--seconds", "6", "--json", "--name", "hall", "--mqtt-id", "cam",
        "--mqtt", f"mqtt://{place}:{broker.port}", "--json-file", out / "events.jsonl", "--timeline", out / "t.csv",
        "--update-every", "1", "--record", out / "clips", *more, **environment,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    messages = consumer.until(lambda topic, payload, _: (topic, payload) == ("edgevtn/cam/availability", "offline"))
    consumer.close()
    arrived = [json.loads(payload) for topic, payload, _ in messages if topic == "edgevtn/cam/events"]
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    events = [record for record in printed if "event" in record]
    assert events
    kinds = [{"begin": "new"}.get(record["event"], record["event"]) for record in events]
    assert [record["type"] for record in arrived] == kinds
    assert set(kinds) == {"new", "update", "end"}
    assert [(record["id"], record["start_time"], record["end_time"]) for record in arrived] == [
        (record["id"], record["start_time"], record["end_time"]) for record in events
    ]
    assert (out / "events.jsonl").read_text() == done.stdout
    with (out / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [record["id"] for record in events if record["event"] == "end"]
    assert len(list((out / "clips").iterdir())) == len(rows)
    everything = done.stdout + done.stderr + "".join(f"{topic} {payload}" for topic, payload, _ in messages)
    assert PASSWORD not in everything
    assert PASSWORD.encode() not in contents(out) + contents(tmp_path / "spool")


def test_a_wrong_password_is_said_once_without_it(broker, demo_clip, tiny, tmp_path):
    done = run(
        tmp_path,
        demo_clip,
        "--model",
        tiny,
        "--seconds",
        "3",
        "--mqtt",
        f"mqtt://me:{PASSWORD}x@127.0.0.1:{broker.port}",
        program=HASTY,
    )
    assert done.returncode == 0
    assert done.stdout  # recognition went on
    first, last = done.stderr.splitlines()
    assert first.startswith(f"edgevtn: warning: mqtt://127.0.0.1:{broker.port}: refuses the connection")
    assert "could not be delivered; they are kept for the next time" in last
    assert PASSWORD not in done.stdout + done.stderr


def test_everything_away_stops_nothing(demo_clip, tiny, tmp_path):
    pytest.importorskip("paho.mqtt")
    hang = f"'{sys.executable}' -c 'import time; time.sleep(600)'"
    done = run(
        tmp_path, demo_clip, "--model", tiny, "--seconds", "3", "--mqtt", "mqtt://127.0.0.1:9", "--command", hang,
        "--webhook", "http://127.0.0.1:9/hook?token=hidden", "--frigate", "http://127.0.0.1:9",
        program=HASTY,
    )  # fmt: skip
    assert done.returncode == 0
    events = len(done.stdout.splitlines())
    alone = run(tmp_path, demo_clip, "--model", tiny, "--seconds", "3")
    assert alone.stdout.splitlines()[:events] == done.stdout.splitlines()
    assert "hidden" not in done.stderr
    begun = [line for line in done.stderr.splitlines() if "events are kept" in line]
    assert sorted(line.split(": ")[2] for line in begun) == [
        "http://127.0.0.1:9",
        "http://127.0.0.1:9",
        "mqtt://127.0.0.1:9",
    ]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--mqtt", f"http://me:{PASSWORD}@host"], "expected an address like mqtt://"),
        (["--webhook", f"me:{PASSWORD}@host"], "expected an address like http://"),
        (["--mqtt", "mqtt://me@host", "--mqtt-password-file", "/no/such/file"], "/no/such/file: no password can be"),
        (["--command", "no-such-program"], "there is no such program"),
        (["--label", "fall:enter=0.5"], "label 'fall' has settings of its own"),
        (["--cool-down", "-1"], "cool_down must be seconds"),
    ],
)  # fmt: skip
def test_wrong_options_are_one_line(demo_clip, tiny, tmp_path, options, reason, capsys):
    pytest.importorskip("paho.mqtt")
    line = ["run", str(demo_clip), "--model", str(tiny), *EAGER, "--spool", str(tmp_path / "spool"), *options]
    assert main(line) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert reason in told
    assert PASSWORD not in told


def test_without_the_extra_it_is_named(monkeypatch, tmp_path):
    from edgevtn.errors import MissingExtraError
    from edgevtn.sinks.mqtt import Mqtt

    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(MissingExtraError, match=r"edgevtn\[mqtt\]"):
        Mqtt("mqtt://host", "cam")
