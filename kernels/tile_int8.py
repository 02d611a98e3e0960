"""The register tile of int8 products, in the best instructions for eight bits that a processor has.

As in `_tile`, a block of sums stays in registers. All kinds give the same integers, and from them, in the same
order of operations, the same floats, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from edgevtn.kernels.jit import HOST_FEATURES, IS_ARM
from edgevtn.kernels.tile_fp32 import prefetch

_BYTE, _SHORT, _INT, _INDEX, _FLOAT = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType()


class Kind(NamedTuple):
    """How int8 products are computed on one family of processors."""

    name: str
    feature: str  # what the processor must have, as LLVM spells it; "" for none
    lanes: int  # sums in one register
    vectors: int  # registers in a row of the tile
    rows: int  # of the tile; rows x vectors sums must leave registers for the operands
    group: int  # neighbours along the depth that one instruction adds
    activation: type[np.signedinteger[Any]]
    offset: int  # added to the weights, which then are uint8

    @property
    def panel(self) -> int:
        """Columns of a packed weight panel."""
        return self.lanes * self.vectors


KINDS = (
    # VPDPBUSD multiplies unsigned by signed; the weights are made unsigned, and 128 times the sum of the
    # activations is subtracted afterwards.
    Kind("avx512-vnni", "avx512vnni", 16, 3, 8, 4, np.int8, 128),
    Kind("avx-vnni", "avxvnni", 8, 3, 4, 4, np.int8, 128),
    # VPMADDWD on 16 bits: VPMADDUBSW would saturate.
    Kind("avx2", "avx2", 8, 2, 4, 2, np.int16, 0),
    Kind("neon-dot", "dotprod", 4, 4, 4, 4, np.int8, 0),
    Kind("neon", "neon", 4, 4, 4, 2, np.int8, 0),
    Kind("scalar", "", 4, 2, 1, 1, np.int8, 0),
)


def usable(kind: Kind) -> bool:
    """Whether this processor has what a kind needs."""
    if kind.name.startswith("neon"):  # which every 64-bit ARM has, listed or not
        return IS_ARM and kind.feature in HOST_FEATURES | {"neon"}
    return not kind.feature or (kind.feature in HOST_FEATURES and not IS_ARM)


#: The best kind for this processor.
KIND = next(kind for kind in KINDS if usable(kind))
#: Whether it has instructions for products of 8 bits; without them float32 is as fast.
HAS_DOT_PRODUCT = KIND.group == 4


@cache
def _takes_bytes() -> bool:
    """Whether this LLVM's VPDPBUSD takes vectors of bytes; older ones take the same bits as vectors of int32."""
    vector, operand = "<16 x i32>", "<64 x i8>"
    text = f"declare {vector} @llvm.x86.avx512.vpdpbusd.512({vector}, {operand}, {operand})"
    try:
        llvm.parse_assembly(text).verify()
    except RuntimeError:
        return False
    return True


def splat(builder: Any, value: Any, lanes: int) -> Any:
    """One value in all lanes."""
    undefined = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_INT, lanes), [0] * lanes))


def _dot(kind: Kind, builder: Any) -> Callable[[Any, Any, Any], Any]:
    """``sums + w . a``: int32 (lanes,) sums, weights (lanes * group,), activations of one group, as one integer."""
    lanes = kind.lanes
    sums = ir.VectorType(_INT, lanes)

    def call(name: str, result: Any, *arguments: Any) -> Any:
        kind_of = ir.FunctionType(result, [argument.type for argument in arguments])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind_of, name), arguments)

    def everywhere(value: Any) -> Any:
        return splat(builder, value, lanes)

    if kind.name in ("avx512-vnni", "avx-vnni"):
        operand = ir.VectorType(_BYTE, 4 * lanes) if _takes_bytes() else sums

        def dot(total: Any, w: Any, a: Any) -> Any:
            w, a = (builder.bitcast(value, operand) for value in (w, everywhere(a)))
            return call(f"llvm.x86.avx512.vpdpbusd.{32 * lanes}", sums, total, w, a)
    elif kind.name == "avx2":
        shorts = ir.VectorType(_SHORT, 2 * lanes)

        def dot(total: Any, w: Any, a: Any) -> Any:
            wide = builder.sext(w, shorts)
            return builder.add(
                total, call("llvm.x86.avx2.pmadd.wd", sums, wide, builder.bitcast(everywhere(a), shorts))
            )
    elif kind.name == "neon-dot":

        def dot(total: Any, w: Any, a: Any) -> Any:
            operand = builder.bitcast(everywhere(a), ir.VectorType(_BYTE, 4 * lanes))
            return call("llvm.aarch64.neon.sdot.v4i32.v16i8", sums, total, w, operand)
    elif kind.name == "neon":
        shorts = ir.VectorType(_SHORT, 2 * lanes)

        def dot(total: Any, w: Any, a: Any) -> Any:
            operand = builder.bitcast(everywhere(a), ir.VectorType(_BYTE, 2 * lanes))
            product = call("llvm.aarch64.neon.smull.v8i16", shorts, w, operand)
            return builder.add(total, call("llvm.aarch64.neon.saddlp.v4i32.v8i16", sums, product))
    else:

        def dot(total: Any, w: Any, a: Any) -> Any:
            return builder.add(total, builder.mul(builder.sext(w, sums), everywhere(builder.sext(a, _INT))))

    return dot


