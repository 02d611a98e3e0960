"""The register tile: the one loop in which a decoder spends its time, written as vector instructions.

LLVM does not keep a block of sums in registers when it is handed plain Python loops, and that costs half the
speed; so this loop is emitted as LLVM vectors. LLVM still chooses the instructions, so one description serves
AVX-512, AVX2, SSE and NEON.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from edgevtn.kernels.jit import VECTOR

_FLOAT, _INDEX, _LANE = ir.FloatType(), ir.IntType(64), ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, VECTOR)
#: Floats in a cache line.
LINE = 16
_UNDEFINED = ir.Constant(_VECTOR, ir.Undefined)


def prefetch(builder: Any, pointer: Any, offset: int) -> None:
    """Ask for a cache line, `offset` elements on, to be brought into the second-level cache.

    A wide decoder's weights do not fit there, and come from farther away at each step; the processor's own
    prefetching was measured a quarter slower.
    """
    address = builder.gep(pointer, [ir.Constant(_INDEX, offset)])
    kind = ir.FunctionType(ir.VoidType(), [address.type, _LANE, _LANE, _LANE])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    read, second_level, data = 0, 2, 1
    builder.call(function, [address, *(ir.Constant(_LANE, value) for value in (read, second_level, data))])


@intrinsic
def at(typing_context: Any, array: Any, offset: Any) -> Any:
    """Pointer to element `offset` (counted flat) of a C-contiguous array."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.gep(data, [arguments[1]])

    return types.CPointer(array.dtype)(array, offset), codegen


@intrinsic(prefer_literal=True)
def tile(
    typing_context: Any,
    rows: Any,
    x: Any,
    x_stride: Any,
    w: Any,
    ahead: Any,
    depth: Any,
    b: Any,
    out: Any,
    out_stride: Any,
) -> Any:
    """``out[r, :] = b + x[r, :] @ w`` for `rows` rows (a literal) and one panel of two vectors of columns.

    x points at (rows, depth) floats, w at a packed panel (depth, PANEL), ahead at the one that will
    be wanted next, b at PANEL floats, out at
    (rows, PANEL) floats; the strides are in floats. depth is at least 1.
    """
    pointer = types.CPointer(types.float32)
    signature = types.void(rows, pointer, types.intp, pointer, pointer, types.intp, pointer, pointer, types.intp)
    row_count = rows.literal_value

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, x, x_stride, w, ahead, depth, b, out, out_stride = arguments
        multiply_add = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(_VECTOR, [_VECTOR] * 3),
            # fmuladd, not fma: without an FMA unit the latter becomes a library call a lane.
            f"llvm.fmuladd.v{VECTOR}f32",
        )

        def vector_at(pointer: Any, offset: int) -> Any:
            moved = builder.gep(pointer, [ir.Constant(_INDEX, offset)])
            return builder.bitcast(moved, _VECTOR.as_pointer())

        def load(pointer: Any, half: int) -> Any:
            value = builder.load(vector_at(pointer, half * VECTOR))
            value.align = 4  # NumPy promises the alignment of a float, no more
            return value

        def row(pointer: Any, stride: Any, r: int) -> Any:
            return builder.gep(pointer, [builder.mul(stride, ir.Constant(_INDEX, r))])

        x_rows = [row(x, x_stride, r) for r in range(row_count)]
        bias = [load(b, half) for half in range(2)]
        before = builder.block
        loop = builder.function.append_basic_block("tile.depth")
        after = builder.function.append_basic_block("tile.done")
        builder.branch(loop)

        builder.position_at_end(loop)
        k = builder.phi(_INDEX)
        k.add_incoming(ir.Constant(_INDEX, 0), before)
        sums = [[builder.phi(_VECTOR) for _ in range(2)] for _ in range(row_count)]
        w_row = builder.gep(w, [builder.mul(k, ir.Constant(_INDEX, 2 * VECTOR))])
        w_vectors = [load(w_row, half) for half in range(2)]
        following_row = builder.gep(ahead, [builder.mul(k, ir.Constant(_INDEX, 2 * VECTOR))])
        for line in range(0, 2 * VECTOR, LINE):
            prefetch(builder, following_row, line)
        totals = []
        for r in range(row_count):
            value = builder.load(builder.gep(x_rows[r], [k]))
            first = builder.insert_element(_UNDEFINED, value, ir.Constant(_LANE, 0))
            everywhere = builder.shuffle_vector(
                first, _UNDEFINED, ir.Constant(ir.VectorType(_LANE, VECTOR), [0] * VECTOR)
            )
            totals.append(
                [builder.call(multiply_add, [everywhere, w_vectors[half], sums[r][half]]) for half in range(2)]
            )
        for r in range(row_count):
            for half in range(2):
                sums[r][half].add_incoming(bias[half], before)
                sums[r][half].add_incoming(totals[r][half], loop)
        following = builder.add(k, ir.Constant(_INDEX, 1))
        k.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)

        builder.position_at_end(after)
        for r in range(row_count):
            target = row(out, out_stride, r)
            for half in range(2):
                store = builder.store(totals[r][half], vector_at(target, half * VECTOR))
                store.align = 4
        return context.get_dummy_value()

    return signature, codegen
