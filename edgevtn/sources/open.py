"""Where frames come from: video files, folders of images, cameras, URLs.

A source is anything that yields ``(timestamp, frame)`` and can be closed; `Source` is that interface. Files and
folders give every frame. Cameras and live URLs are in `_live`: there the latest frame wins.
"""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

# OpenCV and its FFmpeg write of damaged files to stderr; we raise or warn. Must be set before OpenCV is loaded.
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np
import numpy.typing as npt

from edgevtn.errors import SourceError

Frame = npt.NDArray[np.uint8]

IMAGE_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
#: Hz, for sources that do not say.
FALLBACK_FRAME_RATE = 25.0
#: A container's frame count is an estimate; only more than this share (and 2 frames) missing is a cut file.
MISSING_SHARE = 0.05
#: Milliseconds until an address that does not answer is given up.
NETWORK_TIMEOUT_MS = 10_000


class Source(Protocol):
    """A stream of (seconds, uint8 (H, W, 3) BGR); use it in a ``with`` statement, or call `close`."""

    def __iter__(self) -> Iterator[tuple[float, Frame]]: ...

    def close(self) -> None:
        """Give back the file or device; may be called twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _Closing:
    """The ``with`` half of `Source`, for classes that have a `close`."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


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


def frames(source: str | int | Path, *, frame_rate: float | None = None) -> Source:
    """Open a source of frames.

    Parameters
    ----------
    source : path, int or str
        A video file; a folder of images (in the order of the numbers in their names); a camera's index (``0``
        or ``"0"``); or an address (``rtsp://``, ``http://`` ...). Of a live source the latest frame wins;
        of a file every frame is given.
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
    name = str(source)
    if name == "picamera":
        from edgevtn.sources.picamera import PiCamera

        return PiCamera()
    if re.fullmatch(r"\d+", name):
        from edgevtn.sources.live import Live

        return Live(int(name), f"camera {name}")
    if "://" in name:
        capture = open_capture(name, f"{redact(name)}: cannot be opened; check the address and that it answers")
        if capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0:  # a file that happens to be far away
            return VideoFile(capture, redact(name))
        from edgevtn.sources.live import Live

        return Live(capture, redact(name))
    path = Path(name)
    if path.is_dir():
        return ImageFolder(path, frame_rate or FALLBACK_FRAME_RATE)
    if not path.exists():
        raise SourceError(f"{path}: does not exist; expected a video file, a folder, a camera index or a URL")
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError(f"{path}: is empty")
    return VideoFile(
        open_capture(str(path), f"{path}: cannot be read as a video; it is cut short, or of no known kind"),
        name,
    )


def open_capture(source: str | int, reason: str) -> cv2.VideoCapture:
    """Open an OpenCV capture, or raise SourceError with `reason`."""
    options: list[int] = []
    if isinstance(source, str) and "://" in source:
        options += [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS]
        options += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS]
    # Of a text FFmpeg only: the other back ends take "%" in a file's name for a pattern of numbers.
    backend = cv2.CAP_FFMPEG if isinstance(source, str) else cv2.CAP_ANY
    try:
        capture = cv2.VideoCapture(source, backend, options)
    except cv2.error as error:
        raise SourceError(reason) from error
    if capture.isOpened():
        return capture
    raise SourceError(reason)


class VideoFile(_Closing):
    """Every frame of a video file, at the times that the file states."""

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self._capture, self._name = capture, name
        rate = capture.get(cv2.CAP_PROP_FPS)
        self._interval = 1 / (rate if math.isfinite(rate) and rate > 0 else FALLBACK_FRAME_RATE)
        ok, self._next = capture.read()
        if not ok:
            capture.release()
            raise SourceError(f"{name}: has no readable frame; it is cut short or damaged")

    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        """Yield (seconds, frame) to the end of the file; once."""
        expected = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        count, timestamp, ok, frame = 0, 0.0, self._capture.isOpened(), self._next
        while ok:
            stated = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if count > 0:
                # Damaged and some raw files repeat a time or run backwards; then count at the stated rate.
                timestamp = stated if stated > timestamp else timestamp + self._interval
            elif math.isfinite(stated):
                timestamp = stated
            yield timestamp, _bgr(frame)
            count += 1
            ok, frame = self._capture.read()
        if count and expected - count > max(2, MISSING_SHARE * expected):
            warnings.warn(
                f"{self._name}: ended after {count} of {expected:.0f} frames; it is cut short or damaged",
                RuntimeWarning,
                stacklevel=2,
            )

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._capture.release()


class ImageFolder(_Closing):
    """The images of a folder, in the order of the numbers in their names, at a fixed rate."""

    def __init__(self, folder: Path, frame_rate: float) -> None:
        def natural(file: Path) -> list[tuple[int, str]]:
            parts = re.findall(r"\d+|\D+", file.name)
            return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]

        self._frame_rate = frame_rate
        self._files = sorted((file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES), key=natural)
        if not self._files:
            raise SourceError(f"{folder}: has no images; expected files named {', '.join(sorted(IMAGE_SUFFIXES))}")

    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        """Yield (seconds, frame) for every image."""
        for n, file in enumerate(self._files):
            try:
                # Through memory, because OpenCV's own reader cannot open every path.
                frame = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
            except (OSError, cv2.error) as error:
                raise SourceError(f"{file}: cannot be read ({error})") from error
            if frame is None:
                raise SourceError(f"{file}: cannot be read as an image; remove it or save it again")
            yield n / self._frame_rate, _bgr(frame)

    def close(self) -> None:
        """Nothing is held open."""


def _bgr(frame: Any) -> Frame:
    """Whatever OpenCV decoded, as uint8 (H, W, 3): some back ends give grey or alpha."""
    if frame.dtype != np.uint8:
        frame = cv2.normalize(frame, np.empty_like(frame), 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    if frame.ndim == 2 or frame.shape[2] == 1:
        frame = cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)
    elif frame.shape[2] == 4:
        frame = cv2.cvtColor(frame, cv2.COLOR_BGRA2BGR)
    bgr: Frame = frame
    return bgr
