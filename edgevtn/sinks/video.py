"""An annotated video of each source, at its pace."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from pathlib import Path

from edgevtn.arrays import Frame
from edgevtn.drawing import annotate, caption, whose
from edgevtn.prediction import Prediction
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink
from edgevtn.sinks.names import Names
from edgevtn.sources.capture import FALLBACK_FRAME_RATE
from edgevtn.video import VideoWriter


class Video(Sink):
    """Writes every frame with each model's latest prediction below it to an .mp4, what is seen outlined.

    It is written beside its name, and moved there at the end, also when the end is an error: what was recorded is
    kept. Several sources have a file each, ``FILE-SOURCE.mp4``.

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
        self._file, self._frame_rate, self._names = Path(file), frame_rate, Names()
        self._writers: dict[str, VideoWriter] = {}  # by source
        self._latest: dict[str, dict[str, Prediction]] = defaultdict(dict)  # by source; by region and model

    def place(self, source: str) -> Path:
        """The file of a source."""
        return self._file.with_stem(f"{self._file.stem}-{self._names[source]}") if source else self._file

    def prediction(self, prediction: Prediction) -> None:
        """Keep it for the frames that follow."""
        self._latest[prediction.source][whose(prediction)] = prediction

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Append a frame."""
        if scene.source not in self._writers:
            self._writers[scene.source] = VideoWriter(self.place(scene.source), self._frame_rate)
        label, score = caption(self._latest[scene.source])
        self._writers[scene.source].write(annotate(frame, label, score, timestamp, scene), timestamp)

    def close(self) -> None:
        """Finish the files; those after one that cannot be finished, too."""
        with contextlib.ExitStack() as stack:
            for writer in self._writers.values():
                stack.callback(writer.close)
