"""Real-time human action recognition from a camera, on the CPU of a Raspberry Pi or a NUC.

>>> import edgevtn
>>> recognizer = edgevtn.Recognizer()
"""

from edgevtn._bundle import Bundle, load_bundle, load_streams
from edgevtn._datasets import read_dataset
from edgevtn._errors import (
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
from edgevtn._evaluate import Evaluation, evaluate
from edgevtn._events import EventDetector
from edgevtn._gui import Window
from edgevtn._manifest import Clip, read_manifest
from edgevtn._model import Model
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
