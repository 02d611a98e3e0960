"""Differences of two frames. In a slot without a frame nothing has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgevtn.arrays import Float, Frame, Pixels
from edgevtn.encoder import Encoder
from edgevtn.kernels.difference import difference
from edgevtn.streams.base import Picture, Stream


class Difference(Stream):
    """An encoder of two frames, or of the picture of their difference: a slot's, and the last slot's or a later one.

    The frame that is new in one call is the older one in the next: two buffers change places, not their pixels.
    """

    compares = True

    def __init__(self, encoder: Encoder, picture: Picture) -> None:
        super().__init__(picture)
        self._buffers = [np.zeros_like(picture.pixels) for _ in range(2)]
        pairs = [self._buffers, self._buffers[::-1]]
        self._encode = [encoder.bind(pair) for pair in pairs] if encoder.pictures == 2 else _changes(encoder, pairs)
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


def _changes(encoder: Encoder, pairs: Sequence[Sequence[Pixels]]) -> list[Callable[[], Float]]:
    """For each pair of frames, the newer first, what encodes the picture of their difference."""
    change = np.zeros_like(pairs[0][0])
    encode = encoder.bind([change])

    def of(newer: Pixels, older: Pixels) -> Callable[[], Float]:
        def encode_change() -> Float:
            difference(newer, older, out=change)
            return encode()

        return encode_change

    return [of(newer, older) for newer, older in pairs]
