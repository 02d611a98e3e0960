"""Events over MQTT with a real broker that stops, is killed and hangs, and a process of ours that is killed."""

import json
import logging
import signal
import subprocess
import sys

import numpy as np
import pytest
from broker import PATIENCE, Broker, Consumer, Wire, certify, once, tell_labels
from cameras import eventually

from edgevtn import Event
from edgevtn.errors import OutputError
from edgevtn.sinks import Origin

pytest.importorskip("paho.mqtt")
from edgevtn.sinks.mqtt import Mqtt

TELLER = """
import itertools, sys
from edgevtn import Event
from edgevtn.sinks import Origin
from edgevtn.sinks.mqtt import Mqtt
sink = Mqtt(sys.argv[1], "cam", Origin("hall"), sys.argv[2])
for n in itertools.count(1):
    sink.event(Event(n, "m", "walk", n, None, 0.5))
    assert sink.kept(60)
    print(sink.origin.id(Event(n, "m", "walk", n, None, 0.5)), flush=True)
"""


@pytest.fixture
def broker(tmp_path):
    broker = Broker(tmp_path / "broker").start()
    yield broker
    broker.stop()


@pytest.fixture
def consume(broker):
    opened = []

    def consume(topic, name="consumer"):
        opened.append(Consumer(broker.port, topic, name=name))
        return opened[-1]

    yield consume
    for consumer in opened:
        consumer.close()


@pytest.fixture
def wire(broker):
    wire = Wire(broker.port)
    yield wire
    wire.close()


@pytest.fixture
def sink(broker, tmp_path):
    sink = Mqtt(f"mqtt://127.0.0.1:{broker.port}", "cam", Origin("hall"), tmp_path / "spool")
    yield sink
    sink.close()


def tell(sink, numbers):
    for n in numbers:
        sink.event(Event(n, "m", "walk", float(n), float(n) + 0.5, 0.5))


def numbers(records):
    return [int(record["id"].rpartition("-")[2]) for record in records]


def last(number):
    return lambda topic, payload, retained: json.loads(payload)["id"].endswith(f"-{number}")


def test_a_broker_that_stops_and_is_killed_gets_every_event_once_and_in_order(broker, consume, sink, caplog):
    consumer = consume("edgevtn/cam/events")
    tell(sink, range(1, 21))
    messages = consumer.until(last(20))
    broker.stop()
    tell(sink, range(21, 41))
    broker.start()
    consumer.wait_until_subscribed()
    tell(sink, range(41, 61))
    messages += consumer.until(last(45))
    broker.kill()  # while it takes the next ones
    tell(sink, range(61, 81))
    broker.start()
    consumer.wait_until_subscribed()
    messages += consumer.until(last(80))
    records, repeated = once(messages)
    assert numbers(records) == list(range(1, 81))
    assert repeated <= 20 + 1  # what the broker had not written down of the consumer, and one of ours
    assert {(record["type"], record["label"], record["source"]) for record in records} == {("end", "walk", "hall")}
    sink.close()
    assert sum("events are kept" in record.message for record in caplog.records) in (2, 3)


def test_our_own_death_loses_and_repeats_nothing(broker, consume, tmp_path):
    consumer = consume("edgevtn/cam/events")
    told, killed = [], 0
    for away in (False, True, False):
        if away:
            broker.stop()
        arguments = [sys.executable, "-c", TELLER, f"mqtt://127.0.0.1:{broker.port}", tmp_path / "spool"]
        teller = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(30):
            told.append(teller.stdout.readline().strip())
        teller.send_signal(signal.SIGKILL)
        rest, error = teller.communicate(timeout=PATIENCE)
        told += rest.split()
        assert error.count("\n") <= 1  # once, that the broker is away
        killed += 1
        if away:
            broker.start()
            consumer.wait_until_subscribed()
    assert len(told) >= 90
    final = Mqtt(f"mqtt://127.0.0.1:{broker.port}", "cam", Origin("hall"), tmp_path / "spool")
    tell(final, [999])
    records, repeated = once(consumer.until(last(999)))
    final.close()
    assert repeated <= killed  # at most the one that was on its way
    ids = [record["id"] for record in records[:-1]]
    # The last one of each run may have been kept and not yet printed.
    assert [number for number in ids if number in set(told)] == told
    assert len(ids) <= len(told) + killed


