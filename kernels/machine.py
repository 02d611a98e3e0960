"""The register tiles by processor: one table, one row for each family."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from edgevtn.cpu import HOST_FEATURES, IS_ARM


class Tile(NamedTuple):
    """A block of sums that stays in registers while the depth of a matrix product is walked."""

    lanes: int  # sums in one register
    vectors: int  # registers in a row of the tile
    rows: int  # of the tile; rows x vectors sums must leave registers for the operands
    instruction: str = "fmuladd"  # that adds to the sums
    group: int = 1  # neighbours along the depth that it adds at once
    activation: type[np.number[Any]] = np.float32
    offset: int = 0  # added to int8 weights, which then are uint8

    @property
    def panel(self) -> int:
        """Columns of the tile, and so of a packed weight panel."""
        return self.lanes * self.vectors


class Machine(NamedTuple):
    """What kernels use on one family of processors."""

    name: str
    features: frozenset[str]  # what the processor must have, as LLVM spells it
    arm: bool
    fp32: Tile
    int8: Tile


def _machine(name: str, features: str, fp32: Tile, int8: Tile, arm: bool = False) -> Machine:
    return Machine(name, frozenset(features.split()), arm, fp32, int8)


# VPDPBUSD multiplies unsigned by signed: the weights are made unsigned, and 128 times the sum of the activations is
# subtracted afterwards. VPMADDWD works on 16 bits: VPMADDUBSW would saturate. AVX-512 and NEON have 32 registers,
# AVX2 and SSE 16.
#: The best first.
MACHINES = (
    _machine("avx512-vnni", "avx512f avx512vnni", Tile(16, 2, 8), Tile(16, 3, 8, "vpdpbusd", 4, np.int8, 128)),
    _machine("avx512", "avx512f avx2", Tile(16, 2, 8), Tile(8, 2, 4, "vpmaddwd", 2, np.int16)),
    _machine("avx-vnni", "avx2 fma avxvnni", Tile(8, 2, 4), Tile(8, 3, 4, "vpdpbusd", 4, np.int8, 128)),
    _machine("avx2", "avx2 fma", Tile(8, 2, 4), Tile(8, 2, 4, "vpmaddwd", 2, np.int16)),
    _machine("neon-dot", "dotprod", Tile(4, 2, 8), Tile(4, 4, 4, "sdot", 4, np.int8), arm=True),
    _machine("neon", "", Tile(4, 2, 8), Tile(4, 4, 4, "smull", 2, np.int8), arm=True),
    _machine("plain", "", Tile(4, 2, 4), Tile(4, 2, 1, "multiply", 1, np.int8)),
)


def usable(machine: Machine) -> bool:
    """Whether this processor has what a row of the table needs."""
    return machine.features <= HOST_FEATURES and (machine.arm == IS_ARM or machine.name == "plain")


#: This processor's row.
MACHINE = next(machine for machine in MACHINES if usable(machine))
FP32, INT8 = MACHINE.fp32, MACHINE.int8
#: Whether there are instructions for products of 8 bits; without them float32 is as fast.
HAS_DOT_PRODUCT = INT8.group == 4
