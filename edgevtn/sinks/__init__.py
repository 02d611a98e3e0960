"""Where predictions and events go: one module for each kind of sink, on one base.

What delivers to others is imported by its own name: `edgevtn.sinks.mqtt`, `webhook`, `frigate`, `command`.
"""

from edgevtn.sinks.annotated import annotate
from edgevtn.sinks.apart import Apart
from edgevtn.sinks.base import Sink, StopWatching, as_sink, telling
from edgevtn.sinks.display import Display
from edgevtn.sinks.jsonl import JsonFile, JsonLines
from edgevtn.sinks.origin import Origin
from edgevtn.sinks.text import Text
from edgevtn.sinks.timeline import Timeline
from edgevtn.sinks.video import Video

__all__ = [
    "Apart",
    "Display",
    "JsonFile",
    "JsonLines",
    "Origin",
    "Sink",
    "StopWatching",
    "Text",
    "Timeline",
    "Video",
    "annotate",
    "as_sink",
    "telling",
]