def test_what_was_not_acknowledged_comes_again_with_the_same_number(broker, wire, consume, tmp_path, monkeypatch):
    consumer = consume("edgevtn/cam/events")
    sink = Mqtt(f"mqtt://127.0.0.1:{wire.port}", "cam", Origin("hall"), tmp_path / "spool")
    tell(sink, [1])
    (first,) = consumer.until(last(1))
    wire.swallow_answers_from(b'-2"')
    tell(sink, [2, 3])
    (second,) = consumer.until(last(2))  # the broker has it, and we do not know
    assert wire.swallowed.wait(PATIENCE)
    with monkeypatch.context() as hasty:
        hasty.setattr("edgevtn.sinks.delivery.CLOSING", 0.5)  # it stays unacknowledged however long that waits
        sink.close()
    wire.close()
    again = Mqtt(f"mqtt://127.0.0.1:{broker.port}", "cam", Origin("hall"), tmp_path / "spool")
    tell(again, [4])
    messages = [first, second, *consumer.until(last(4))]
    again.close()
    assert messages[2] == second
    records, repeated = once(messages)
    assert (numbers(records), repeated) == ([1, 2, 3, 4], 1)


def test_a_broken_connection_repeats_nothing_that_was_acknowledged(wire, consume, tmp_path):
    consumer = consume("edgevtn/cam/events")
    sink = Mqtt(f"mqtt://127.0.0.1:{wire.port}", "cam", Origin("hall"), tmp_path / "spool")
    messages = []
    for n in range(1, 4):
        tell(sink, [n])
        messages += consumer.until(last(n))
        wire.cut()
    tell(sink, [4])
    messages += consumer.until(last(4))
    sink.close()
    wire.close()
    records, repeated = once(messages)
    assert numbers(records) == [1, 2, 3, 4]
    assert repeated <= 3


def test_a_broker_that_hangs_stops_nothing(broker, tmp_path, caplog, monkeypatch):
    sink = Mqtt(f"mqtt://127.0.0.1:{broker.port}", "cam", Origin("hall"), tmp_path / "spool")
    broker.process.send_signal(signal.SIGSTOP)
    tell(sink, range(1, 1001))
    assert sink.kept(PATIENCE)
    monkeypatch.setattr("edgevtn.sinks.delivery.CLOSING", 0.5)  # it delivers nothing however long that waits
    sink.close()  # returns
    again = Mqtt(f"mqtt://127.0.0.1:{broker.port}", "cam", Origin("hall"), tmp_path / "spool")
    assert len(again.spool) == 1000
    again.close()
    with caplog.at_level(logging.WARNING):
        assert any("1000 messages could not be delivered" in record.message for record in caplog.records)


def test_states_and_availability_are_retained(broker, consume, sink):
    consumer = consume("edgevtn/#")
    tell_labels(sink, ("walk", "sit down", "nothing"))
    sink.event(Event(1, "m", "sit down", 0.0, None, 0.5))
    consumer.until(lambda topic, payload, _: (topic, payload) == ("edgevtn/cam/state/sit_down", "ON"))
    late = consume("edgevtn/cam/#", name="late")  # what someone finds who comes now
    found = dict(late.next()[:2] for _ in range(3))
    assert found == {
        "edgevtn/cam/availability": "online", "edgevtn/cam/state/walk": "OFF", "edgevtn/cam/state/sit_down": "ON",
    }  # fmt: skip
    sink.event(Event(1, "m", "sit down", 0.0, 1.0, 0.5))
    sink.close()
    messages = consumer.until(lambda topic, payload, _: (topic, payload) == ("edgevtn/cam/availability", "offline"))
    states = [payload for topic, payload, _ in messages if topic == "edgevtn/cam/state/sit_down"]
    assert states == ["OFF"]
    events = [json.loads(payload)["type"] for topic, payload, _ in messages if topic == "edgevtn/cam/events"]
    assert events[-1:] == ["end"]


