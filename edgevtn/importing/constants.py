"""What an OpenVINO graph computes from constants alone: weights that are stored as float16 or int8, and shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Constants:
    """Values of the nodes that depend on no input, computed when asked for, once."""

    def __init__(self) -> None:
        self._known: dict[str, Array | None] = {}

    def __call__(self, output: Any) -> Array | None:
        """Value of a node's output, or None if it is not constant."""
        node = output.get_node()
        key = f"{node.get_name()}:{output.get_index()}"
        if key not in self._known:
            self._known[key] = self._evaluate(node)
        return self._known[key]

    def _evaluate(self, node: Any) -> Array | None:
        kind = node.get_type_name()
        if kind == "Constant":
            data: Array = node.get_data() if hasattr(node, "get_data") else node.data
            return data.astype(np.float32) if data.dtype == np.float16 else np.array(data)
        if kind == "ShapeOf":
            shape = node.input(0).get_partial_shape()
            return np.array(shape.to_shape(), np.int64) if shape.is_static else None
        if kind not in _FUNCTIONS:
            return None
        values = [self(entry.get_source_output()) for entry in node.inputs()]
        if not values or any(value is None for value in values):
            return None
        return np.asarray(_FUNCTIONS[kind](node, *values))


def fake_quantize(node: Any, x: Array, low: Array, high: Array, out_low: Array, out_high: Array) -> Array:
    """OpenVINO's FakeQuantize, by its specification."""
    steps = node.get_attributes()["levels"] - 1
    clipped = np.clip(x, np.minimum(low, high), np.maximum(low, high))
    result: Array = np.rint((clipped - low) / (high - low) * steps) / steps * (out_high - out_low) + out_low
    return result


def _convert(node: Any, x: Array) -> Array:
    target = node.get_element_type().to_dtype()
    # float16 is storage only: what is computed with it is computed in float32.
    return x.astype(np.float32 if target == np.float16 else target)


def _reshape(node: Any, x: Array, shape: Array) -> Array:
    sizes = [
        x.shape[i] if size == 0 and node.get_attributes()["special_zero"] else size for i, size in enumerate(shape)
    ]
    return x.reshape(sizes)


_FUNCTIONS: dict[str, Callable[..., Array]] = {
    "Convert": _convert,
    "FakeQuantize": fake_quantize,
    "Reshape": _reshape,
    "Add": lambda node, a, b: a + b,
    "Subtract": lambda node, a, b: a - b,
    "Multiply": lambda node, a, b: a * b,
    "Divide": lambda node, a, b: a / b,
    "Maximum": lambda node, a, b: np.maximum(a, b),
    "Transpose": lambda node, x, order: x.transpose(order),
    "Squeeze": lambda node, x, axes: x.squeeze(tuple(np.atleast_1d(axes).tolist())),
    "Unsqueeze": lambda node, x, axes: np.expand_dims(x, tuple(np.atleast_1d(axes).tolist())),
    "Gather": lambda node, x, indices, axis: np.take(x, indices, axis=int(np.asarray(axis).item())),
    "Concat": lambda node, *parts: np.concatenate(parts, axis=node.get_attributes()["axis"]),
    "ReduceProd": lambda node, x, axes: x.prod(
        axis=tuple(np.atleast_1d(axes).tolist()), keepdims=node.get_attributes()["keep_dims"]
    ),
}
