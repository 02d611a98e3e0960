"""An encoder with unsigned activations as one with signed ones, in its bytes and without the package ``onnx``.

A quantised value q with zero point z stands for s (q - z), and q - 128 with z - 128 for the same. So uint8 becomes int8
where 128 is taken from every constant, which is flipping its highest bit; results stay the same in every bit. On ARM
onnxruntime has faster kernels for signed activations.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from edgevtn.graphfile import BYTES, Field, fields, varint

#: Numbers of types in ``onnx.proto3``; each is one byte as a varint.
UINT8, INT8 = 2, 3
#: What flips a byte between the two.
HIGHEST_BIT = 0x80
#: Fields of messages, by their numbers there.
MODEL_GRAPH, MODEL_FUNCTIONS = 7, 25
NODE, INITIALIZER, SPARSE_INITIALIZER, INPUT, OUTPUT, VALUE_INFO = 1, 5, 15, 11, 12, 13
NODE_INPUT, NODE_OUTPUT, OP_TYPE, ATTRIBUTE = 1, 2, 4, 5
ATTRIBUTE_NAME, ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS = 1, 6, 11
DIMS, DATA_TYPE, INT32_DATA, TENSOR_NAME, RAW_DATA = 1, 2, 5, 8, 9
INFO_NAME, INFO_TYPE, TENSOR_TYPE, ELEM_TYPE = 1, 2, 1, 1
#: Operators that know zero points, and the attributes of theirs that change nothing here.
QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"
HARMLESS = {"axis"}


class _Node(NamedTuple):
    kind: str
    inputs: list[str]
    outputs: list[str]


class _NotPossible(Exception):
    """The graph has something that may not keep its meaning."""


def signed(content: bytes) -> bytes | None:
    """The same graph with int8 where it has uint8, or None where that cannot be done.

    Its inputs then want the same pixels with their highest bits flipped. It can be done if every uint8 value is an
    input or a constant, or comes from a ``QuantizeLinear``, and goes to nothing but ``DequantizeLinear``.

    Parameters
    ----------
    content : bytes
        ONNX that `edgevtn.graphfile.check_graph` has passed.
    """
    try:
        return _Signer(content).result
    except (_NotPossible, ValueError):  # what is damaged, onnxruntime refuses with a better reason
        return None


class _Signer:
    """Walks the graph once, and writes another."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._unsigned: set[str] = set()  # names of uint8 values
        self._nodes: list[_Node] = []
        parts, place, graphs = [], 0, 0
        for field in fields(content, 0, len(content)):
            if field.number == MODEL_FUNCTIONS:
                raise _NotPossible
            if field.number == MODEL_GRAPH:
                parts.append(_message(MODEL_GRAPH, self._graph(field)))
                graphs += 1
            else:
                parts.append(content[place : field.end])
            place = field.end
        if graphs != 1:
            raise _NotPossible
        self._check()
        self.result = b"".join(parts)

    def _graph(self, graph: Field) -> bytes:
        parts, place = [], graph.value
        for field in self._inside(graph):
            part = self._content[place : field.end]
            if field.number == NODE:
                self._nodes.append(self._node(field))
            elif field.number == INITIALIZER:
                part = self._constant(field) or part
            elif field.number in (INPUT, VALUE_INFO, OUTPUT):
                element = self._element(field)
                if element is None and field.number == INPUT:  # its pixels would not be flipped
                    raise _NotPossible
                if element is not None:
                    if field.number == OUTPUT or self._content[element.end - 1] != UINT8:  # a number with zeros behind
                        raise _NotPossible
                    self._unsigned |= {self._text(each) for each in self._inside(field) if each.number == INFO_NAME}
                    there = element.end - 1 - place  # a varint of one byte, as both numbers are
                    part = part[:there] + bytes([INT8]) + part[there + 1 :]
            elif field.number == SPARSE_INITIALIZER:
                raise _NotPossible
            parts.append(part)
            place = field.end
        return b"".join(parts)

    def _inside(self, field: Field) -> Iterator[Field]:
        if field.length < 0:
            raise _NotPossible
        return fields(self._content, field.value, field.end)

    def _text(self, field: Field) -> str:
        return self._content[field.value : field.end].decode("utf-8", "replace")

    def _node(self, place: Field) -> _Node:
        kind, inputs, outputs, attributes = "", [], [], set()
        for field in self._inside(place):
            if field.number == NODE_INPUT:
                inputs.append(self._text(field))
            elif field.number == NODE_OUTPUT:
                outputs.append(self._text(field))
            elif field.number == OP_TYPE:
                kind = self._text(field)
            elif field.number == ATTRIBUTE:
                for each in self._inside(field):
                    if each.number in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
                        raise _NotPossible
                    if each.number == ATTRIBUTE_NAME:
                        attributes.add(self._text(each))
        if kind in (QUANTIZE, DEQUANTIZE) and not attributes <= HARMLESS:
            raise _NotPossible
        return _Node(kind, inputs, outputs)

    def _constant(self, place: Field) -> bytes | None:
        """Another tensor in place of one of uint8, as the graph's field."""
        dims, name, kind, raw = bytearray(), None, 0, bytearray()  # of any number of fields
        before = place.value
        for field in self._inside(place):
            if field.number == DIMS:
                dims += self._content[before : field.end]
            elif field.number == DATA_TYPE:
                kind = field.value
            elif field.number == TENSOR_NAME:
                name = self._text(field)
            elif field.number == RAW_DATA:
                raw += self._content[field.value : field.end]
            elif field.number == INT32_DATA:
                raw += self._numbers(field)
            before = field.end
        if kind != UINT8:
            return None
        if name is None:
            raise _NotPossible
        self._unsigned.add(name)
        flipped = (np.frombuffer(bytes(raw), np.uint8) ^ np.uint8(HIGHEST_BIT)).tobytes()
        facts = bytes([*dims, DATA_TYPE << 3, INT8])
        tensor = facts + _message(TENSOR_NAME, name.encode()) + _message(RAW_DATA, flipped)
        return _message(INITIALIZER, tensor)

    def _numbers(self, field: Field) -> bytes:
        """Values of ``int32_data``, one or several."""
        if field.length < 0:
            values = [field.value]
        else:
            values, place = [], field.value
            while place < field.end:
                value, place = varint(self._content, place, field.end)
                values.append(value)
        if max(values, default=0) > 255:
            raise _NotPossible
        return bytes(values)

    def _element(self, place: Field) -> Field | None:
        """Where the type of a tensor is said, if it is uint8."""
        for outer in self._inside(place):
            if outer.number == INFO_TYPE:
                for tensor in self._inside(outer):
                    for field in self._inside(tensor) if tensor.number == TENSOR_TYPE else ():
                        if field.number == ELEM_TYPE and field.value == UINT8:
                            return field
        return None

    def _check(self) -> None:
        """Whether uint8 values go only where their zero points go with them."""
        if not self._unsigned:
            raise _NotPossible
        for node in self._nodes:
            if node.kind == QUANTIZE:
                if len(node.inputs) != 3:  # without a zero point it gives uint8
                    raise _NotPossible
                if node.inputs[2] in self._unsigned:
                    self._unsigned.update(node.outputs)
        for node in self._nodes:
            unsigned = [n for n, name in enumerate(node.inputs) if name in self._unsigned]
            allowed: tuple[list[int], ...] = {QUANTIZE: ([], [2]), DEQUANTIZE: ([], [0, 2])}.get(node.kind, ([],))
            if unsigned not in allowed:
                raise _NotPossible


def _message(number: int, content: bytes) -> bytes:
    """A field of bytes."""
    return _varint(number << 3 | BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])
