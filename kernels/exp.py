"""Floats and their bits: an exponential that LLVM turns into vector code; `math.exp` is a call for each number."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from edgevtn.kernels.jit import jit

#: 1.5 * 2**23: added to a whole number, it leaves that in a float's lowest bits.
ROUNDER = 12582912.0
LOG2_E = np.float32(1.44269504)
#: ln 2 in two parts, so that n * ln 2 is subtracted exactly.
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
#: The exponential of anything less is nearly 0 in float32.
LOWEST = np.float32(-87.0)
#: Cephes' polynomial for exp on [-ln 2 / 2, ln 2 / 2] (Moshier, expf.c).
P0, P1, P2, P3, P4, P5 = (
    np.float32(value)
    for value in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
)


@intrinsic
def _whole(typing_context: Any, x: Any) -> Any:
    """The nearest whole number. Not (x + ROUNDER) - ROUNDER, which reassociation makes x again."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.FloatType(), [ir.FloatType()])
        rint = cgutils.get_or_insert_function(builder.module, kind, "llvm.rint.f32")
        return builder.call(rint, arguments)

    return types.float32(types.float32), codegen


@intrinsic
def _power_of_two(typing_context: Any, n: Any) -> Any:
    """2**n for a whole float n from -126 to 127; for a NaN any number, but no undefined one."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integer = ir.IntType(32)
        shifted = builder.fadd(arguments[0], ir.Constant(ir.FloatType(), ROUNDER))
        bits = builder.bitcast(shifted, integer)
        exponent = builder.shl(builder.add(bits, ir.Constant(integer, 127)), ir.Constant(integer, 23))
        return builder.bitcast(exponent, ir.FloatType())

    return types.float32(types.float32), codegen


@intrinsic
def float_of(typing_context: Any, bits: Any) -> Any:
    """The float32 with these bits."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), codegen


@jit
def exp(x: Any) -> Any:
    """e**x for x <= 0, to a few parts in 10**7; below -87 it is e**-87, a NaN stays a NaN."""
    x = LOWEST if x < LOWEST else x
    n = _whole(x * LOG2_E)
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    y = ((((P0 * r + P1) * r + P2) * r + P3) * r + P4) * r + P5
    return (y * r * r + r + np.float32(1)) * _power_of_two(n)
