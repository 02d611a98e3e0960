"""Grids of quantised values: from OpenVINO's ranges to scales and zero points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: How far, in steps, a range's zero may lie from a grid point.
MISALIGNMENT = 0.05


class Grid(NamedTuple):
    """``value = scale * (integer - zero_point)``; arrays have one entry a channel."""

    scale: Any  # float32, () or (C,)
    zero_point: Any

    def quantise(self, w: Array) -> Array:
        """Weights (C, ...) as int8 on this grid, whose zero point is 0."""
        scale = np.asarray(self.scale).reshape(-1, *[1] * (w.ndim - 1)) if np.ndim(self.scale) else self.scale
        integers: Array = np.clip(np.rint(w / scale), -128, 127).astype(np.int8)
        return integers


def activation_grid(levels: int, low: Array, high: Array, out_low: Array, out_high: Array) -> Grid | None:
    """The uint8 grid of an activation's FakeQuantize; None if it is no plain 8-bit one."""
    if levels != 256 or not (np.allclose(low, out_low, rtol=1e-3) and np.allclose(high, out_high, rtol=1e-3)):
        return None
    if low.size > 1 and np.ptp(low) == 0 and np.ptp(high) == 0:
        low, high = low.flat[0], high.flat[0]
    scale = (np.asarray(high, np.float32) - low) / np.float32(255)
    if not np.all(scale > 0):
        return None
    exact = -np.asarray(low) / scale
    zero_point = np.rint(exact)
    if np.any(np.abs(exact - zero_point) > MISALIGNMENT) or np.any(zero_point < 0) or np.any(zero_point > 255):
        return None
    if np.size(scale) == 1:
        return Grid(np.float32(scale.item()), np.uint8(zero_point.item()))
    return Grid(scale.reshape(-1).astype(np.float32), zero_point.reshape(-1).astype(np.uint8))


def weight_grid(output: Any, constant: Callable[[Any], Array | None], w: Array, factor: Array | None) -> Grid:
    """The int8 grid of a convolution's weights (C, ...), found where the graph says it, else made per channel.

    `factor` (C,): by which the weights were divided since.
    """
    node = output.get_node()
    while node.get_type_name() in ("Reshape", "Convert"):
        node = node.input(0).get_source_output().get_node()
    scale: Array | None = None
    if node.get_type_name() == "Multiply":
        for index, other in ((0, 1), (1, 0)):
            integers = _integers(node.input(index).get_source_output().get_node())
            if integers:
                scale = constant(node.input(other).get_source_output())
    elif node.get_type_name() == "FakeQuantize":
        low, high = (constant(node.input(index).get_source_output()) for index in (3, 4))
        if low is not None and high is not None:
            scale = (high - low) / (node.get_attributes()["levels"] - 1)
    if scale is None or scale.size not in (1, len(w)):
        largest = np.abs(w.reshape(len(w), -1)).max(axis=1)
        return Grid(np.where(largest > 0, largest / 127, 1).astype(np.float32), np.int8(0))
    scale = np.broadcast_to(scale.reshape(-1), len(w)).astype(np.float32)
    return Grid(scale if factor is None else scale / factor, np.int8(0))


def _integers(node: Any) -> bool:
    """Whether a node is stored integers, converted."""
    while node.get_type_name() in ("Convert", "Subtract"):
        node = node.input(0).get_source_output().get_node()
    return bool(node.get_type_name() == "Constant" and node.get_element_type().to_dtype() == np.int8)
