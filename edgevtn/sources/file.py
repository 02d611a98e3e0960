"""A video file: every frame, at the times that the file states."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError
from edgevtn.sources.base import Source
from edgevtn.sources.capture import FALLBACK_FRAME_RATE, as_frame

VIDEO_SUFFIXES = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"}
#: AV1: the FFmpeg inside OpenCV's wheels has no decoder for it that needs no hardware. Whole files are meant, mostly.
UNDECODED = {"AV01"}
#: A container's frame count is an estimate; only more than this share (and 2 frames) missing is a cut file.
MISSING_SHARE = 0.05


def video_files(folder: Path) -> list[Path]:
    """The video files in a folder and its subfolders, sorted; none in what is no folder.

    Hidden files are recordings that were broken off, copies that are being made, or what a Mac leaves beside a file.
    """
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in VIDEO_SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def codec_of(capture: cv2.VideoCapture) -> str:
    """The four letters by which a container names its codec; "unknown" where they are none."""
    letters = (int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF).to_bytes(4, "little").decode("latin1")
    return letters if letters.isascii() and letters.isprintable() and letters.strip() else "unknown"


class VideoFile(Source):
    """Every frame of a video file.

    Parameters
    ----------
    capture : cv2.VideoCapture
        Opened.
    name : str
        For messages.
    """

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self._capture, self._name = capture, name
        rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if math.isfinite(rate) and rate > 0:
            self.frame_rate = rate
            if math.isfinite(count) and count > 0:
                self.duration = count / rate
        self._interval = 1 / (self.frame_rate or FALLBACK_FRAME_RATE)
        ok, picture = capture.read()
        if ok:
            self.size = picture.shape[1], picture.shape[0]
        self._damaged = False  # a frame was found and could not be converted: the file ends there
        self._next: Any = picture  # None when it was given
        if not ok:
            codec = codec_of(capture)
            capture.release()
            change = f"which ffmpeg -i {Path(name).name} -c:v libx264 out.mp4 would change"
            if codec.upper() in UNDECODED:
                raise SourceError(f"{name}: its codec is AV1 ({codec}), {change}; this OpenCV cannot decode it")
            raise SourceError(
                f"{name}: has no readable frame; it is cut short or damaged, or this OpenCV cannot decode its codec "
                f"({codec}), {change}"
            )

    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        """Yield (seconds, frame) to the end of the file; once."""
        for timestamp, decoded in self.moments():
            frame = decoded()
            if frame is not None:
                yield timestamp, frame

    def moments(self) -> Iterator[tuple[float, Callable[[], Frame | None]]]:
        """Yield (seconds, function that gives the frame) to the end of the file; once.

        A frame that is not asked for is decoded, for others are made from it, but not converted to BGR, which saves a
        fifth to two fifths of its time. The function holds until the next moment; it gives None for a damaged frame.
        """
        expected = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if self._next is None or not self._capture.isOpened():
            before = "read before" if self._capture.isOpened() else "closed"
            raise SourceError(f"{self._name}: was {before}; open it again")
        first, self._next = self._next, None
        count, timestamp, began, ok = 0, 0.0, 0.0, True
        while ok:
            stated = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if count > 0:
                # Damaged and some raw files repeat a time or run backwards; then count at the stated rate.
                timestamp = stated if stated > timestamp else timestamp + self._interval
            elif math.isfinite(stated):
                timestamp = began = stated
            yield timestamp, self._retrieve if count else partial(as_frame, first)
            count += 1
            ok = not self._damaged and self._capture.grab()
        # Matroska has no number of frames; OpenCV makes one of the duration, which is none where the rate varies.
        until = (1 - MISSING_SHARE) * (self.duration or math.inf) - 2 * self._interval
        if count and expected - count > max(2, MISSING_SHARE * expected) and timestamp - began < until:
            warnings.warn(
                f"{self._name}: ended after {count} of {expected:.0f} frames; it is cut short or damaged",
                RuntimeWarning,
                stacklevel=3,
            )

    def _retrieve(self) -> Frame | None:
        ok, picture = self._capture.retrieve()
        self._damaged = not ok
        return as_frame(picture) if ok else None

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._capture.release()
