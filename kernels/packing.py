"""How a weight matrix is laid out for the register tile."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgevtn.arrays import Float, Int64
from edgevtn.kernels.machine import FP32, INT8, Tile


def panel_starts(columns: int, panel: int) -> list[int]:
    """First column of every panel over `columns` columns.

    The last panel is moved left to end with the last column, so that it overlaps its neighbour instead of
    needing a special case; a column computed twice is the same number twice.
    """
    return [max(0, min(start, columns - panel)) for start in range(0, columns, panel)]


def pack(w: Float, tile: Tile = FP32) -> Float:
    """Cut a matrix into panels of R columns, each contiguous.

    Parameters
    ----------
    w : float32 (M, N)
        Weights, applied as ``x @ w``. With fewer than R columns the panel is filled up with zeros.

    Returns
    -------
    float32 (P, M, R)
    """
    depth, columns = w.shape
    starts = panel_starts(columns, tile.panel)
    panels = np.zeros((len(starts), depth, tile.panel), np.float32)
    for panel, start in zip(panels, starts, strict=True):
        piece = w[:, start : start + tile.panel]
        panel[:, : piece.shape[1]] = piece
    return panels


def unpack(panels: Float, columns: int) -> Float:
    """Undo `pack`: float32 (P, M, R) -> (M, columns)."""
    _, depth, width = panels.shape
    w = np.empty((depth, columns), np.float32)
    for panel, start in zip(panels, panel_starts(columns, width), strict=True):
        piece = w[:, start : start + width]
        piece[...] = panel[:, : piece.shape[1]]
    return w


def int8_weights(w: Float) -> tuple[npt.NDArray[np.int8], Float]:
    """Weights (..., M, N) as int8 of the same shape, and the scale (..., N) of each output channel.

    ``w`` is about ``integers * scale``. A channel of zeros has scale 0.
    """
    scale = (np.abs(w).max(axis=-2) / np.float32(127)).astype(np.float32)
    steps = np.where(scale > 0, scale, 1)[..., None, :]
    return np.rint(w / steps).astype(np.int8), scale


def padded(depth: int, tile: Tile = INT8) -> int:
    """The depth filled up to whole groups."""
    return -(-depth // tile.group) * tile.group


def pack8(integers: npt.NDArray[np.int8], tile: Tile = INT8) -> npt.NDArray[np.uint8]:
    """Cut an int8 matrix into panels of R8 columns, with groups of G neighbours along the depth side by side.

    Parameters
    ----------
    integers : int8 (M, N)
        With fewer than R8 columns the panel is filled up with zeros.

    Returns
    -------
    uint8 (P, padded M / G, R8, G)
        The bytes of int8, or of uint8 where the tile wants its weights unsigned.
    """
    depth, columns = integers.shape
    wide = np.zeros((padded(depth, tile), max(columns, tile.panel)), np.int64)
    wide[:depth, :columns] = integers
    shape = (len(wide) // tile.group, tile.group, tile.panel)
    panels = [
        wide[:, start : start + tile.panel].reshape(shape).transpose(0, 2, 1)
        for start in panel_starts(columns, tile.panel)
    ]
    # In C order, which the compiled kernels are made for; the sum would keep the transposition's order.
    return np.ascontiguousarray(((np.stack(panels) + tile.offset) & 255).astype(np.uint8))


def unpack8(panels: npt.NDArray[np.uint8], columns: int, tile: Tile = INT8) -> Int64:
    """Undo `pack8`: (P, M / G, R8, G) -> int64 (M, columns)."""
    _, groups, width, group = panels.shape
    values = panels.astype(np.int64) - tile.offset if tile.offset else panels.view(np.int8).astype(np.int64)
    w = np.empty((groups * group, columns), np.int64)
    for panel, start in zip(values, panel_starts(columns, width), strict=True):
        piece = w[:, start : start + width]
        piece[...] = panel.transpose(0, 2, 1).reshape(groups * group, width)[:, : piece.shape[1]]
    return w
