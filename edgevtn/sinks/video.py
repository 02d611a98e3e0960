"""An annotated video, at the pace of its source."""

from __future__ import annotations

from pathlib import Path

from edgevtn.arrays import Frame
from edgevtn.drawing import annotate, caption, whose
from edgevtn.prediction import Prediction
from edgevtn.sinks.base import Sink
from edgevtn.sources.capture import FALLBACK_FRAME_RATE
from edgevtn.video import VideoWriter


class Video(Sink):
    """Writes every frame with each model's latest prediction below it to an .mp4.

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
        On the first frame, if it cannot be written there.
    """

    def __init__(self, file: str | Path, frame_rate: float = FALLBACK_FRAME_RATE) -> None:
        self._writer = VideoWriter(file, frame_rate)
        self._latest: dict[str, Prediction] = {}  # by region and model

    def prediction(self, prediction: Prediction) -> None:
        """Keep it for the frames that follow."""
        self._latest[whose(prediction)] = prediction

    def frame(self, frame: Frame, timestamp: float) -> None:
        """Append a frame."""
        label, score = caption(self._latest)
        self._writer.write(annotate(frame, label, score, timestamp), timestamp)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
