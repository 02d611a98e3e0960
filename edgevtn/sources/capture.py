"""OpenCV's captures: opened, or refused with a reason; and their pictures as frames."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError
from edgevtn.reading import native_path

#: Hz, for sources that do not say.
FALLBACK_FRAME_RATE = 25.0
#: Seconds until an address that does not answer is given up: when it is opened, and when it is read.
NETWORK_TIMEOUTS = 10.0, 10.0


def open_capture(source: str | int, reason: str, timeouts: tuple[float, float] = NETWORK_TIMEOUTS) -> cv2.VideoCapture:
    """Open an OpenCV capture, or raise SourceError with `reason`; `timeouts` are those of an address."""
    options: list[int] = []
    if isinstance(source, str) and "://" in source:
        options += [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(1000 * timeouts[0])]
        options += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(1000 * timeouts[1])]
    # A text is for FFmpeg alone: the other back ends take "%" in a file's name for a pattern of numbers.
    backend = cv2.CAP_FFMPEG if isinstance(source, str) else cv2.CAP_ANY
    try:
        if isinstance(source, str) and "://" not in source:
            with native_path(source) as path:
                capture = cv2.VideoCapture(path, backend, options)
        else:
            capture = cv2.VideoCapture(source, backend, options)
    except (cv2.error, OSError) as error:
        raise SourceError(reason) from error
    if capture.isOpened():
        return capture
    raise SourceError(reason)


def as_frame(picture: Any) -> Frame:
    """Whatever OpenCV decoded, as uint8 (H, W, 3): some back ends give grey or alpha."""
    if picture.dtype != np.uint8:
        picture = cv2.normalize(picture, np.empty_like(picture), 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    if picture.ndim == 2 or picture.shape[2] == 1:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    elif picture.shape[2] == 4:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR)
    frame: Frame = picture
    return frame
