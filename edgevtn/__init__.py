"""Real-time human action recognition from a camera, on the CPU of a Raspberry Pi or a NUC.

>>> import edgevtn
>>> recognizer = edgevtn.Recognizer()

More is in `edgevtn.errors`, `edgevtn.sinks`, `edgevtn.bundle`, `edgevtn.datasets`, `edgevtn.teaching`, and, each
with an extra, `edgevtn.importing`, `edgevtn.calibration` and `edgevtn.training`.
"""

import os as _os
import pkgutil as _pkgutil

# OpenCV and its FFmpeg write about damaged files to stderr; we raise or warn. To be set before OpenCV is loaded. Not
# for the user to choose: at other levels they print addresses of cameras with their passwords.
_os.environ |= {"OPENCV_LOG_LEVEL": "ERROR", "OPENCV_FFMPEG_LOGLEVEL": "-8", "OPENCV_VIDEOIO_DEBUG": "0"}
_os.environ |= {"OPENCV_FFMPEG_DEBUG": "0"}
# The Linux wheel of onnxruntime keeps a device's number in the user's cache and sends usage data, unless it is told not
# to before it is imported: afterwards nothing stops it. A camera must be silent. Whoever wants to send sets it to 0.
_os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Inside a checkout Python finds this folder before the installed package, and kernels/, calibration/ and training/
# lie beside it: they are looked for where the package is installed.
__path__ = _pkgutil.extend_path(__path__, __name__)

from edgevtn.errors import BundleError, EdgeVTNError, FrameError, SourceError, TimestampError
from edgevtn.events import EventDetector
from edgevtn.prediction import UNKNOWN, Event, Prediction
from edgevtn.recognizer import Recognizer
from edgevtn.sinks import Sink
from edgevtn.sources import Source, frames
from edgevtn.teaching import teach
from edgevtn.watching import recognize, watch

__version__ = "0.1.0"

__all__ = [
    "UNKNOWN",
    "BundleError",
    "EdgeVTNError",
    "Event",
    "EventDetector",
    "FrameError",
    "Prediction",
    "Recognizer",
    "Sink",
    "Source",
    "SourceError",
    "TimestampError",
    "frames",
    "recognize",
    "teach",
    "watch",
]
