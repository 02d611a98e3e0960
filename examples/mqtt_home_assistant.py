"""A camera's actions in Home Assistant: a device with an event entity, and a binary sensor for each label.

EDGEVTN_MQTT_PASSWORD=... python examples/mqtt_home_assistant.py 0 mqtt://user@homeassistant.local --id hall

It needs edgevtn[mqtt], and Home Assistant's MQTT integration on the same broker. Events that happen while the broker is
away are delivered when it is back.
"""

import argparse
import os

import edgevtn
from edgevtn.sinks import Origin
from edgevtn.sinks.mqtt import Mqtt


def main() -> None:
    parser = argparse.ArgumentParser(description="A camera's actions in Home Assistant.")
    parser.add_argument("source", help="a camera's index, an address, or a file")
    parser.add_argument("broker", help="mqtt://user@host:1883")
    parser.add_argument("--id", default="camera", help="of the device; letters, digits, _ and -")
    arguments = parser.parse_args()

    with edgevtn.frames(arguments.source) as source:
        password = os.environ.get("EDGEVTN_MQTT_PASSWORD")
        origin = Origin(arguments.id, source)
        broker = Mqtt(arguments.broker, arguments.id, origin, f"{arguments.id}.sqlite", password=password)
        for event in edgevtn.watch(source, sinks=[broker]):
            print(event.kind, event.label, flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except (edgevtn.EdgeVTNError, ValueError) as error:
        raise SystemExit(f"error: {error}") from None
