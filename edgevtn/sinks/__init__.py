"""Where predictions and events go: one module for each kind of sink, on one base."""

from edgevtn.sinks.base import Sink, StopWatching, as_sink
from edgevtn.sinks.display import Display
from edgevtn.sinks.jsonl import JsonFile, JsonLines
from edgevtn.sinks.origin import Origin
from edgevtn.sinks.text import Text
from edgevtn.sinks.timeline import Timeline
from edgevtn.sinks.video import Video

__all__ = [
    "Display",
    "JsonFile",
    "JsonLines",
    "Origin",
    "Sink",
    "StopWatching",
    "Text",
    "Timeline",
    "Video",
    "as_sink",
]
