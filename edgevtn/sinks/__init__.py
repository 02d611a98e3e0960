"""Where predictions and events go: one module for each kind of sink, on one base."""

from edgevtn.sinks.base import Sink, StopWatching, as_sink
from edgevtn.sinks.display import Display
from edgevtn.sinks.jsonl import JsonLines
from edgevtn.sinks.text import Text
from edgevtn.sinks.video import Video

__all__ = ["Display", "JsonLines", "Sink", "StopWatching", "Text", "Video", "as_sink"]
