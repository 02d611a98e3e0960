"""One Numba policy for every kernel, and what the host CPU offers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

import llvmlite.binding as llvm
import numba
from numba.core import config

Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {
    # Compiled once per machine, then read from disk: a cold compile takes seconds, on a Pi many.
    "cache": True,
    # Other threads (a camera's reader) run while a kernel does.
    "nogil": True,
    # Sums may be reordered, which is what lets a dot product use vector registers. Not "nnan"/"ninf":
    # a NaN must come out as a NaN, not as whatever the optimiser assumed in its place.
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
    # Division by zero gives inf, as in NumPy, without a branch in every loop.
    "error_model": "numpy",
}

#: False once Numba found no writable folder for its cache: every start then compiles again.
cache_enabled = True


def jit(function: Function) -> Function:
    """Compile `function` on its first call, under the one policy of this package."""
    global cache_enabled
    options = OPTIONS if cache_enabled else {**OPTIONS, "cache": False}
    try:
        return cast(Function, numba.njit(**options)(function))
    except RuntimeError as error:  # "cannot cache function ...: no locator available"
        if "cache" not in str(error):
            raise
        cache_enabled = False
        warnings.warn(
            "no folder is writable for compiled kernels, so every start compiles them again; "
            "set NUMBA_CACHE_DIR to a writable folder",
            RuntimeWarning,
            stacklevel=2,
        )
        return jit(function)


def _host_features() -> frozenset[str]:
    """Names of the host's instruction-set features, as LLVM spells them (NUMBA_CPU_FEATURES overrides)."""
    if config.CPU_FEATURES is not None:
        flags = config.CPU_FEATURES.split(",")
        return frozenset(flag[1:] for flag in flags if flag.startswith("+"))
    return frozenset(name for name, on in llvm.get_host_cpu_features().items() if on)


HOST_FEATURES = _host_features()
IS_ARM = llvm.get_process_triple().startswith(("aarch64", "arm"))

if "avx512f" in HOST_FEATURES:
    ISA = "avx512"
elif "avx2" in HOST_FEATURES and "fma" in HOST_FEATURES:
    ISA = "avx2"
elif IS_ARM:
    ISA = "neon"
else:
    ISA = "sse2"

#: Floats in one vector register.
VECTOR = {"avx512": 16, "avx2": 8, "neon": 4, "sse2": 4}[ISA]
#: Rows of a register tile. A tile is ROWS x 2 registers of sums; it must leave some of the 32 (AVX-512, NEON)
#: or 16 (AVX2, SSE) registers for the operands.
ROWS = {"avx512": 8, "avx2": 4, "neon": 8, "sse2": 4}[ISA]
#: Columns of a register tile, and so of a packed weight panel.
PANEL = 2 * VECTOR
