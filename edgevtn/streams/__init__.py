"""What a sampled frame, or a missing one, means to each modality: one module each.

`MODALITIES` is the closed table of what a bundle may ask for.
"""

from __future__ import annotations

from collections.abc import Callable

from edgevtn.bundle import RGB as RGB_NAME
from edgevtn.bundle import RGBDIFF
from edgevtn.encoder import Encoder
from edgevtn.streams.base import Picture, Stream
from edgevtn.streams.difference import Difference
from edgevtn.streams.reuse import Reuse
from edgevtn.streams.rgb import RGB
from edgevtn.streams.stillness import Stillness

MODALITIES: dict[str, Callable[[Encoder, Picture], Stream]] = {RGB_NAME: RGB, RGBDIFF: Difference}

__all__ = ["MODALITIES", "RGB", "Difference", "Picture", "Reuse", "Stillness", "Stream"]
