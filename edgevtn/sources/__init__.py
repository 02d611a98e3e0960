"""Where frames come from: one module for each kind of source, on one base.

Threads live here and nowhere else in the runtime.
"""

from edgevtn.sources.base import Source
from edgevtn.sources.camera import Camera, frames
from edgevtn.sources.cameras import Cameras
from edgevtn.sources.live import Statistics
from edgevtn.sources.secret import redact, source_name

__all__ = ["Camera", "Cameras", "Source", "Statistics", "frames", "redact", "source_name"]
