"""What every stream has: a picture that it prepares frames into, and features of the last sampled frame."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from edgevtn.arrays import Float, Frame, Pixels
from edgevtn.kernels.prepare import Prepare


class Picture:
    """One way to prepare frames, and the last frame so prepared: shared by all streams that want the same.

    Parameters
    ----------
    input_size : int
        S, pixels.
    color_order : {"RGB", "BGR"}
    shape : tuple of int
        (1, 3, S, S), or by 2x2 blocks (1, 12, S / 2, S / 2).

    Attributes
    ----------
    pixels : uint8 array of `shape`
    """

    def __init__(self, input_size: int, color_order: str, shape: tuple[int, ...]) -> None:
        self._prepare = Prepare(input_size, color_order)
        self.pixels: Pixels = np.zeros(shape, np.uint8)
        self._frame: Frame | None = None  # the one in `pixels`, while it is the present one

    def take(self, frame: Frame) -> None:
        """Prepare a frame, unless it is there already."""
        if frame is not self._frame:
            self._prepare(frame, self.pixels)
            self._frame = frame

    def forget(self) -> None:
        """The next frame is another one, even if it lies in the same array."""
        self._frame = None


class Stream(ABC):
    """Frames of one modality under one encoder. Each sampled frame is encoded once, whoever uses its features.

    Attributes
    ----------
    compares : bool
        Whether its features are of two frames, so that the first frame alone has none.
    still : float32 (1, W), optional
        Features of a slot for which no frame came; None: those of the slot before.
    """

    compares: bool = False
    still: Float | None = None

    def __init__(self, picture: Picture) -> None:
        self.picture = picture

    def compare_with(self, frame: Frame) -> None:
        """Take a frame, between two slots, that the next slot's is to be compared with."""

    def skip(self, frame: Frame) -> None:
        """Take a sampled frame that need not be encoded, since nothing has moved."""

    @abstractmethod
    def encode(self, frame: Frame) -> Float | None:
        """Features of a sampled frame, float32 (1, W), valid until the next call; None where it has none."""

    def clear(self) -> None:
        """Forget all frames."""
