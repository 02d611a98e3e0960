"""Differences of two frames. In a slot without a frame nothing has changed."""

from __future__ import annotations

import numpy as np

from edgevtn.arrays import Float, Frame
from edgevtn.encoder import Encoder
from edgevtn.streams.base import Picture, Stream


class Difference(Stream):
    """An encoder of two frames: a slot's, and the last slot's or one that came later.

    The frame that is new in one call is the older one in the next: two buffers change places, not their pixels.
    """

    compares = True

    def __init__(self, encoder: Encoder, picture: Picture) -> None:
        super().__init__(picture)
        self._buffers = [np.zeros_like(picture.pixels) for _ in range(2)]
        self._encode = [encoder.bind(self._buffers[n:] + self._buffers[:n]) for n in range(2)]
        self._turn = 0
        self._begun = False
        # The same for every frame that is compared with itself.
        self.still = self._encode[0]().copy()

    def compare_with(self, frame: Frame) -> None:
        """Take a frame, between two slots, that the next slot's is to be compared with."""
        self.picture.take(frame)
        self._buffers[self._turn - 1][...] = self.picture.pixels

    def skip(self, frame: Frame) -> None:
        """Prepare a frame that need not be encoded: the next one is compared with it."""
        self.picture.take(frame)
        self._buffers[self._turn][...] = self.picture.pixels
        self._turn, self._begun = 1 - self._turn, True

    def encode(self, frame: Frame) -> Float | None:
        """Features of how a sampled frame differs from the older one, float32 (1, W); None for the first."""
        turn, begun = self._turn, self._begun
        self.skip(frame)
        return self._encode[turn]() if begun else None

    def clear(self) -> None:
        """Forget all frames."""
        self._begun = False
