"""A window, for `--show`. Needs the extra ``edgevtn[gui]``.

Not OpenCV's own: its headless wheel has none, and the other wheel would overwrite the headless one's files.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from typing import Any

from edgevtn.arrays import Frame
from edgevtn.drawing import BARS, annotate, caption, whose
from edgevtn.errors import SourceError, require
from edgevtn.prediction import Prediction
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink, StopWatching

#: Seconds after which a prediction is no longer shown: another model took its place, or the source was lost.
LATEST = 5.0

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")


class Display(Sink):
    """A window with every frame and each model's latest prediction below it; of several sources side by side.

    Watching ends when the person closes it, or presses Escape or q.

    Parameters
    ----------
    title : str

    Raises
    ------
    MissingExtraError
        pygame is not installed.
    SourceError
        There is no display.
    """

    def __init__(self, title: str = "edgevtn") -> None:
        self._pygame = require("pygame", "gui")
        try:
            self._pygame.display.init()
        except self._pygame.error as error:
            raise SourceError(f"no window can be shown here ({error}); leave --show away") from error
        self._pygame.display.set_caption(title)
        self._screen: Any = None
        self._latest: dict[str, dict[str, Prediction]] = defaultdict(dict)  # by source; by region and model
        self._shown: dict[str, Frame] = {}  # the newest picture of each source

    def prediction(self, prediction: Prediction) -> None:
        """Keep it for the frames that follow."""
        self._latest[prediction.source][whose(prediction)] = prediction

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Show a frame."""
        latest = self._latest[scene.source]
        for key, prediction in list(latest.items()):
            if timestamp - prediction.timestamp > LATEST:
                del latest[key]
        label, score = caption(latest)
        top = next(iter(latest.values())).top(BARS) if len(latest) == 1 else []
        text = f"{scene.source}: {label}" if scene.source else label
        self._tell(annotate(frame, text, score, timestamp, scene, top=top), scene.source)

    def show(self, frame: Frame, text: str, timestamp: float) -> None:
        """Show a frame with any text below it."""
        self._tell(annotate(frame, text, None, timestamp), "")

    def _tell(self, picture: Frame, source: str) -> None:
        """Show a picture in the place of its source."""
        pygame, known = self._pygame, source in self._shown
        before = self._shown.get(source, picture).shape
        self._shown[source] = picture
        columns = math.ceil(math.sqrt(len(self._shown)))
        H, W = (max(shown.shape[axis] for shown in self._shown.values()) for axis in (0, 1))
        size = columns * W, math.ceil(len(self._shown) / columns) * H
        changed = self._screen is None or not known or before != picture.shape
        if self._screen is None or self._screen.get_size() != size:
            self._screen = pygame.display.set_mode(size)
        for n, (name, shown) in enumerate(self._shown.items()):
            if changed or name == source:
                image = pygame.image.frombuffer(shown.tobytes(), shown.shape[1::-1], "BGR")
                self._screen.blit(image, (n % columns * W, n // columns * H))
        pygame.display.flip()
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                raise StopWatching
            if event.type == pygame.KEYDOWN and event.key in (pygame.K_ESCAPE, pygame.K_q):
                raise StopWatching

    def close(self) -> None:
        """Close the window."""
        self._pygame.display.quit()
