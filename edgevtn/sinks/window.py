"""A window, for `--show`. Needs the extra ``edgevtn[gui]``.

Not OpenCV's own: its headless wheel has none, and the other wheel would overwrite the headless one's files.
"""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from edgevtn.errors import SourceError, require

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")


class Window:
    """A window that shows frames, uint8 (H, W, 3) BGR.

    Raises
    ------
    MissingExtraError
        pygame is not installed.
    SourceError
        There is no display.
    """

    def __init__(self, title: str) -> None:
        self._pygame = require("pygame", "gui")
        try:
            self._pygame.display.init()
        except self._pygame.error as error:
            raise SourceError(f"no window can be shown here ({error}); leave --show away") from error
        self._pygame.display.set_caption(title)
        self._screen: Any = None

    def show(self, frame: npt.NDArray[np.uint8]) -> bool:
        """Show a frame; False once the person has closed the window or pressed Escape or q."""
        pygame = self._pygame
        H, W = frame.shape[:2]
        if self._screen is None or self._screen.get_size() != (W, H):
            self._screen = pygame.display.set_mode((W, H))
        self._screen.blit(pygame.image.frombuffer(frame.tobytes(), (W, H), "BGR"), (0, 0))
        pygame.display.flip()
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                return False
            if event.type == pygame.KEYDOWN and event.key in (pygame.K_ESCAPE, pygame.K_q):
                return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the window."""
        self._pygame.display.quit()
