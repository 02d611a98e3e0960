"""Small pictures of moments of a clip, for a page that the user asked for."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Sequence
from pathlib import Path

import cv2

from edgevtn.arrays import Frame
from edgevtn.errors import FrameError, SourceError
from edgevtn.sources import frames

#: Pixels: a figure is still seen, and ten clips of eight moments make a page of a megabyte.
HEIGHT = 108
#: JPEG's, at most 100: at that size nobody sees more.
QUALITY = 75


def moments(source: str | Path, seconds: Sequence[float]) -> list[str] | None:
    """The frames nearest to moments of a video as addresses of pictures (``data:image/jpeg;...``).

    Parameters
    ----------
    source : path
        A file or a folder of images.
    seconds : sequence of float
        From the first frame, in rising order.

    Returns
    -------
    list of str, or None
        None where the video is no longer there or cannot be read.
    """
    if not seconds or not Path(source).exists():
        return None
    found: list[str] = []
    before: tuple[float, Frame] | None = None
    first: float | None = None
    try:
        with warnings.catch_warnings(), frames(Path(source).resolve()) as opened:
            warnings.simplefilter("ignore")  # what is odd about the clip was told when it was learned from
            for timestamp, frame in opened:
                first = timestamp if first is None else first
                elapsed = timestamp - first
                while len(found) < len(seconds) and elapsed >= seconds[len(found)]:
                    wanted = seconds[len(found)]
                    nearer = before is not None and wanted - before[0] < elapsed - wanted
                    found.append(_address(before[1] if nearer and before is not None else frame))
                if len(found) == len(seconds):
                    return found
                before = elapsed, frame
    except (SourceError, FrameError):
        return None
    if before is not None:
        found += [_address(before[1])] * (len(seconds) - len(found))
    return found or None


def _address(frame: Frame) -> str:
    height, width = frame.shape[:2]
    size = max(1, round(width * HEIGHT / height)), HEIGHT
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    content = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
