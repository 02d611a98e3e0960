"""The errors that edgevtn raises.

::

    EdgeVTNError
    ├── BundleError        a model bundle that cannot be used as it is
    ├── ModelFileError     a checkpoint, an IR or an encoder that cannot be read or used  (also a ValueError)
    ├── DownloadError      a file that cannot be fetched, or is not what was expected     (also an OSError)
    ├── FrameError         an array that is not a frame           (also a ValueError)
    ├── TimestampError     a time that is not after the last one  (also a ValueError)
    ├── SourceError        a video, folder, camera or URL that gives no frames  (also an OSError)
    ├── OutputError        a file or folder that cannot be written              (also an OSError)
    ├── ManifestError      a list of labelled clips that cannot be used         (also a ValueError)
    └── MissingExtraError  an optional dependency that is not installed         (also an ImportError)
"""

from __future__ import annotations

import importlib
from types import ModuleType


class EdgeVTNError(Exception):
    """Base of every error raised on purpose."""


class BundleError(EdgeVTNError):
    """A model bundle is missing, damaged, inconsistent, or of another format version."""


class ModelFileError(EdgeVTNError, ValueError):
    """A file of another project's model, or of labels for it, cannot be read or used."""


class DownloadError(EdgeVTNError, OSError):
    """A file cannot be downloaded, or what came is not what was expected."""


class FrameError(EdgeVTNError, ValueError):
    """A frame is not uint8 (H, W, 3) BGR."""


class TimestampError(EdgeVTNError, ValueError):
    """A timestamp is not finite, or not after the previous one."""


class SourceError(EdgeVTNError, OSError):
    """A source cannot be opened, or stopped giving frames."""


class OutputError(EdgeVTNError, OSError):
    """A result cannot be written where it was wanted."""


class ManifestError(EdgeVTNError, ValueError):
    """A manifest of labelled clips is missing, malformed, or names labels that the model does not know."""


class MissingExtraError(EdgeVTNError, ImportError):
    """A feature needs an optional dependency that is not installed."""


def require(module: str, extra: str) -> ModuleType:
    """Import an optional dependency, or say which extra brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"this needs {module.partition('.')[0]}, which is not installed ({error}); "
            f"install it with: pip install 'edgevtn[{extra}]'"
        ) from error
