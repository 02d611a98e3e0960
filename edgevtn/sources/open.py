"""From what a user names to a source: a path, a camera, an address, or pairs that come from elsewhere."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

import cv2

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError
from edgevtn.sources.base import Given, Source
from edgevtn.sources.capture import FALLBACK_FRAME_RATE, open_capture
from edgevtn.sources.file import VideoFile
from edgevtn.sources.folder import ImageFolder
from edgevtn.sources.live import Live
from edgevtn.sources.picamera import PiCamera


def frames(source: str | int | Path | Iterable[tuple[float, Frame]], *, frame_rate: float | None = None) -> Source:
    """Open a source of frames.

    Parameters
    ----------
    source : path, int, str, or iterable
        A video file; a folder of images (in the order of the numbers in their names); a camera's index (``0`` or
        ``"0"``; a folder of that name is given as ``"./0"``); ``"picamera"``, the Raspberry Pi's own; an address
        (``rtsp://``, ``http://`` ...); or anything that yields (seconds, frame). A live source gives its latest
        frame, a file every frame.
    frame_rate : float, optional
        Hz, for folders of images, which have no times; 25 if None. Ignored for everything else.

    Returns
    -------
    Source
        Yields ``(timestamp, frame)``: seconds from the source's beginning, and uint8 (H, W, 3) BGR.

    Raises
    ------
    SourceError
        At once, if the source cannot be opened or read; while iterating, if a camera stops delivering.
    ValueError
        `frame_rate` is not above 0.
    """
    if frame_rate is not None and not (math.isfinite(frame_rate) and frame_rate > 0):
        raise ValueError(f"frame_rate must be Hz above 0, got {frame_rate}")
    if isinstance(source, Source):
        return source
    if isinstance(source, Iterable) and not isinstance(source, str | Path):
        return Given(source)
    name = str(source)
    if name == "picamera" or re.fullmatch(r"[0-9]+", name):
        name = "picamera://" if name == "picamera" else f"camera://{name}"
    scheme, mark, rest = name.partition("://")
    if mark:
        return OPENERS[scheme](rest) if scheme in OPENERS else _address(name)
    path = Path(name)
    if path.is_dir():
        return ImageFolder(path, frame_rate or FALLBACK_FRAME_RATE)
    if not path.exists():
        raise SourceError(f"{path}: does not exist; expected a video file, a folder, a camera index or a URL")
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError(f"{path}: is empty")
    capture = open_capture(str(path), f"{path}: cannot be read as a video; it is cut short, or of no known kind")
    return VideoFile(capture, name)


def redact(source: str) -> str:
    """Name of a source that may be printed: an address without user, password and query."""
    if "://" not in source:
        return source
    try:
        parts = urlsplit(source)
        place = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return f"{source.partition('://')[0]}://..."
    return f"{parts.scheme}://{place}{parts.path}"


def _address(name: str) -> Source:
    """Anything that FFmpeg opens by an address."""
    capture = open_capture(name, f"{redact(name)}: cannot be opened; check the address and that it answers")
    if capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0:  # a file that happens to be far away
        return VideoFile(capture, redact(name))
    return Live(capture, redact(name))


def _camera(index: str) -> Source:
    if not re.fullmatch(r"[0-9]+", index):
        raise SourceError(f"camera://{index}: expected the number of a camera, as in camera://0")
    return Live(int(index), f"camera {index}")


#: What opens an address that is none of FFmpeg's, by what stands before its "://"; it is given what stands behind.
OPENERS: dict[str, Callable[[str], Source]] = {
    "camera": _camera,
    "picamera": lambda _: PiCamera(),
}
