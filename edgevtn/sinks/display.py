"""A window, for `--show`. Needs the extra ``edgevtn[gui]``.

Not OpenCV's own: its headless wheel has none, and the other wheel would overwrite the headless one's files.
"""

from __future__ import annotations

import os
from typing import Any

from edgevtn.arrays import Frame
from edgevtn.drawing import annotate, caption, whose
from edgevtn.errors import SourceError, require
from edgevtn.prediction import Prediction
from edgevtn.sinks.base import Sink, StopWatching

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")


class Display(Sink):
    """A window with every frame and each model's latest prediction below it.

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
        self._latest: dict[str, Prediction] = {}  # by region and model

    def prediction(self, prediction: Prediction) -> None:
        """Keep it for the frames that follow."""
        self._latest[whose(prediction)] = prediction

    def frame(self, frame: Frame, timestamp: float) -> None:
        """Show a frame."""
        label, score = caption(self._latest)
        self.show(frame, label, timestamp, score)

    def show(self, frame: Frame, text: str, timestamp: float, score: float | None = None) -> None:
        """Show a frame with any text below it."""
        pygame, picture = self._pygame, annotate(frame, text, score, timestamp)
        H, W = picture.shape[:2]
        if self._screen is None or self._screen.get_size() != (W, H):
            self._screen = pygame.display.set_mode((W, H))
        self._screen.blit(pygame.image.frombuffer(picture.tobytes(), (W, H), "BGR"), (0, 0))
        pygame.display.flip()
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                raise StopWatching
            if event.type == pygame.KEYDOWN and event.key in (pygame.K_ESCAPE, pygame.K_q):
                raise StopWatching

    def close(self) -> None:
        """Close the window."""
        self._pygame.display.quit()
