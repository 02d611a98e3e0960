"""A fixed rectangle of a picture, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from edgevtn.arrays import Frame


@dataclass(frozen=True)
class Region:
    """A rectangle in which actions are recognised by themselves, as if it were a camera of its own.

    Parameters
    ----------
    name : str
    x0, y0, x1, y1 : float
        Left, upper, right and lower edge, in shares of the picture: 0 is its left or upper edge, 1 its right or lower.

    Raises
    ------
    ValueError
        The name is empty, or not 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1.
    """

    name: str
    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a region needs a name, as in door=0.1,0.2,0.4,0.9")
        edges = self.x0, self.y0, self.x1, self.y1
        if not (all(map(math.isfinite, edges)) and 0 <= self.x0 < self.x1 <= 1 and 0 <= self.y0 < self.y1 <= 1):
            got = ",".join(f"{edge:g}" for edge in edges)
            raise ValueError(
                f"region {self.name}: expected x0,y0,x1,y1 in shares of the picture, 0 <= x0 < x1 <= 1 and "
                f"0 <= y0 < y1 <= 1, got {got}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """The region of a text such as ``door=0.1,0.2,0.4,0.9``.

        Raises
        ------
        ValueError
            It is none.
        """
        name, _, edges = text.rpartition("=")
        try:
            x0, y0, x1, y1 = map(float, edges.split(","))
        except ValueError:
            raise ValueError(f"expected a region as in door=0.1,0.2,0.4,0.9, got {text}") from None
        return cls(name.strip(), x0, y0, x1, y1)

    def cut(self, frame: Frame) -> Frame:
        """The part of a frame, uint8 (h, w, 3) of at least a pixel, in the frame's own memory."""
        H, W = frame.shape[:2]
        top, left = min(round(self.y0 * H), H - 1), min(round(self.x0 * W), W - 1)
        return frame[top : max(top + 1, round(self.y1 * H)), left : max(left + 1, round(self.x1 * W))]
