"""A folder of images, in the order of the numbers in their names, at a fixed rate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError
from edgevtn.reading import read_regular
from edgevtn.sources.base import Source
from edgevtn.sources.capture import as_frame

#: Bytes of an image: no camera's is larger.
LARGEST = 256 * 2**20
IMAGE_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}


class ImageFolder(Source):
    """The images of a folder.

    Parameters
    ----------
    folder : Path
    frame_rate : float
        Hz.
    """

    def __init__(self, folder: Path, frame_rate: float) -> None:
        def natural(file: Path) -> list[tuple[int, str]]:
            parts = re.findall(r"\d+|\D+", file.name)
            return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]

        self._frame_rate = self.frame_rate = frame_rate
        # Hidden files are a copy that is being made, or what a Mac leaves beside a picture.
        try:
            files = [file for file in folder.iterdir() if not file.name.startswith(".") and not file.is_dir()]
        except OSError as error:
            raise SourceError(f"{folder}: cannot be read ({error.strerror})") from error
        self._files = sorted((file for file in files if file.suffix.lower() in IMAGE_SUFFIXES), key=natural)
        if not self._files:
            raise SourceError(
                f"{folder}: has no images, nor videos; expected files named {', '.join(sorted(IMAGE_SUFFIXES))}"
            )
        self.duration = len(self._files) / frame_rate

    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        """Yield (seconds, frame) for every image."""
        for n, file in enumerate(self._files):
            try:
                # Through memory, because OpenCV's own reader cannot open every path.
                picture = cv2.imdecode(np.frombuffer(read_regular(file, LARGEST), np.uint8), cv2.IMREAD_COLOR)
            except (OSError, cv2.error) as error:
                raise SourceError(f"{file}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
            if picture is None:
                raise SourceError(f"{file}: cannot be read as an image; remove it or save it again")
            yield n / self._frame_rate, as_frame(picture)
