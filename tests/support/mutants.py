"""Damaged copies of files, the same for the same seed."""

from __future__ import annotations

import random


def mutated(content: bytes, seed: int) -> bytes:
    """A damaged copy: cut, with other bits or bytes, with parts lost, doubled or overwritten, mostly near the ends."""
    chance, changed = random.Random(seed), bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5])):
        size = max(1, len(changed))
        at = (
            chance.randrange(size)
            if chance.random() < 0.5
            else chance.choice([1, -1]) * chance.randrange(min(size, 1500))
        )
        at, length = at % size, chance.choice([1, 1, 2, 4, 16, 300, 5000])
        match chance.randrange(6):
            case 0:
                del changed[at:]
            case 1:
                changed[at : at + 1] = bytes([changed[at] ^ 1 << chance.randrange(8)]) if changed else b""
            case 2:
                changed[at : at + 1] = chance.randbytes(1)
            case 3:
                del changed[at : at + length]
            case 4:
                changed[at:at] = changed[at : at + length]
            case _:
                changed[at : at + length] = chance.choice([bytes(length), b"\xff" * length, chance.randbytes(length)])
    return bytes(changed)
