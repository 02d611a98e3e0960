"""Tell a broker about one action alone, soon, and not twice in half a minute.

edgevtn teach takes -o mine --modality movement   # takes/fall, takes/walk, takes/nothing ...
python examples/fall_alarm.py 0 mqtt://host --model mine --label fall

It needs edgevtn[mqtt]. Nobody's safety should hang on it alone.
"""

import argparse

import edgevtn
from edgevtn.sinks import Origin
from edgevtn.sinks.mqtt import Mqtt

parser = argparse.ArgumentParser(description="An alarm for one action.")
parser.add_argument("source", help="a camera's index, an address, or a file")
parser.add_argument("broker", help="mqtt://user:password@host:1883")
parser.add_argument("--model", help="folder of a model bundle that knows the action")
parser.add_argument("--label", default="fall")
arguments = parser.parse_args()

eager = {"enter": 0.4, "leave": 0.2, "cool_down": 30}
try:
    detector = edgevtn.EventDetector(labels={arguments.label: eager})
    with edgevtn.frames(arguments.source) as source:  # the sensor is unavailable while the camera is lost
        alarm = Mqtt(arguments.broker, "alarm", Origin("alarm", source), "alarm.sqlite", labels=[arguments.label])
        for event in edgevtn.watch(source, arguments.model, sinks=[alarm], detector=detector):
            if event.label == arguments.label:
                print(event.kind, event.label, flush=True)
except KeyboardInterrupt:
    pass
except (edgevtn.EdgeVTNError, ValueError) as error:
    raise SystemExit(f"error: {error}") from None
