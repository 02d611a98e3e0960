"""Events over MQTT, and a device in Home Assistant. Needs the extra ``edgevtn[mqtt]``.

QoS 1, one message at a time: the next one leaves when the broker has acknowledged the one before, and that is removed
from the spool only then. After a kill in between the same message comes twice, with the same number. QoS 2 would not
change that: it holds only while both ends remember how far they were, and neither paho nor mosquitto writes that down
before it answers.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edgevtn.errors import require
from edgevtn.prediction import Event, Prediction
from edgevtn.sinks.address import parse_address
from edgevtn.sinks.delivery import Delivery
from edgevtn.sinks.discovery import Device, gone
from edgevtn.sinks.origin import Origin
from edgevtn.sinks.spool import Message

PORTS = {"mqtt": 1883, "mqtts": 8883}
#: What others call the kinds of events.
TYPES = {"begin": "new", "update": "update", "end": "end"}
#: Seconds without traffic after which the two ends ask each other whether they are there.
KEEPALIVE = 30
#: Seconds between attempts to connect, the shortest and the longest: one falls into what is left for deliveries at the
#: end, so a broker that is back by then gets what was kept.
RECONNECT = 1, 4
#: Seconds for a connection to be made; `close` may have to wait for so long.
CONNECTING = 3.0
#: Seconds for the farewell.
FAREWELL = 1.0


class Mqtt(Delivery):
    """Publishes events to a broker, and what Home Assistant needs to show them.

    ====================================== ==================================================================
    ``edgevtn/ID/events``                  every event: "type" is "new", "update" or "end"; see `Origin.event`
    ``edgevtn/ID/action``                  when one begins, with its label as "event_type"
    ``edgevtn/ID/state/LABEL``             "ON" while it goes on, else "OFF"; retained
    ``edgevtn/ID/availability``            "online" or "offline"; retained, the broker says it after a kill; offline
                                           also while the camera is lost, or all of several are
    ``edgevtn/ID/camera/NAME``             of several cameras: "OFF" while it is lost, else "ON"; retained
    ``homeassistant/device/ID/config``     the device; retained, published again when the labels change
    ====================================== ==================================================================

    Each message of the first two topics has a number, "message", that no other one has.

    Parameters
    ----------
    address : str
        ``mqtt://user:password@host:1883``, or ``mqtts://`` for TLS.
    device : str
        The ID: letters, digits, "_" and "-". No two processes may have the same.
    origin, spool
        As in `Delivery`.
    password : str, optional
        Where the address has none.
    ca : path, optional
        Certificates, PEM, by which the broker's is trusted instead of the system's.
    discovery : str
        Home Assistant's prefix; empty for no discovery.
    labels : iterable of str
        Tell of these alone; empty: of all.

    Raises
    ------
    ValueError
        The address or the id is none.
    OutputError
        The spool cannot be written, or is in use.
    MissingExtraError
    """

    def __init__(
        self,
        address: str,
        device: str,
        origin: Origin | None = None,
        spool: str | Path | None = None,
        *,
        password: str | None = None,
        ca: str | Path | None = None,
        discovery: str = "homeassistant",
        labels: Iterable[str] = (),
    ) -> None:
        parsed = parse_address(address, tuple(PORTS))
        if not device or not all(c.isascii() and (c.isalnum() or c in "_-") for c in device):
            raise ValueError(f'expected a device id of letters, digits, "_" and "-", got {device!r}')
        paho: Any = require("paho.mqtt.client", "mqtt")
        self._client = paho.Client(
            require("paho.mqtt.enums", "mqtt").CallbackAPIVersion.VERSION2, client_id=f"edgevtn-{device}"
        )
        if parsed.user is not None:
            self._client.username_pw_set(parsed.user, password if parsed.password is None else parsed.password)
        if parsed.scheme == "mqtts":
            try:
                self._client.tls_set(None if ca is None else str(ca))
            except OSError as error:
                raise ValueError(f"{ca}: certificates cannot be read from it ({error})") from None
        super().__init__(parsed.name, origin, spool)
        self._host = parsed.host.strip("[]"), parsed.port or PORTS[parsed.scheme]
        self._lost = self.origin.lost  # when that was asked last
        cameras = tuple(self._lost) if len(self._lost) > 1 else ()
        self._device = Device(device, f"edgevtn {self.origin.name or device}", cameras=cameras)
        self._topic = f"{discovery}/device/{device}/config" if discovery else ""
        self._numbers = itertools.count(1)
        self._only = frozenset(labels)
        self._labels: dict[str, tuple[str, ...]] = {}  # by model
        self._on: dict[str, int] = {}  # events that go on, by label
        self._changed = threading.Condition()  # guards what follows, which two threads change
        self._connected = False
        self._acknowledged: set[int] = set()
        self._stale = True  # the broker does not know the device, or not as it is
        self._gone: dict[str, dict[str, Any]] = {}  # components that Home Assistant has to forget
        self._earlier: Any = None  # what an earlier run announced, until it is compared with what we do
        self._published: dict[str, str] = {}  # states

    def prediction(self, prediction: Prediction) -> None:
        """Learn the model's labels."""
        labels = tuple(label for label in prediction.labels if not self._only or label in self._only)
        if self._labels.get(prediction.model) != labels:
            self._learn(prediction.model, labels)

    def pulse(self) -> None:
        """Tell that a camera is lost, or back."""
        before, self._lost = self._lost, self.origin.lost
        if self._lost != before:
            self.wake()

    def messages(self, event: Event) -> list[tuple[str, bytes]]:
        """One for all events, and when it begins another for Home Assistant."""
        if self._only and event.label not in self._only:
            return []
        if event.label not in self._device.labels:
            self._learn(event.model, (*self._labels.get(event.model, ()), event.label))
        record = self.origin.event(event)
        record = {"type": TYPES[record.pop("event")], "message": f"{self.origin.run}-{next(self._numbers)}"} | record
        if event.kind != "update":
            with self._changed:
                self._on[event.label] = self._on.get(event.label, 0) + (1 if event.kind == "begin" else -1)
            self.wake()
        messages = [(self._device.events, json.dumps(record).encode())]
        if event.kind == "begin":
            messages.append((self._device.action, json.dumps({"event_type": event.label} | record).encode()))
        return messages

    def opened(self) -> None:
        """Connect; paho's thread does it, and again whenever the connection breaks."""
        client = self._client
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail, client.on_publish = self._on_connect_fail, self._on_publish
        client.on_message, client.on_subscribe = self._on_message, self._on_subscribe
        client.will_set(self._device.availability, "offline", qos=1, retain=True)
        client.reconnect_delay_set(*RECONNECT)
        client.connect_timeout = CONNECTING
        client.connect_async(*self._host, keepalive=KEEPALIVE)
        client.loop_start()

    def deliver(self, message: Message) -> None:
        """Publish, and wait until the broker has it."""
        if not self._wait(lambda: self._connected):
            raise ConnectionError("cannot be reached")
        info = self._client.publish(message.route, message.payload, qos=1)
        # Whatever happens to the connection: paho sends it again, and a second call would send it twice.
        if not self._wait(lambda: info.mid in self._acknowledged):
            raise ConnectionError("did not acknowledge an event")
        self._acknowledged.clear()

    def idle(self) -> None:
        """Announce the device and its states, where the broker does not know them."""
        with self._changed:
            if not self._connected:
                return
            stale, self._stale = self._stale, False
            device, forgotten = self._device, {}
            if stale and device.labels:  # before that nobody knows what is gone
                forgotten = self._gone | gone(self._earlier, device.config())
                self._gone, self._earlier = {}, None
            states = {device.availability: "offline" if all(self._lost.values()) else "online"}
            states |= {device.connected(name): "OFF" if self._lost[name] else "ON" for name in device.cameras}
            states |= {device.state(label): "ON" if self._on.get(label) else "OFF" for label in device.labels}
        if stale:
            self._published = {}
            if self._topic and device.labels:
                self._announce(device, forgotten)
        for topic, state in states.items():
            if self._published.get(topic) != state:
                self._retain(topic, state)
        self._published = states

    def closed(self) -> None:
        """Say good-bye."""
        if self._connected:
            for label in self._device.labels:
                if self._on.get(label):
                    self._retain(self._device.state(label), "OFF")
            info = self._client.publish(self._device.availability, "offline", qos=1, retain=True)
            with self._changed:
                self._changed.wait_for(lambda: info.mid in self._acknowledged, FAREWELL)
        self._client.disconnect()
        self._client.loop_stop()

    def _learn(self, model: str, labels: tuple[str, ...]) -> None:
        """If these are other labels of a model than before, the device is announced anew."""
        with self._changed:
            self._labels[model] = labels
            old = self._device
            self._device = Device(old.id, old.name, itertools.chain(*self._labels.values()), old.cameras)
            if self._device.labels != old.labels:
                self._gone |= gone(old.config(), self._device.config())
                self._stale = True
        self.wake()

    def _announce(self, device: Device, forgotten: dict[str, dict[str, Any]]) -> None:
        config = device.config()
        if forgotten:  # Home Assistant removes a component when only its platform is left
            for component in forgotten.values():
                if str(component.get("state_topic", "")).startswith(
                    (f"{device.prefix}/state/", f"{device.prefix}/camera/")
                ):
                    self._retain(component["state_topic"], "")
            bare = {key: {"platform": component["platform"]} for key, component in forgotten.items()}
            self._retain(self._topic, json.dumps(config | {"components": config["components"] | bare}))
        self._retain(self._topic, json.dumps(config))

    def _retain(self, topic: str, payload: str) -> None:
        self._client.publish(topic, payload, qos=1, retain=True)

    def _wait(self, condition: Any) -> bool:
        """Wait for what paho's thread reports; False when it is time to close."""
        with self._changed:
            while not condition():
                if not self.left():
                    return False
                self._changed.wait(0.2 if self.closing.is_set() else 1.0)
        return True

    # paho's thread calls these.

    def _on_connect(self, client: Any, userdata: Any, flags: Any, code: Any, properties: Any) -> None:
        if code.is_failure:
            self.trouble.begins(f"refuses the connection ({code}); events are kept, and delivered later")
            return
        if self._topic:
            client.subscribe(self._topic, qos=1)  # what an earlier run announced
        else:
            self._ready()

    def _on_subscribe(self, client: Any, userdata: Any, mid: int, codes: Any, properties: Any) -> None:
        self._ready()

    def _ready(self) -> None:
        with self._changed:
            self._connected = self._stale = True
            self._changed.notify_all()
        self.trouble.ends("is connected again")
        self.wake()

    def _on_connect_fail(self, client: Any, userdata: Any) -> None:
        self.trouble.begins("cannot be reached; events are kept, and delivered later")

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, code: Any, properties: Any) -> None:
        with self._changed:
            was, self._connected = self._connected, False
        if was and code.is_failure:
            self.trouble.begins(f"the connection broke ({code}); events are kept, and delivered later")

    def _on_publish(self, client: Any, userdata: Any, mid: int, code: Any, properties: Any) -> None:
        with self._changed:
            self._acknowledged.add(mid)
            self._changed.notify_all()

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        if not message.retain or not message.payload:  # our own come back, too
            return
        with contextlib.suppress(ValueError), self._changed:
            self._earlier = json.loads(message.payload)
            self._stale = True
        self.wake()
