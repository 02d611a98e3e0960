"""What Home Assistant is told of a camera, so that it shows it as a device: one message, by its MQTT discovery."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any
from zlib import crc32

from edgevtn.prediction import NO_ACTION


def slug(text: str) -> str:
    """A text as part of a topic: lower-case ASCII letters, digits and "_"."""
    return re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")


class Device:
    """A camera's topics, and its description for Home Assistant.

    Parameters
    ----------
    id : str
        Letters, digits, "_" and "-": part of all topics.
    name : str
        For people.
    labels : iterable of str
        The actions; "nothing" and "unknown" are left out.
    cameras : sequence of str
        Their names, where there are several.
    """

    def __init__(self, id: str, name: str, labels: Iterable[str] = (), cameras: Sequence[str] = ()) -> None:
        self.id, self.name = id, name
        self.labels = tuple(dict.fromkeys(label for label in labels if label not in NO_ACTION))
        self.prefix = f"edgevtn/{id}"
        self.availability, self.events = f"{self.prefix}/availability", f"{self.prefix}/events"
        self.action = f"{self.prefix}/action"
        self.cameras = tuple(cameras)
        self._slugs, self._camera_slugs = _slugs(self.labels), _slugs(self.cameras)

    def state(self, label: str) -> str:
        """Topic of whether an action goes on: "ON" or "OFF", retained."""
        return f"{self.prefix}/state/{self._slugs[label]}"

    def connected(self, camera: str) -> str:
        """Topic of whether a camera gives pictures: "ON" or "OFF", retained."""
        return f"{self.prefix}/camera/{self._camera_slugs[camera]}"

    def config(self) -> dict[str, Any]:
        """The discovery message: an `event` entity whose types are the labels, and a binary sensor for each.

        Each of several cameras has one, too.
        """
        sw_version = version("edgevtn")
        components: dict[str, dict[str, Any]] = {}
        if self.labels:
            components["action"] = {
                "platform": "event",
                "unique_id": f"edgevtn_{self.id}_action",
                "name": "Action",
                "event_types": list(self.labels),
                "state_topic": self.action,
            }
        for label in self.labels:
            key = f"state_{self._slugs[label]}"
            components[key] = self._sensor(key, label, self.state(label))
        for camera in self.cameras:
            key = f"camera_{self._camera_slugs[camera]}"
            components[key] = self._sensor(key, camera, self.connected(camera)) | {"device_class": "connectivity"}
        return {
            "device": {
                "identifiers": [f"edgevtn_{self.id}"],
                "name": self.name,
                "manufacturer": "edgevtn",
                "model": "Action recognition",
                "sw_version": sw_version,
            },
            "origin": {"name": "edgevtn", "sw_version": sw_version},
            "availability_topic": self.availability,
            "payload_available": "online",
            "payload_not_available": "offline",
            "qos": 1,
            "components": components,
        }

    def _sensor(self, key: str, name: str, topic: str) -> dict[str, Any]:
        """A binary sensor."""
        return {
            "platform": "binary_sensor",
            "unique_id": f"edgevtn_{self.id}_{key}",
            "name": name,
            "state_topic": topic,
            "payload_on": "ON",
            "payload_off": "OFF",
        }


def _slugs(names: Sequence[str]) -> dict[str, str]:
    """Each as part of a topic; those that differ in what is left out get a number that depends on the name alone."""
    short = [slug(name) for name in names]
    return {
        name: part if part and short.count(part) == 1 else f"{part}_{crc32(name.encode()):08x}".strip("_")
        for name, part in zip(names, short, strict=True)
    }


def gone(old: Any, new: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Components of an old discovery message that a new one has no more; empty for what is no such message."""
    components = old.get("components") if isinstance(old, dict) else None
    if not isinstance(components, dict):
        return {}
    return {
        key: component
        for key, component in components.items()
        if isinstance(component, dict) and isinstance(component.get("platform"), str) and key not in new["components"]
    }
