"""Real-time human action recognition from a camera, on the CPU of a Raspberry Pi or a NUC.

>>> import edgevtn
>>> recognizer = edgevtn.Recognizer()
"""

from edgevtn.bundle.facts import Model
from edgevtn.bundle.load import Bundle, load_bundle, load_streams
from edgevtn.datasets.evaluate import Evaluation, evaluate
from edgevtn.datasets.layouts import read_dataset
from edgevtn.datasets.manifest import Clip, read_manifest
from edgevtn.errors import (
    BundleError,
    DownloadError,
    EdgeVTNError,
    FrameError,
    ManifestError,
    MissingExtraError,
    ModelFileError,
    OutputError,
    SourceError,
    TimestampError,
)
from edgevtn.events import EventDetector
from edgevtn.prediction import UNKNOWN, Event, Prediction
from edgevtn.recognizer import Recognizer
from edgevtn.sinks.window import Window
from edgevtn.sources.open import Source, frames
from edgevtn.watching import recognize

__version__ = "0.1.0"

__all__ = [
    "UNKNOWN",
    "Bundle",
    "BundleError",
    "Clip",
    "DownloadError",
    "EdgeVTNError",
    "Evaluation",
    "Event",
    "EventDetector",
    "FrameError",
    "ManifestError",
    "MissingExtraError",
    "Model",
    "ModelFileError",
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
    "load_streams",
    "read_dataset",
    "read_manifest",
    "recognize",
]
