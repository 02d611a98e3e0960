"""Real-time human action recognition from a camera, on the CPU of a Raspberry Pi or a NUC.

>>> import edgevtn
>>> recognizer = edgevtn.Recognizer()

More is in `edgevtn.errors`, `edgevtn.sinks`, `edgevtn.bundle`, `edgevtn.datasets`, `edgevtn.teaching`, and, each
with an extra, `edgevtn.importing`, `edgevtn.calibration` and `edgevtn.training`.
"""

import importlib as _importlib
import os as _os
import pkgutil as _pkgutil
import sys as _sys
import typing as _typing

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

# The folder is beside this file where the package is installed; an installation that can be edited finds it elsewhere.
if not any(_os.path.isdir(_os.path.join(place, "kernels")) for place in __path__):  # noqa: PTH112, PTH118  (quicker)
    import importlib.util as _util

    if _util.find_spec("edgevtn.kernels") is None:
        raise ImportError(
            f"this is edgevtn's source ({_os.path.dirname(__file__)}), which is not installed for {_sys.executable}: "  # noqa: PTH120
            "in the folder above it run: pip install -e ."
        )

if _typing.TYPE_CHECKING:
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

#: Where the names are defined. A module is imported when one of its names is first asked for: whoever needs the errors
#: alone, or the command's help, waits neither for Numba nor for onnxruntime nor for OpenCV.
_HOMES = {
    "edgevtn.errors": ("BundleError", "EdgeVTNError", "FrameError", "SourceError", "TimestampError"),
    "edgevtn.events": ("EventDetector",),
    "edgevtn.prediction": ("UNKNOWN", "Event", "Prediction"),
    "edgevtn.recognizer": ("Recognizer",),
    "edgevtn.sinks": ("Sink",),
    "edgevtn.sources": ("Source", "frames"),
    "edgevtn.teaching": ("teach",),
    "edgevtn.watching": ("recognize", "watch"),
}


def __getattr__(name: str) -> object:
    """A public name, or a module of this package."""
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is not None:
        value = getattr(_importlib.import_module(home), name)
        globals()[name] = value
        return value
    if not name.startswith("_"):
        try:
            return _importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
        from edgevtn.guesses import answer

        told = answer(name)
    else:
        told = ""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{told}", name=name, obj=_sys.modules[__name__])


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