def test_the_broker_tells_our_death(broker, consume, tmp_path):
    consumer = consume("edgevtn/cam/availability")
    arguments = [sys.executable, "-c", TELLER, f"mqtt://127.0.0.1:{broker.port}", tmp_path / "spool"]
    teller = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    assert consumer.next()[1] == "online"
    teller.kill()
    teller.wait(PATIENCE)
    assert consumer.next()[1] == "offline"


def test_new_labels_are_announced_and_old_ones_removed(broker, consume, tmp_path):
    address = f"mqtt://127.0.0.1:{broker.port}"
    consumer = consume("homeassistant/#")
    first = Mqtt(address, "cam", Origin("hall"), tmp_path / "spool")
    tell_labels(first, ("walk", "run"))
    topic, payload, _ = consumer.next()
    assert topic == "homeassistant/device/cam/config"
    assert set(json.loads(payload)["components"]) == {"action", "state_walk", "state_run"}
    tell_labels(first, ("walk", "fall"))  # within a run
    removal, clean = (json.loads(consumer.next()[1])["components"] for _ in range(2))
    assert removal["state_run"] == {"platform": "binary_sensor"}
    assert set(clean) == {"action", "state_walk", "state_fall"}
    first.close()
    second = Mqtt(address, "cam", Origin("hall"), tmp_path / "spool")  # from run to run
    presence = consume("edgevtn/cam/availability", name="presence")
    second.frame(np.zeros((4, 4, 3), np.uint8), 0.0)  # connected long before a window is full
    presence.until(lambda _, text, __: text == "online")
    tell_labels(second, ("sit", "walk"))
    messages = consumer.until(lambda _, text, __: "state_fall" in text and json.loads(text)["components"]["state_fall"])
    assert json.loads(messages[-1][1])["components"]["state_fall"] == {"platform": "binary_sensor"}
    assert set(json.loads(consumer.next()[1])["components"]) == {"action", "state_walk", "state_sit"}
    second.close()
    late = consume("homeassistant/#", name="late")
    assert set(json.loads(late.next()[1])["components"]) == {"action", "state_walk", "state_sit"}


def test_two_processes_may_not_have_the_same_id(sink, broker, tmp_path):
    with pytest.raises(OutputError, match="another process delivers from it"):
        Mqtt(f"mqtt://127.0.0.1:{broker.port}", "cam", Origin("hall"), tmp_path / "spool")


@pytest.mark.parametrize(
    ("address", "device", "reason"),
    [
        ("http://host", "cam", "expected an address like mqtt://user@host"),
        ("mqtt://me:secret@:1883", "cam", "expected an address"),
        ("mqtt://me:secret@host:port", "cam", "cannot be read"),
        ("mqtt://host", "a/b", "expected a device id"),
        ("mqtt://host", "", "expected a device id"),
    ],
)
def test_wrong_addresses_are_refused_without_the_password(address, device, reason, tmp_path):
    with pytest.raises(ValueError, match=reason) as caught:
        Mqtt(address, device)
    assert "secret" not in str(caught.value)


# paho leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in.*SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_tls_with_a_certificate_of_ones_own(tmp_path, caplog, monkeypatch):
    broker = Broker(tmp_path / "broker", tls=True).start()
    address = f"mqtts://127.0.0.1:{broker.port}"
    sink = Mqtt(address, "cam", Origin("hall"), tmp_path / "spool", ca=tmp_path / "broker" / "cert.pem")
    tell(sink, range(1, 4))
    sink.close()
    certify(tmp_path / "other")
    stranger = Mqtt(address, "cam", Origin("hall"), tmp_path / "spool", ca=tmp_path / "other" / "cert.pem")
    assert len(stranger.spool) == 0  # all were taken
    tell(stranger, [4])
    assert stranger.kept(PATIENCE)
    assert eventually(lambda: any("cannot be reached" in record.message for record in caplog.records), PATIENCE)
    monkeypatch.setattr("edgevtn.sinks.delivery.CLOSING", 0.5)  # it stays a stranger however long that waits
    stranger.close()
    broker.stop()
    assert [
        "cannot be reached" in record.message or "kept for the next" in record.message for record in caplog.records
    ] == [True, True]
    with pytest.raises(ValueError, match="certificates cannot be read"):
        Mqtt(address, "cam", ca=tmp_path / "no.pem")
