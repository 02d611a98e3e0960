"""How a weight matrix is laid out for the register tile."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgevtn.kernels._jit import PANEL

Float = npt.NDArray[np.float32]


def panel_starts(columns: int) -> list[int]:
    """First column of every panel over `columns` columns.

    The last panel is moved left to end with the last column, so that it overlaps its neighbour instead of
    needing a special case; a column computed twice is the same number twice.
    """
    return [max(0, min(start, columns - PANEL)) for start in range(0, columns, PANEL)]


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
