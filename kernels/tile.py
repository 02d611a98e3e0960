"""The register tile: the one loop in which a decoder spends its time, written as vector instructions.

LLVM does not keep a block of sums in registers when it is handed plain Python loops, and that costs half the
speed; so this loop is emitted as LLVM vectors. LLVM still chooses the instructions, so one description serves
AVX-512, AVX2, SSE and NEON. What float32 and int8 products have of their own is in `tile_fp32` and `tile_int8`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from edgevtn.kernels.machine import Tile

FLOAT, BYTE, INT, INDEX = ir.FloatType(), ir.IntType(8), ir.IntType(32), ir.IntType(64)
#: Bytes of a cache line.
LINE = 64
#: NumPy promises the alignment of one element, no more.
FLOAT_ALIGN = 4
#: Vectors of a tile, by row and place.
Sums = list[list[Any]]


class Value:
    """An argument of a kernel in generated code: an array, or a structure of them."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        self._context, self._builder, self._kind, self._value = context, builder, kind, value

    def field(self, name: str) -> Value:
        """A structure's field."""
        place = self._kind.fields.index(name)
        return Value(
            self._context, self._builder, self._kind.types[place], self._builder.extract_value(self._value, place)
        )

    def _array(self) -> Any:
        return self._context.make_array(self._kind)(self._context, self._builder, self._value)

    def size(self, axis: int) -> Any:
        """Length of an array along an axis."""
        return cgutils.unpack_tuple(self._builder, self._array().shape)[axis]

    def pointer(self, *index: Any) -> Any:
        """Pointer to an element of an array; indices that are left out are 0."""
        zeros = [ir.Constant(INDEX, 0)] * (self._kind.ndim - len(index))
        return cgutils.get_item_pointer(self._context, self._builder, self._kind, self._array(), [*index, *zeros])

    def rows(self, count: int, *index: Any) -> list[Any]:
        """Pointers to `count` elements of an array, from `index` on along its first axis.

        They are one pointer and multiples of one stride: LLVM makes slower code of separate indices.
        """
        first = self.pointer(*index)
        if self._kind.ndim == 1:
            return [self._builder.gep(first, [ir.Constant(INDEX, r)]) for r in range(count)]
        stride = cgutils.unpack_tuple(self._builder, self._array().strides)[0]
        offsets = [self._builder.mul(stride, ir.Constant(INDEX, r)) for r in range(count)]
        return [cgutils.pointer_add(self._builder, first, offset) for offset in offsets]


class Arithmetic(Protocol):
    """What one kind of products has of its own."""

    tile: Tile
    weights: Any  # LLVM type of the weights that one vector of sums takes in one step along the depth
    activations: Any  # LLVM type of the activations that it takes

    def arrays(self, x: Value, w: Value) -> tuple[Value, Value]:
        """Activations (M, depth) and packed weights (P, depth in steps, ...)."""

    def start(self, builder: Any, b: Value, first: Any) -> list[Any]:
        """A row's sums before the first step; `first` is the tile's first column."""

    def add(self, builder: Any, total: Any, w: Any, x: Any) -> Any:
        """A vector of sums after one more step."""

    def finish(
        self, builder: Any, arrays: tuple[Value, Value, Value], row: Any, first: Any, totals: Sums
    ) -> Iterator[list[Any]]:
        """The floats of one row of a tile after another: from x, w and b, its first row and column, and its sums.

        A row is stored before the next is asked for: all at once would not fit into the registers.
        """


def load(builder: Any, pointer: Any, kind: Any, offset: Any, align: int) -> Any:
    """The `offset`th value of an LLVM type from a pointer on."""
    place = offset if isinstance(offset, ir.Value) else ir.Constant(INDEX, offset)
    value = builder.load(builder.gep(builder.bitcast(pointer, kind.as_pointer()), [place]))
    value.align = align
    return value


def splat(builder: Any, value: Any, lanes: int) -> Any:
    """One value in all lanes."""
    undefined = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(INT, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(INT, lanes), [0] * lanes))


