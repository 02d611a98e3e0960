"""Kernels as machine code from disk, called without Numba.

Numba takes half a second and 50 MB to begin with, also where everything is in its cache. The code that it made
needs none of that: `edgevtn.kernels.ahead` gives a kernel an entry that takes one array of words, and keeps the object
file; here it is loaded by LLVM's linker. What cannot be had in this way, Numba runs, with the same results.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from edgevtn.arrays import Float
from edgevtn.cpu import HOST_FEATURES
from edgevtn.errors import OutputError
from edgevtn.files import write_whole
from edgevtn.kernels.cache import cache_folder
from edgevtn.kernels.words import ADDRESS, ENTRY, Unsuitable, words_of

DIGEST = hashlib.sha256().digest_size


def bind(name: str, *arguments: Any) -> Callable[..., None]:
    """A kernel of `edgevtn.kernels.fast` on these arguments, which must live on where they are.

    Parameters
    ----------
    name : str
    *arguments
        What the kernel takes. Later changes of what stands in the arrays are seen.

    Returns
    -------
    callable
        Called with nothing, or with another array instead of the first argument, of the same shape and type.
    """
    try:
        words, kinds = words_of(arguments)
        entry = _entry(name, kinds) or _made(name, kinds, arguments)
    except Unsuitable:
        return _by_numba(name, arguments)
    packed = np.array(words, np.int64)
    pointer, kept = packed.ctypes.data, (packed, arguments)  # machine code knows addresses alone

    def call(first: Float | None = None) -> None:
        assert kept
        if first is not None:
            assert first.flags.c_contiguous
            packed[ADDRESS] = first.ctypes.data
        if entry(pointer):
            raise RuntimeError(f"the kernel {name} failed")

    return call


def _by_numba(name: str, arguments: tuple[Any, ...]) -> Callable[..., None]:
    from edgevtn.kernels import fast
    from edgevtn.kernels.jit import compiled_for

    function = compiled_for(getattr(fast, name), *arguments)
    rest = arguments[1:]

    def call(first: Float | None = None) -> None:
        function(arguments[0] if first is None else first, *rest)

    return call


def _file(name: str, kinds: str) -> Path | None:
    """Where the object file of a kernel for such arguments on this processor is, or will be."""
    folder = cache_folder()
    facts = [kinds, llvmlite.__version__, llvm.get_host_cpu_name(), *sorted(HOST_FEATURES)]
    facts += [os.environ.get(f"NUMBA_{variable}", "") for variable in ("CPU_NAME", "OPT")]
    key = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:24]
    return None if folder is None else folder / f"{name}-{key}.native"


@cache
def _entry(name: str, kinds: str) -> Callable[[int], int] | None:
    """The code that is on disk; None if there is none, or it is damaged.

    Raises
    ------
    Unsuitable
        It is known that there can be none.
    """
    file = _file(name, kinds)
    with suppress(OSError):
        if file is not None:
            content = file.read_bytes()
            if hashlib.sha256(content[DIGEST:]).digest() == content[:DIGEST]:
                return _linked(content[DIGEST:])
    return None


def _made(name: str, kinds: str, arguments: tuple[Any, ...]) -> Callable[[int], int]:
    """The code, compiled now, and kept for the next start; that there can be none is kept, too, as an empty file."""
    from edgevtn.kernels.ahead import compile_ahead

    try:
        content = compile_ahead(name, arguments)
    except Unsuitable:
        content = b""
    file = _file(name, kinds)
    if file is not None:
        with suppress(OutputError):  # a full disk: the next start compiles again
            write_whole(file, hashlib.sha256(content).digest() + content)
            _entry.cache_clear()
    return _entry(name, kinds) or _linked(content)


#: Code lives as long as these do.
_engines: list[Any] = []


def _linked(content: bytes) -> Callable[[int], int]:
    """The entry of an object file, which may be empty."""
    if not content:
        raise Unsuitable("Numba must run it")
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(content))
    engine.finalize_object()
    _engines.append(engine)
    function: Callable[[int], int] = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(
        engine.get_function_address(ENTRY)
    )
    return function
