"""Real-time human action recognition from a camera, on the CPU of a Raspberry Pi or a NUC.

>>> import edgevtn
>>> recognizer = edgevtn.Recognizer()
"""

from edgevtn._bundle import Bundle, Model, load_bundle
from edgevtn._errors import (
    BundleError,
    EdgeVTNError,
    FrameError,
    ManifestError,
    MissingExtraError,
    OutputError,
    SourceError,
    TimestampError,
)
from edgevtn._evaluate import Evaluation, evaluate
from edgevtn._events import EventDetector
from edgevtn._gui import Window
from edgevtn._manifest import Clip, read_manifest
from edgevtn._prediction import UNKNOWN, Event, Prediction
from edgevtn._recognizer import Recognizer
from edgevtn._sources import Source, frames
from edgevtn._timeline import recognize

__version__ = "0.1.0"

__all__ = [
    "UNKNOWN",
    "Bundle",
    "BundleError",
    "Clip",
    "EdgeVTNError",
    "Evaluation",
    "Event",
    "EventDetector",
    "FrameError",
    "ManifestError",
    "MissingExtraError",
    "Model",
    "OutputError",
    "Prediction",
    "Recognizer",
    "Source",
    "SourceError",
    "TimestampError",
    "Window",
    "evaluate",
    "frames",
    "load_bundle",
    "read_manifest",
    "recognize",
]