def call(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    """A call of one of LLVM's own functions."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def _prefetch(builder: Any, pointer: Any, offset: int) -> None:
    """Ask for a cache line, `offset` bytes on, to be brought into the second-level cache.

    A wide decoder's weights do not fit there, and come from farther away at each step; the processor's own
    prefetching was measured a quarter slower.
    """
    address = builder.gep(builder.bitcast(pointer, BYTE.as_pointer()), [ir.Constant(INDEX, offset)])
    read, second_level, data = (ir.Constant(INT, value) for value in (0, 2, 1))
    call(builder, "llvm.prefetch.p0", ir.VoidType(), address, read, second_level, data)


def _depth_loop(
    builder: Any, numbers: Arithmetic, rows: list[Any], panel: Any, ahead: Any, depth: Any, start: list[Any]
) -> Sums:
    """Sums over the whole depth: from pointers to rows, to a panel and to the next one, and a row's first sums."""
    vectors, step = numbers.tile.vectors, numbers.tile.panel * numbers.tile.group
    item = numbers.weights.element.width // 8 if isinstance(numbers.weights.element, ir.IntType) else FLOAT_ALIGN
    before = builder.block
    loop = builder.function.append_basic_block("tile.depth")
    after = builder.function.append_basic_block("tile.done")
    builder.branch(loop)

    builder.position_at_end(loop)
    k = builder.phi(INDEX)
    k.add_incoming(ir.Constant(INDEX, 0), before)
    sums = [[builder.phi(value.type) for value in start] for _ in rows]
    on = builder.mul(k, ir.Constant(INDEX, step))
    here, there = builder.gep(panel, [on]), builder.gep(ahead, [on])
    weights = [load(builder, here, numbers.weights, v, item) for v in range(vectors)]
    for line in range(0, step * item, LINE):
        _prefetch(builder, there, line)
    align = numbers.tile.activation().itemsize
    totals = []
    for row, row_sums in zip(rows, sums, strict=True):
        x = load(builder, row, numbers.activations, k, align)
        totals.append([numbers.add(builder, total, w, x) for total, w in zip(row_sums, weights, strict=True)])
    for row_sums, row_totals in zip(sums, totals, strict=True):
        for total, value, end in zip(row_sums, start, row_totals, strict=True):
            total.add_incoming(value, before)
            total.add_incoming(end, loop)
    following = builder.add(k, ir.Constant(INDEX, 1))
    k.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)

    builder.position_at_end(after)
    return totals


def _make_tile(numbers: Arithmetic) -> Any:
    @intrinsic(prefer_literal=True)
    def tile(
        typing_context: Any, rows: Any, x: Any, w: Any, b: Any, out: Any, row: Any, p: Any, ahead: Any, first: Any
    ) -> Any:
        """``out = x @ w + b`` for `rows` rows (a literal) from `row` on, and panel p, whose first column is `first`.

        `ahead` is the panel that will be wanted next. The depth is at least 1.
        """
        count = rows.literal_value

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _, *arrays, row, p, ahead, first = arguments
            x, w, b, out = (
                Value(context, builder, kind, value) for kind, value in zip(signature.args[1:5], arrays, strict=True)
            )
            activations, packed = numbers.arrays(x, w)
            totals = _depth_loop(
                builder,
                numbers,
                activations.rows(count, row),
                packed.pointer(p),
                packed.pointer(ahead),
                packed.size(1),
                numbers.start(builder, b, first),
            )
            floats = numbers.finish(builder, (x, w, b), row, first, totals)
            for target, values in zip(out.rows(count, row, first), floats, strict=True):
                for v, value in enumerate(values):
                    address = builder.bitcast(target, value.type.as_pointer())
                    store = builder.store(value, builder.gep(address, [ir.Constant(INDEX, v)]))
                    store.align = FLOAT_ALIGN
            return context.get_dummy_value()

        index = types.intp
        return types.void(rows, x, w, b, out, index, index, index, index), codegen

    return tile


def make_product(numbers: Arithmetic) -> Callable[..., None]:
    """``product(x, w, b, out)``, to be compiled: ``out = x @ w + b`` for all rows and columns of `out`, (M, N).

    N is at least a panel. b has N numbers. The rows of x may be longer than w is deep.
    """
    tile, rows, panel = _make_tile(numbers), numbers.tile.rows, numbers.tile.panel

    def product(x: Any, w: Any, b: Any, out: Any) -> None:
        M, N = out.shape
        panels = (N + panel - 1) // panel
        for p in range(panels):
            # The last panel is moved left, as `packing.panel_starts` has it.
            first = min(p * panel, N - panel)
            ahead = min(p + 1, panels - 1)
            row = 0
            while row + rows <= M:
                tile(rows, x, w, b, out, row, p, ahead, first)
                row += rows
            while row < M:
                tile(1, x, w, b, out, row, p, ahead, first)
                row += 1

    return product
