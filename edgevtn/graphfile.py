"""What an ONNX file may be, checked before onnxruntime sees it, without the package ``onnx``.

A graph can name other files, whose contents no checksum covers and which onnxruntime would look for in the current
folder; and it can have so many nodes that loading it takes minutes. The walk goes by the numbers of the fields in
``onnx.proto3``, and passes over the weights without reading them.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

#: Nodes: the largest published video encoders have some thousands.
MOST_NODES = 20_000
#: Graphs within graphs (branches and loops) and what holds them; nobody nests deeper.
DEEPEST = 24


class _Kind(IntEnum):
    """Messages of ``onnx.proto3`` in which there can be a tensor."""

    MODEL, TRAINING, FUNCTION, GRAPH, NODE, ATTRIBUTE, TENSOR, SPARSE = range(8)


#: The fields of each that hold such messages, by number.
INSIDE = {
    _Kind.MODEL: {7: _Kind.GRAPH, 20: _Kind.TRAINING, 25: _Kind.FUNCTION},
    _Kind.TRAINING: {1: _Kind.GRAPH, 2: _Kind.GRAPH},
    _Kind.FUNCTION: {7: _Kind.NODE, 11: _Kind.ATTRIBUTE},
    _Kind.GRAPH: {1: _Kind.NODE, 5: _Kind.TENSOR, 15: _Kind.SPARSE},
    _Kind.NODE: {5: _Kind.ATTRIBUTE},
    _Kind.ATTRIBUTE: {
        5: _Kind.TENSOR, 6: _Kind.GRAPH, 10: _Kind.TENSOR, 11: _Kind.GRAPH, 22: _Kind.SPARSE, 23: _Kind.SPARSE,
    },
    _Kind.TENSOR: {},
    _Kind.SPARSE: {1: _Kind.TENSOR, 2: _Kind.TENSOR},
}  # fmt: skip
#: Fields of a tensor: which file has its values, and whether one has: 0 if none.
EXTERNAL_DATA, DATA_LOCATION = 13, 14
#: Wire types of protobuf: a number, eight bytes, bytes by their length, four bytes.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def check_graph(content: bytes) -> None:
    """Refuse what is no ONNX, names other files, or is too large to be loaded in seconds.

    Raises
    ------
    ValueError
        With the reason.
    """
    # onnxruntime looks for its own format first, in which graphs are not protobuf.
    if content[4:8] == b"ORTM":
        raise ValueError("it is of onnxruntime's own format; expected ONNX")
    nodes = graphs = 0
    waiting = [(_Kind.MODEL, 0, len(content), 0)]
    while waiting:
        kind, start, end, depth = waiting.pop()
        graphs += kind is _Kind.GRAPH
        nodes += kind is _Kind.NODE
        if nodes > MOST_NODES:
            raise ValueError(f"it has more than {MOST_NODES} nodes")
        if depth > DEEPEST:
            raise ValueError("its graphs are nested too deeply")
        for field, value, length, _ in fields(content, start, end):
            if kind is _Kind.TENSOR and (field == EXTERNAL_DATA or (field == DATA_LOCATION and value)):
                raise ValueError("it names another file for its weights; save it with all data inside")
            inner = INSIDE[kind].get(field)
            if inner is not None:
                if length < 0:
                    raise ValueError("it is no ONNX, or damaged")
                waiting.append((inner, value, value + length, depth + 1))
    if not graphs:
        raise ValueError("it has no graph; expected ONNX")


class Field(NamedTuple):
    """A field of a message: its number; its value, or where its bytes are; their length, else -1; and where it ends."""

    number: int
    value: int
    length: int
    end: int


def fields(content: bytes, place: int, end: int) -> Iterator[Field]:
    """The fields of the message between two places.

    Raises
    ------
    ValueError
        It is no protobuf.
    """
    while place < end:
        key, place = varint(content, place, end)
        if key >= 2**32:  # protobuf would drop the upper bits, and read another field than we do
            raise ValueError("it is no ONNX, or damaged")
        wire = key & 7
        if wire == BYTES:
            length, place = varint(content, place, end)
            if length > end - place:
                raise ValueError("it is no ONNX, or cut short")
            yield Field(key >> 3, place, length, place + length)
            place += length
        elif wire == VARINT:
            value, place = varint(content, place, end)
            yield Field(key >> 3, value, -1, place)
        elif wire in (FIXED32, FIXED64):
            place += 4 if wire == FIXED32 else 8
            if place > end:
                raise ValueError("it is no ONNX, or cut short")
            yield Field(key >> 3, 0, -1, place)
        else:  # groups, which ONNX has none of
            raise ValueError("it is no ONNX, or damaged")


def varint(content: bytes, place: int, end: int) -> tuple[int, int]:
    """A number of up to ten bytes, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= end:
            raise ValueError("it is no ONNX, or cut short")
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (2**64 - 1), place
    raise ValueError("it is no ONNX, or damaged")
