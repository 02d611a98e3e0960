"""A kernel's arguments as words: what Numba's machine code takes, without Numba."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Name of the function that takes a pointer to words, and gives Numba's status: 0 if all is well.
ENTRY = "edgevtn_entry"
#: Where an array's address stands among its words: after two pointers to its owner, its size and its items' size.
ADDRESS = 4


class Unsuitable(Exception):
    """Arguments of a kind that words do not tell, or a kernel that needs Numba to run."""


def words_of(arguments: tuple[Any, ...]) -> tuple[list[int], str]:
    """Arguments as Numba's machine code takes them, in 64-bit words, and a text of their types.

    An array is two null pointers (nobody counts references to it), its size, its items' size, its address, its shape
    and its strides. A tuple is its elements. A float64 stands as its bits.

    Raises
    ------
    Unsuitable
        An argument is something else, or an array that is not contiguous or must not be written to.
    """
    words: list[int] = []
    kinds: list[str] = []
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            flags = argument.flags
            if not (flags.c_contiguous and flags.writeable and flags.aligned):
                raise Unsuitable("an array that is not contiguous, aligned and writable")
            words += [0, 0, argument.size, argument.itemsize, argument.ctypes.data, *argument.shape, *argument.strides]
            kinds.append(f"{argument.dtype.str}x{argument.ndim}")
        elif isinstance(argument, tuple):
            inner, text = words_of(argument)
            words += inner
            kinds.append(f"{type(argument).__name__}({text})")
        elif isinstance(argument, bool | int):
            words.append(int(argument))
            kinds.append(type(argument).__name__)
        elif isinstance(argument, float):
            words.append(int(np.float64(argument).view(np.int64)))
            kinds.append("float")
        else:
            raise Unsuitable(f"a {type(argument).__name__}")
    return words, ",".join(kinds)
