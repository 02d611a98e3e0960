"""How a weight matrix is laid out for the register tile."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgevtn.kernels.jit import PANEL
from edgevtn.kernels.tile_int8 import KIND, Kind

Float = npt.NDArray[np.float32]


def panel_starts(columns: int, panel: int = PANEL) -> list[int]:
    """First column of every panel over `columns` columns.

    The last panel is moved left to end with the last column, so that it overlaps its neighbour instead of
    needing a special case; a column computed twice is the same number twice.
    """
    return [max(0, min(start, columns - panel)) for start in range(0, columns, panel)]


def attention_scratch(clip_len: int, head_dim: int) -> tuple[Float, Float, Float, Float, Float]:
    """Zeros for `attention`: keys (P, d, R), values (Q, T, R), none (R,), scores (T, P R), mixed (T, Q R)."""
    P, Q = -(-clip_len // PANEL), -(-head_dim // PANEL)
    shapes = ((P, head_dim, PANEL), (Q, clip_len, PANEL), (PANEL,), (clip_len, P * PANEL), (clip_len, Q * PANEL))
    keys, values, none, scores, mixed = (np.zeros(shape, np.float32) for shape in shapes)
    return keys, values, none, scores, mixed


def pack(w: Float) -> Float:
    """Cut a matrix into panels of PANEL columns, each contiguous.

    Parameters
    ----------
    w : float32 (M, N)
        Weights, applied as ``x @ w``. With fewer than PANEL columns the panel is filled up with zeros.

    Returns
    -------
    float32 (P, M, PANEL)
    """
    depth, columns = w.shape
    panels = np.zeros((len(panel_starts(columns)), depth, PANEL), np.float32)
    for panel, start in zip(panels, panel_starts(columns), strict=True):
        piece = w[:, start : start + PANEL]
        panel[:, : piece.shape[1]] = piece
    return panels


def unpack(panels: Float, columns: int) -> Float:
    """Undo `pack`: float32 (P, M, PANEL) -> (M, columns)."""
    w = np.empty((panels.shape[1], columns), np.float32)
    for panel, start in zip(panels, panel_starts(columns), strict=True):
        piece = w[:, start : start + PANEL]
        piece[...] = panel[:, : piece.shape[1]]
    return w


def int8_weights(w: Float) -> tuple[npt.NDArray[np.int8], Float]:
    """Weights (..., M, N) as int8 of the same shape, and the scale (..., N) of each output channel.

    ``w`` is about ``integers * scale``. A channel of zeros has scale 0.
    """
    scale = (np.abs(w).max(axis=-2) / np.float32(127)).astype(np.float32)
    steps = np.where(scale > 0, scale, 1)[..., None, :]
    return np.rint(w / steps).astype(np.int8), scale


def padded(depth: int, kind: Kind = KIND) -> int:
    """The depth filled up to whole groups."""
    return -(-depth // kind.group) * kind.group


def pack8(integers: npt.NDArray[np.int8], kind: Kind = KIND) -> npt.NDArray[np.uint8]:
    """Cut an int8 matrix into the panels of `tile8`.

    Parameters
    ----------
    integers : int8 (M, N)
        With fewer than R8 columns the panel is filled up with zeros.

    Returns
    -------
    uint8 (P, padded M / G, R8, G)
        The bytes of int8, or of uint8 where the kind wants its weights unsigned.
    """
    depth, columns = integers.shape
    wide = np.zeros((padded(depth, kind), max(columns, kind.panel)), np.int64)
    wide[:depth, :columns] = integers
    shape = (len(wide) // kind.group, kind.group, kind.panel)
    panels = [
        wide[:, start : start + kind.panel].reshape(shape).transpose(0, 2, 1)
        for start in panel_starts(columns, kind.panel)
    ]
    # In C order: the kernels count elements flat, and the sum would keep the transposition's order.
    return np.ascontiguousarray(((np.stack(panels) + kind.offset) & 255).astype(np.uint8))


def unpack8(panels: npt.NDArray[np.uint8], columns: int, kind: Kind = KIND) -> npt.NDArray[np.int64]:
    """Undo `pack8`: (P, M / G, R8, G) -> int64 (M, columns)."""
    _, groups, panel, group = panels.shape
    values = panels.astype(np.int64) - kind.offset if kind.offset else panels.view(np.int8).astype(np.int64)
    w = np.empty((groups * group, columns), np.int64)
    for p, start in enumerate(panel_starts(columns, panel)):
        piece = w[:, start : start + panel]
        piece[...] = values[p].transpose(0, 2, 1).reshape(groups * group, panel)[:, : piece.shape[1]]
    return w
