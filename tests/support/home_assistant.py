"""Reads a discovery message, and messages that came to a broker; writes what Home Assistant's entities make of them.

It is run by a Python in whose environment homeassistant is installed. That of 2024.3 knows no message for a whole
device, so each component is set up by itself, with what it shares with the others.
"""

import asyncio
import json
import sys
import tempfile
from types import SimpleNamespace

from homeassistant.components.mqtt import binary_sensor, debug_info, event, models, subscription
from homeassistant.core import HomeAssistant

KINDS = {"event": event.MqttEvent, "binary_sensor": binary_sensor.MqttBinarySensor}


async def main() -> None:
    told = json.load(sys.stdin)
    home = HomeAssistant(tempfile.mkdtemp())
    home.data["mqtt"] = models.MqttData(client=None, config=[])
    subscription.async_prepare_subscribe_topics = lambda home, state, topics: topics  # nothing is subscribed to
    shared = {key: value for key, value in told["config"].items() if key != "components"}
    entities, left_out = {}, {}
    for component in told["config"]["components"].values():
        kind = KINDS[component.pop("platform")]
        valid = kind.config_schema()({"platform": "mqtt", **shared, **component})
        left_out[valid["unique_id"]] = sorted((shared.keys() | component.keys()) - valid.keys())
        entity = kind(home, valid, SimpleNamespace(entry_id="edgevtn", data={}), None)
        entity.entity_id = f"{component['state_topic']}"
        entity._prepare_subscribe_topics()
        debug_info.add_subscription(home, entity._sub_state["state_topic"]["msg_callback"], valid["state_topic"])
        entities[valid["state_topic"]] = entity
    states = []
    for topic, payload, retained in told["messages"]:
        entity = entities[topic]
        message = models.ReceiveMessage(topic, payload, 1, retained, topic, None)
        entity._sub_state["state_topic"]["msg_callback"](message)
        is_event = isinstance(entity, event.MqttEvent)
        states.append([topic, entity.state_attributes["event_type"] if is_event else entity.is_on])
    await home.async_stop(force=True)
    json.dump({"left out": left_out, "states": states}, sys.stdout)


asyncio.run(main())
