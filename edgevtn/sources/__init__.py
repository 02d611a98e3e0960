"""Where frames come from: one module for each kind of source, on one base.

Threads live here and nowhere else in the runtime.
"""

from edgevtn.sources.base import Source
from edgevtn.sources.open import frames, redact

__all__ = ["Source", "frames", "redact"]
