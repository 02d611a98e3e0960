"""Int8 products for the register tile, in the best instructions for eight bits that a processor has.

All of them give the same integers, and from them, in the same order of operations, the same floats, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir

from edgevtn.kernels.machine import Tile
from edgevtn.kernels.tile import BYTE, FLOAT, FLOAT_ALIGN, INT, Sums, Value, call, load, splat

_SHORT = ir.IntType(16)


@cache
def _takes_bytes() -> bool:
    """Whether this LLVM's VPDPBUSD takes vectors of bytes; older ones take the same bits as vectors of int32."""
    vector, operand, name = "<16 x i32>", "<64 x i8>", "@llvm.x86.avx512.vpdpbusd.512"
    # With a call, as a declaration alone is not looked at.
    text = f"""
declare {vector} {name}({vector}, {operand}, {operand})
define {vector} @product({vector} %sums, {operand} %bytes) {{
  %result = call {vector} {name}({vector} %sums, {operand} %bytes, {operand} %bytes)
  ret {vector} %result
}}"""
    try:
        llvm.parse_assembly(text).verify()
    except RuntimeError:
        return False
    return True


class Int8:
    """``out = x.scales * (x.q @ w.q) * w.scale + b``, x `Int8Rows` and w an `Int8Matrix`; see `tile.Arithmetic`."""

    def __init__(self, tile: Tile) -> None:
        self.tile = tile
        self.weights = ir.VectorType(BYTE, tile.lanes * tile.group)
        # One group, as one integer.
        self.activations = ir.IntType(8 * tile.activation().itemsize * tile.group)
        self._sums = ir.VectorType(INT, tile.lanes)
        self._floats = ir.VectorType(FLOAT, tile.lanes)

    def arrays(self, x: Value, w: Value) -> tuple[Value, Value]:
        return x.field("q"), w.field("q")

    def start(self, builder: Any, b: Value, first: Any) -> list[Any]:
        return [ir.Constant(self._sums, [0] * self.tile.lanes)] * self.tile.vectors

    def add(self, builder: Any, total: Any, w: Any, x: Any) -> Any:
        instruction, lanes, sums = self.tile.instruction, self.tile.lanes, self._sums
        shorts = ir.VectorType(_SHORT, 2 * lanes)
        if instruction == "multiply":
            wide = builder.sext(x, INT)
            return builder.add(total, builder.mul(builder.sext(w, sums), splat(builder, wide, lanes)))
        x = splat(builder, x, lanes)
        if instruction == "vpdpbusd":
            operand = self.weights if _takes_bytes() else sums
            w, x = builder.bitcast(w, operand), builder.bitcast(x, operand)
            return call(builder, f"llvm.x86.avx512.vpdpbusd.{32 * lanes}", sums, total, w, x)
        if instruction == "vpmaddwd":
            wide = builder.sext(w, shorts)
            return builder.add(total, call(builder, "llvm.x86.avx2.pmadd.wd", sums, wide, builder.bitcast(x, shorts)))
        x = builder.bitcast(x, self.weights)
        if instruction == "sdot":
            return call(builder, "llvm.aarch64.neon.sdot.v4i32.v16i8", sums, total, w, x)
        product = call(builder, "llvm.aarch64.neon.smull.v8i16", shorts, w, x)
        return builder.add(total, call(builder, "llvm.aarch64.neon.saddlp.v4i32.v8i16", sums, product))

    def finish(
        self, builder: Any, arrays: tuple[Value, Value, Value], row: Any, first: Any, totals: Sums
    ) -> Iterator[list[Any]]:
        tile, (x, w, b) = self.tile, arrays
        w_scale, bias = w.field("scale").pointer(first), b.pointer(first)
        # Loaded before anything is stored, lest they be loaded again for each row.
        scales = [load(builder, w_scale, self._floats, v, FLOAT_ALIGN) for v in range(tile.vectors)]
        biases = [load(builder, bias, self._floats, v, FLOAT_ALIGN) for v in range(tile.vectors)]
        x_scales, x_sums = (x.field(name).rows(len(totals), row) for name in ("scales", "sums"))
        for x_scale, x_sum, values in zip(x_scales, x_sums, totals, strict=True):
            scale = splat(builder, builder.load(x_scale), tile.lanes)
            if tile.offset:
                extra = builder.mul(builder.load(x_sum), ir.Constant(INT, tile.offset))
                correction = splat(builder, extra, tile.lanes)
                values = [builder.sub(value, correction) for value in values]
            scaled = [builder.fmul(builder.sitofp(value, self._floats), scale) for value in values]
            scaled = [builder.fmul(value, w_scale) for value, w_scale in zip(scaled, scales, strict=True)]
            yield [builder.fadd(value, bias) for value, bias in zip(scaled, biases, strict=True)]
