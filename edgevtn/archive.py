"""Arrays from an ``.npz`` as `numpy.savez` writes it, and from nothing that can do more than that.

`numpy.load` goes by way of `zipfile`, `zlib` and `ast`, which know compression, encryption, repeated members and nested
literals, and fail on damaged bytes in a dozen ways. Members here are stored as they are, so an archive of n bytes gives
at most n bytes of arrays; headers match one pattern; whatever differs is refused.

The formats: PKWARE's APPNOTE.TXT 6.3 (4.3.7, 4.3.12, 4.3.16), and `numpy.lib.format`, version 1.0.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

#: More arrays than any head or store of features has.
MOST_ARRAYS = 1000
#: Bytes of a member's name.
LONGEST_NAME = 200
#: The end of the directory: signature, disks, entries, size and place of the directory, length of a comment.
END = struct.Struct("<4s4H2LH")
#: An entry of the directory: signature, versions, flags, method, time, sum, sizes, lengths of the name and what follows
#: it, disk, attributes, place of the member.
ENTRY = struct.Struct("<4s6H3L5H2L")
#: What stands before a member: signature, version, flags, method, time, sum, sizes, lengths of the name and the rest.
LOCAL = struct.Struct("<4s5H3L2H")
#: Flags that change nothing here: sizes that stand behind a member, and names in UTF-8.
HARMLESS = 0x0808
#: Magic and version 1.0 of an array, and the length of its header.
MAGIC = b"\x93NUMPY\x01\x00"
HEADER = re.compile(
    rb"\{'descr': '(?P<dtype>[<|][fiub][1248]|<U[1-9]\d{0,8})', 'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>(?:\d{1,19}, ?)*\d{0,19})\), \} *\n"
)


class _Member(NamedTuple):
    name: str
    start: int  # of what stands before it
    size: int
    sum: int


def read_arrays(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an archive, by their names.

    Parameters
    ----------
    content : bytes
        A whole ``.npz``: stored members, below 4 GiB, of numbers, truths or texts.

    Raises
    ------
    ValueError
        It is anything else. The message is one sentence and quotes nothing of the content but names.
    """
    arrays = {}
    members = sorted(_members(content), key=lambda member: member.start)
    for member, end in zip(members, [*(later.start for later in members[1:]), len(content)], strict=True):
        start = _data(content, member)
        if start + member.size > end:
            raise ValueError(f"{member.name} reaches into what follows it")
        stored = memoryview(content)[start : start + member.size]
        if zlib.crc32(stored) != member.sum:
            raise ValueError(f"{member.name} does not match its checksum")
        arrays[member.name.removesuffix(".npy")] = _array(stored, member.name)
    return arrays


def _members(content: bytes) -> list[_Member]:
    """The directory."""
    if len(content) < END.size:
        raise ValueError("it is too short for an archive")
    signature, *disks, here, count, size, start, comment = END.unpack_from(content, len(content) - END.size)
    if signature != b"PK\x05\x06" or comment or any(disks) or here != count:
        raise ValueError("it does not end as an archive does, or is cut short")
    if count > MOST_ARRAYS or start + size != len(content) - END.size:
        raise ValueError(f"its directory is damaged, or names more than {MOST_ARRAYS} arrays")
    members: dict[str, _Member] = {}
    place = start
    for _ in range(count):
        if place + ENTRY.size > len(content) - END.size:
            raise ValueError("its directory is cut short")
        fields = ENTRY.unpack_from(content, place)
        signature, flags, method = fields[0], fields[3], fields[4]
        sum, packed, unpacked, name_length, *rest = fields[7:13]
        if signature != b"PK\x01\x02" or not 0 < name_length <= LONGEST_NAME:
            raise ValueError("its directory is damaged")
        if method or flags & ~HARMLESS or packed != unpacked:
            raise ValueError("a member is compressed or encrypted; expected what numpy.savez writes")
        name = content[place + ENTRY.size :][:name_length]
        if not re.fullmatch(rb"\w+\.npy", name) or name.decode() in members:
            raise ValueError("a member has a name that no array has, or the name of another")
        members[name.decode()] = _Member(name.decode(), fields[-1], unpacked, sum)
        place += ENTRY.size + name_length + rest[0] + rest[1]
    if place != len(content) - END.size:
        raise ValueError("its directory is damaged")
    return list(members.values())


def _data(content: bytes, member: _Member) -> int:
    """Where a member's bytes begin."""
    if member.start + LOCAL.size > len(content):
        raise ValueError(f"{member.name} lies outside of the archive")
    signature, _, flags, method, *_, name_length, extra = LOCAL.unpack_from(content, member.start)
    begin = member.start + LOCAL.size
    name = content[begin : begin + name_length]
    if signature != b"PK\x03\x04" or method or flags & ~HARMLESS or name != member.name.encode():
        raise ValueError(f"{member.name} does not stand where the directory says")
    start: int = begin + name_length + extra
    return start


def _array(stored: memoryview, name: str) -> npt.NDArray[Any]:
    length = int.from_bytes(stored[8:10], "little")
    header = HEADER.fullmatch(bytes(stored[10 : 10 + length]))
    if bytes(stored[:8]) != MAGIC or header is None:
        raise ValueError(f"{name} has a header that numpy.savez does not write for numbers")
    shape = tuple(int(part) for part in header["shape"].replace(b" ", b"").split(b",") if part)
    try:
        dtype = np.dtype(header["dtype"].decode())
    except TypeError:  # half of a byte
        raise ValueError(f"{name} is of no known type") from None
    if 10 + length + math.prod(shape) * dtype.itemsize != len(stored) or len(shape) > 8:
        raise ValueError(f"{name} is not as long as its shape {shape} says")
    flat = np.frombuffer(stored, dtype, offset=10 + length).copy()  # aligned, which its place in the file is not
    return flat.reshape(shape, order="F" if header["fortran"] == b"True" else "C")
