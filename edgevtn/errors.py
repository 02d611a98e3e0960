"""The errors that edgevtn raises.

::

    EdgeVTNError
    ├── BundleError        a model bundle that cannot be used as it is
    ├── ModelFileError     a checkpoint, an IR or an encoder that cannot be read or used  (also a ValueError)
    ├── DownloadError      a file that cannot be fetched, or is not what was expected     (also an OSError)
    ├── NotFiniteError     a model that computes NaN or infinity  (also an ArithmeticError)
    ├── FrameError         an array that is not a frame           (also a ValueError)
    ├── TimestampError     a time that is not after the last one  (also a ValueError)
    ├── SourceError        a video, folder, camera or URL that gives no frames  (also an OSError)
    ├── OutputError        a file or folder that cannot be written              (also an OSError)
    ├── IndexFileError     an index of recordings that cannot be used           (also an OSError)
    ├── ManifestError      a list of labelled clips that cannot be used         (also a ValueError)
    └── MissingExtraError  an optional dependency that is not installed         (also an ImportError)
"""

from __future__ import annotations

import importlib
import re
import unicodedata
from types import ModuleType

#: Characters of a message: what others say of a damaged file may have 59,000. Its beginning and its end, where the
#: advice stands, are kept.
BEGINNING, ENDING = 400, 90
#: What turns the direction of writing, and so lets a text look like another.
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

#: A user and a password before a host, after which there is no other "@"; those of our own advice; and secrets that
#: have a name.
USER = re.compile(r"((?:^|[\s'\"(=,])(?:[\w+.-]+:/{1,3}|//)*)[^\s/@:]+:(?!//)[^\s]*@")
EXAMPLE = "user:password@"
NAMED_SECRET = re.compile(r"(?i)\b(pass|password|passwd|pwd|token|secret|api_?key|auth)=[^\s&;,)'\"]+")


def is_printable(text: str) -> bool:
    """Whether a text is safe to print: no escapes, line ends, halves of characters, or turns of direction."""
    return not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in TURNING for c in text)


def without_secrets(text: str) -> str:
    """A text without what stands where passwords stand: between a ``:`` and an ``@``, or behind ``password=``.

    Who makes a message leaves them out; this is for messages of others that quote an address.
    """
    hidden = USER.sub(lambda found: found[0] if found[0].endswith(EXAMPLE) else f"{found[1]}***@", text)
    return NAMED_SECRET.sub(r"\1=***", hidden)


def one_line(text: object) -> str:
    """A text of anybody's as one line that a terminal shows and does not obey, cut where it is long.

    Passwords in it become ``***``.
    """
    line = without_secrets(" ".join(_text(text).split()))
    if not is_printable(line):
        line = "".join(c if is_printable(c) else ascii(c)[1:-1] for c in line)
    return line if len(line) <= BEGINNING + ENDING + 5 else f"{line[:BEGINNING]} ... {line[-ENDING:]}"


def _text(text: object) -> str:
    """A text; names of files that Python could not decode, as with LANG=C, as the UTF-8 that they nearly always are."""
    try:
        return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # other halves of characters
        return str(text)


class EdgeVTNError(Exception):
    """Base of every error raised on purpose; its message is one line, whatever is quoted in it."""

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(message))


class BundleError(EdgeVTNError):
    """A model bundle is missing, damaged, inconsistent, or of another format version."""


class ModelFileError(EdgeVTNError, ValueError):
    """A file of another project's model, or of labels for it, cannot be read or used."""


class DownloadError(EdgeVTNError, OSError):
    """A file cannot be downloaded, or what came is not what was expected."""


class NotFiniteError(EdgeVTNError, ArithmeticError):
    """A model computed something that is no number; what was to come of it is left out."""


class FrameError(EdgeVTNError, ValueError):
    """A frame is not uint8 (H, W, 3) BGR."""


class TimestampError(EdgeVTNError, ValueError):
    """A timestamp is not finite, or not after the previous one."""


class SourceError(EdgeVTNError, OSError):
    """A source cannot be opened, or stopped giving frames."""


class OutputError(EdgeVTNError, OSError):
    """A result cannot be written where it was wanted."""


class IndexFileError(EdgeVTNError, OSError):
    """An index of recordings is missing, damaged, of another model, or used by another process."""


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