def make_tile8(kind: Kind) -> Any:
    """The intrinsic of a kind; see its docstring."""
    lanes, vectors, group = kind.lanes, kind.vectors, kind.group
    weights = ir.VectorType(_BYTE, lanes * group)
    floats = ir.VectorType(_FLOAT, lanes)
    activation_bits = 8 * np.dtype(kind.activation).itemsize
    grouped = ir.IntType(activation_bits * group)

    @intrinsic(prefer_literal=True)
    def tile8(
        typing_context: Any, rows: Any, x: Any, x_stride: Any, x_scale: Any, x_sum: Any, w: Any, ahead: Any,
        groups: Any, w_scale: Any, b: Any, out: Any, out_stride: Any,
    ) -> Any:  # fmt: skip
        """``out[r, :] = x_scale[r] * (x[r] @ w) * w_scale + b`` for `rows` rows (a literal) and one panel.

        x points at (rows, groups * group) integers, x_scale at (rows,) floats, x_sum at (rows,) int32, the sums of
        x's rows, w at a packed panel (groups, panel, group) of bytes, ahead at the one
        that will be wanted next, w_scale and b at panel floats, out at
        (rows, panel) floats; strides are in elements. groups is at least 1.
        """
        signature = types.void(rows, x, types.intp, x_scale, x_sum, w, w, types.intp, w_scale, b, out, types.intp)
        row_count = rows.literal_value

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _, x, x_stride, x_scale, x_sum, w, ahead, groups, w_scale, b, out, out_stride = arguments
            dot = _dot(kind, builder)

            def moved(pointer: Any, offset: Any) -> Any:
                return builder.gep(pointer, [offset if isinstance(offset, ir.Value) else ir.Constant(_INDEX, offset)])

            def load(pointer: Any, vector: Any, align: int) -> Any:
                value = builder.load(builder.bitcast(pointer, vector.as_pointer()))
                value.align = align
                return value

            zero = ir.Constant(ir.VectorType(_INT, lanes), [0] * lanes)
            x_rows = [moved(x, builder.mul(x_stride, ir.Constant(_INDEX, r))) for r in range(row_count)]
            before = builder.block
            loop = builder.function.append_basic_block("tile8.depth")
            after = builder.function.append_basic_block("tile8.done")
            builder.branch(loop)

            builder.position_at_end(loop)
            k = builder.phi(_INDEX)
            k.add_incoming(ir.Constant(_INDEX, 0), before)
            sums = [[builder.phi(zero.type) for _ in range(vectors)] for _ in range(row_count)]
            panel = moved(w, builder.mul(k, ir.Constant(_INDEX, lanes * vectors * group)))
            w_vectors = [load(moved(panel, v * lanes * group), weights, 1) for v in range(vectors)]
            position = builder.mul(k, ir.Constant(_INDEX, group))
            for v in range(vectors):
                prefetch(
                    builder,
                    moved(ahead, builder.mul(k, ir.Constant(_INDEX, lanes * vectors * group))),
                    v * lanes * group,
                )
            totals = []
            for r in range(row_count):
                a = load(moved(x_rows[r], position), grouped, activation_bits // 8)
                totals.append([dot(sums[r][v], w_vectors[v], a) for v in range(vectors)])
            for r in range(row_count):
                for v in range(vectors):
                    sums[r][v].add_incoming(zero, before)
                    sums[r][v].add_incoming(totals[r][v], loop)
            following = builder.add(k, ir.Constant(_INDEX, 1))
            k.add_incoming(following, loop)
            builder.cbranch(builder.icmp_signed("<", following, groups), loop, after)

            builder.position_at_end(after)
            scales = [load(moved(w_scale, v * lanes), floats, 4) for v in range(vectors)]
            biases = [load(moved(b, v * lanes), floats, 4) for v in range(vectors)]
            for r in range(row_count):
                scale = splat(builder, builder.load(moved(x_scale, r)), lanes)
                target = moved(out, builder.mul(out_stride, ir.Constant(_INDEX, r)))
                if kind.offset:
                    extra = builder.mul(builder.load(moved(x_sum, r)), ir.Constant(_INT, kind.offset))
                    correction = splat(builder, extra, lanes)
                for v in range(vectors):
                    total = builder.sub(totals[r][v], correction) if kind.offset else totals[r][v]
                    value = builder.fmul(builder.fmul(builder.sitofp(total, floats), scale), scales[v])
                    value = builder.fadd(value, biases[v])
                    store = builder.store(value, builder.bitcast(moved(target, v * lanes), floats.as_pointer()))
                    store.align = 4
            return context.get_dummy_value()

        return signature, codegen

    return tile8


tile8 = make_tile8(KIND)
