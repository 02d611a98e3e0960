"""Float32 products for the register tile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llvmlite import ir

from edgevtn.kernels.machine import Tile
from edgevtn.kernels.tile import FLOAT, FLOAT_ALIGN, Sums, Value, call, load, splat


class Fp32:
    """``out = b + x @ w``, a multiplication and an addition at a time; see `tile.Arithmetic`."""

    def __init__(self, tile: Tile) -> None:
        self.tile = tile
        self.weights = ir.VectorType(FLOAT, tile.lanes)
        self.activations = FLOAT

    def arrays(self, x: Value, w: Value) -> tuple[Value, Value]:
        return x, w

    def start(self, builder: Any, b: Value, first: Any) -> list[Any]:
        pointer = b.pointer(first)
        return [load(builder, pointer, self.weights, v, FLOAT_ALIGN) for v in range(self.tile.vectors)]

    def add(self, builder: Any, total: Any, w: Any, x: Any) -> Any:
        # fmuladd, not fma: without an FMA unit the latter becomes a library call a lane.
        name = f"llvm.fmuladd.v{self.tile.lanes}f32"
        return call(builder, name, self.weights, splat(builder, x, self.tile.lanes), w, total)

    def finish(
        self, builder: Any, arrays: tuple[Value, Value, Value], row: Any, first: Any, totals: Sums
    ) -> Iterator[list[Any]]:
        yield from totals
