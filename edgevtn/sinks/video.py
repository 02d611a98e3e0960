"""An annotated video, at the pace of its source."""

from __future__ import annotations

import contextlib
from pathlib import Path

import cv2

from edgevtn.arrays import Frame
from edgevtn.drawing import annotate
from edgevtn.errors import OutputError
from edgevtn.files import replacing
from edgevtn.prediction import Prediction
from edgevtn.sinks.base import Sink
from edgevtn.sources.capture import FALLBACK_FRAME_RATE


class Video(Sink):
    """Writes every frame with the latest prediction below it to an .mp4.

    The file has a constant rate; a frame is repeated or left out so that the video runs as fast as its source did.
    It is written beside its name, and moved there at the end, also when the end is an error: what was recorded is
    kept.

    Parameters
    ----------
    file : path
    frame_rate : float
        Hz, of the file.

    Raises
    ------
    OutputError
        On the first frame, if OpenCV cannot write there.
    """

    def __init__(self, file: str | Path, frame_rate: float = FALLBACK_FRAME_RATE) -> None:
        self._file, self._frame_rate = Path(file), frame_rate
        self._writer: cv2.VideoWriter | None = None
        self._place = contextlib.ExitStack()
        self._first, self._written = 0.0, 0
        self._latest: Prediction | None = None

    def prediction(self, prediction: Prediction) -> None:
        """Keep it for the frames that follow."""
        self._latest = prediction

    def frame(self, frame: Frame, timestamp: float) -> None:
        """Append a frame; all have the size of the first."""
        latest = self._latest
        label, score = ("...", None) if latest is None else (latest.label, latest.score)
        picture = annotate(frame, label, score, timestamp)
        if self._writer is None:
            self._writer, self._first = self._opened((picture.shape[1], picture.shape[0])), timestamp
        due = round((timestamp - self._first) * self._frame_rate) + 1
        for _ in range(due - self._written):
            self._writer.write(picture)
        self._written = max(self._written, due)

    def _opened(self, size: tuple[int, int]) -> cv2.VideoWriter:
        part = self._place.enter_context(replacing(self._file))
        fourcc = cv2.VideoWriter.fourcc(*"mp4v")  # the most compact that every OpenCV wheel can write
        writer = cv2.VideoWriter(str(part), cv2.CAP_FFMPEG, fourcc, self._frame_rate, size)
        if not writer.isOpened():
            raise OutputError(f"{self._file}: cannot be written; does the folder exist, and is it writable?")
        return writer

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None
        self._place.close()
