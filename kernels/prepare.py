"""A camera frame into the encoder's input: short side to S, centre crop, colour order, channel planes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgevtn.kernels._prepare import resize_planar  # noqa: PLC2701  the compiled half of this module


def _taps(length: int, size: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.uint16]]:
    """Two source indices and the weight of the second, in 256ths, for each of `size` outputs.

    Pixel centres are at half-integers, as in OpenCV's INTER_LINEAR; indices stop at the edges.
    """
    centre = (np.arange(size) + 0.5) * length / size - 0.5
    lower = np.floor(centre).astype(np.int32)
    weight = np.rint((centre - lower) * 256).astype(np.uint16)
    return np.clip(lower, 0, length - 1), np.clip(lower + 1, 0, length - 1), weight


def by_blocks(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Planes (1, 3, S, S) in the other order that an encoder may want, (1, 12, S / 2, S / 2).

    Channel 6 i + 3 j + c has channel c of the pixels in row i and column j of each 2x2 block.
    """
    _, C, H, W = pixels.shape
    blocks = pixels.reshape(1, C, H // 2, 2, W // 2, 2).transpose(0, 3, 5, 1, 2, 4)
    return np.ascontiguousarray(blocks.reshape(1, 4 * C, H // 2, W // 2))


class Prepare:
    """Resize the short side to S, crop the centre, order the colours, split into planes: in one pass.

    Only the centre square is read, which is the same as resizing the whole frame and cropping afterwards.

    Parameters
    ----------
    size : int
        S, pixels.
    color_order : {"RGB", "BGR"}
        The order that the model was trained on. Frames are BGR.
    """

    def __init__(self, size: int, color_order: str = "RGB") -> None:
        self.size = size
        self._swap = color_order == "RGB"
        self._square = 0  # side of the centre square that the taps were made for

    def __call__(self, frame: npt.NDArray[np.uint8], out: npt.NDArray[np.uint8]) -> None:
        """Write uint8 BGR (H, W, 3) into uint8 (1, 3, S, S) or, by 2x2 blocks, (1, 12, S / 2, S / 2).

        A frame's rows may be padded, its pixels may not.
        """
        H, W = frame.shape[:2]
        square = min(H, W)
        if square != self._square:
            self._square = square
            self._taps = _taps(square, self.size)
            self._row = np.empty(3 * square + 1, np.uint16)  # a pixel is read as four
        top, left = (H - square) // 2, (W - square) // 2
        crop = frame[top : top + square, left : left + square]
        resize_planar(crop, *self._taps, *self._taps, self._swap, self._row, out[0])
