"""Frames as they are. A slot without a frame repeats the one before."""

from __future__ import annotations

from edgevtn.arrays import Float, Frame
from edgevtn.encoder import Encoder
from edgevtn.streams.base import Picture, Stream


class RGB(Stream):
    """An encoder of one frame, which it reads where it was prepared."""

    def __init__(self, encoder: Encoder, picture: Picture) -> None:
        super().__init__(picture)
        self._encode = encoder.bind([picture.pixels])

    def encode(self, frame: Frame) -> Float:
        """Features of a sampled frame, float32 (1, W)."""
        self.picture.take(frame)
        return self._encode()
