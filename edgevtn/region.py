"""A fixed rectangle of a picture, by name, and what of a picture is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Self

from edgevtn.arrays import Frame


@dataclass(frozen=True)
class Region:
    """A rectangle in which actions are recognised by themselves, as if it were a camera of its own.

    Parameters
    ----------
    name : str
    x0, y0, x1, y1 : float
        Left, upper, right and lower edge, in shares of the picture: 0 is its left or upper edge, 1 its right or lower.
    source : str
        The name of the camera that has it; every camera has it if "".

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
    source: str = ""

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
        """The region of a text such as ``door=0.1,0.2,0.4,0.9``, or ``yard:door=0.1,0.2,0.4,0.9`` of one source.

        Raises
        ------
        ValueError
            It is none.
        """
        name, _, edges = text.rpartition("=")
        source, _, name = name.rpartition(":")
        try:
            x0, y0, x1, y1 = map(float, edges.split(","))
        except ValueError:
            got = f"{name}={edges}" if name else "no name"  # what stands before the colon may have a password
            raise ValueError(f"expected a region as in door=0.1,0.2,0.4,0.9, got {got}") from None
        return cls(name.strip(), x0, y0, x1, y1, source.strip())

    def box(self, height: int, width: int) -> Box:
        """The rectangle in a picture of that size, of at least a pixel."""
        top, left = min(round(self.y0 * height), height - 1), min(round(self.x0 * width), width - 1)
        return Box(left, top, max(left + 1, round(self.x1 * width)), max(top + 1, round(self.y1 * height)))

    def cut(self, frame: Frame) -> Frame:
        """The part of a frame, uint8 (h, w, 3) of at least a pixel, in the frame's own memory."""
        return self.box(*frame.shape[:2]).cut(frame)


class Box(NamedTuple):
    """A rectangle of pixels: the first column and row, and those behind the last."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def square(self) -> Box:
        """The centre square, which is what a model sees."""
        width, height = self.right - self.left, self.bottom - self.top
        side = min(width, height)
        left, top = self.left + (width - side) // 2, self.top + (height - side) // 2
        return Box(left, top, left + side, top + side)

    def cut(self, frame: Frame) -> Frame:
        """The part of a frame, in the frame's own memory."""
        return frame[self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True)
class Scene:
    """Whose a frame is, and what of it is recognised.

    Attributes
    ----------
    source : str
        The camera's name, where there are several; else "".
    regions : tuple of Region
        The camera's; if there is none, the whole picture is recognised.
    """

    source: str = ""
    regions: tuple[Region, ...] = ()

    def boxes(self, height: int, width: int) -> dict[str, Box]:
        """The rectangles that are recognised, by region, in a picture of that size; of the whole picture by ""."""
        if not self.regions:
            return {"": Box(0, 0, width, height)}
        return {region.name: region.box(height, width) for region in self.regions}


#: A single source, all of which is recognised.
WHOLE = Scene()
