"""The discovery message against Home Assistant's documentation; test_home_assistant.py asks its own code."""

import json
import re

from edgevtn.sinks.discovery import Device, gone, slug

LABELS = ("walk", "sit down", "Sit-down", "fällt", "走る", "nothing", "unknown", "a/b+c#d")
#: Keys of a device discovery message, of its device and its origin: documentation of MQTT discovery.
ROOT = {"device", "origin", "components", "availability_topic", "payload_available", "payload_not_available", "qos"}
DEVICE = {"identifiers", "name", "manufacturer", "model", "sw_version"}
ORIGIN = {"name", "sw_version"}
#: Required and optional keys of the platforms, but for those that all have: documentation of MQTT event, binary sensor.
PLATFORMS = {
    "event": ({"state_topic", "event_types"}, {"device_class", "value_template"}),
    "binary_sensor": ({"state_topic"}, {"payload_on", "payload_off", "device_class", "off_delay", "expire_after"}),
}
COMMON = {"platform", "unique_id", "name", "icon", "enabled_by_default", "entity_category"}


def test_a_device_as_documented():
    config = Device("hall-1", "edgevtn hall", LABELS).config()
    assert json.loads(json.dumps(config)) == config
    assert set(config) == ROOT
    assert set(config["device"]) == DEVICE
    assert set(config["origin"]) == ORIGIN
    assert config["device"]["identifiers"] == ["edgevtn_hall-1"]
    assert config["qos"] in (0, 1, 2)
    for key, component in config["components"].items():
        required, optional = PLATFORMS[component["platform"]]
        assert required | {"platform", "unique_id"} <= set(component) <= required | optional | COMMON
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", key)
        assert re.fullmatch(r"edgevtn/[a-zA-Z0-9_/-]+", component["state_topic"])
    types = config["components"]["action"]["event_types"]
    assert types == [label for label in LABELS if label not in ("nothing", "unknown")]
    sensors = [component for component in config["components"].values() if component["platform"] == "binary_sensor"]
    assert [sensor["name"] for sensor in sensors] == types
    for name in ("unique_id", "state_topic"):
        values = [component[name] for component in config["components"].values()]
        assert len(set(values)) == len(values)


def test_topics_of_plain_labels_are_plain():
    device = Device("cam", "", ["sit down", "walk"])
    assert [device.state(label) for label in device.labels] == ["edgevtn/cam/state/sit_down", "edgevtn/cam/state/walk"]
    assert slug("Ünter/der#Brücke+") == "nter_der_br_cke"
    # A topic does not depend on the order of the labels.
    first, second = Device("cam", "", LABELS), Device("cam", "", reversed(LABELS))
    assert [first.state(label) for label in first.labels] == [second.state(label) for label in first.labels]


def test_what_is_no_message_has_no_components():
    new = Device("cam", "", ["walk"]).config()
    for old in (None, 3, [], {}, {"components": 3}, {"components": {"x": 3}}, {"components": {"x": {"platform": 1}}}):
        assert gone(old, new) == {}
    assert set(gone(Device("cam", "", ["walk", "run"]).config(), new)) == {"state_run"}
