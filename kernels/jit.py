"""One Numba policy for every kernel."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core import config

from edgevtn.kernels.cache import numba_cache
from edgevtn.kernels.sealed import SealedCache

Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {
    # Other threads (a camera's reader) run while a kernel does.
    "nogil": True,
    # Sums may be reordered, which is what lets a dot product use vector registers. Not "nnan"/"ninf":
    # a NaN must come out as a NaN, not as whatever the optimiser assumed in its place.
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
    # Division by zero gives inf, as in NumPy, without a branch in every loop.
    "error_model": "numpy",
}

#: False once no folder was writable for the compiled kernels: every start then compiles again.
cache_enabled = True


def jit_uncached(function: Function, inline: bool = False) -> Function:
    """Compile `function` under the one policy of this package, as a part of the kernels that call it.

    With `inline` it is copied into them: structures have so many words that a call takes a tenth of a microsecond.
    """
    before, config.DISABLE_JIT = config.DISABLE_JIT, 0  # a debugging aid for other functions; tiles exist as code alone
    try:
        return cast(Function, numba.njit(inline="always" if inline else "never", **OPTIONS)(function))
    finally:
        config.DISABLE_JIT = before


def jit(function: Function, inline: bool = False) -> Function:
    """Compile `function` on its first call; once per machine, then it is read from disk.

    A cold compile takes seconds, on a Pi many.
    """
    global cache_enabled
    if cache_enabled:
        with numba_cache() as folder:
            try:
                if folder is not None:
                    compiled = jit_uncached(function, inline)
                    cast(Any, compiled)._cache = SealedCache(function)  # what njit(cache=True) does, with Numba's own
                    return compiled
            except RuntimeError as error:  # "cannot cache function ...: no locator available"
                if "cache" not in str(error):
                    raise
        cache_enabled = False
        warnings.warn(
            "no folder is writable for compiled kernels, so every start compiles them again; "
            "set EDGEVTN_CACHE or NUMBA_CACHE_DIR to a writable folder",
            RuntimeWarning,
            stacklevel=2,
        )
    return jit_uncached(function, inline)


def compiled_for(kernel: Function, *arguments: object) -> Function:
    """The machine code of a kernel for arguments of these types.

    It does not look at types again, which takes microseconds for structures at each call of the kernel itself. All
    later arguments must be of the same types, dimensions and layouts.
    """
    dispatcher = cast(Any, kernel)
    signature = tuple(numba.typeof(argument) for argument in arguments)
    dispatcher.compile(signature)
    return cast(Function, dispatcher.overloads[signature].entry_point)
