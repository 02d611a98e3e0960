"""The processor: what it is called, what it can do, how much of it is ours."""

from __future__ import annotations

import array
import os
import platform
from pathlib import Path

import llvmlite.binding as llvm

from edgevtn.cores import allowed_cores, big_cores

#: Features that decide how fast INT8 runs, as LLVM spells them, and what people call them.
INT8_FEATURES = {
    "avx512vnni": "AVX-512 VNNI",
    "avxvnni": "AVX-VNNI",
    "avx2": "AVX2",
    "dotprod": "NEON dot product",
    "i8mm": "NEON int8 matrix",
    "neon": "NEON",
}
#: What the kernel tells a process of the processor, in pairs of words; Linux's numbers (asm/hwcap.h, linux/auxvec.h).
AUXILIARY = Path("/proc/self/auxv")
AT_HWCAP, HWCAP_ASIMDDP = 16, 1 << 20
#: More threads than this gain nothing on a light encoder at batch size one.
MOST_DEFAULT_THREADS = 4


def _host_features() -> frozenset[str]:
    chosen = os.environ.get("NUMBA_CPU_FEATURES")  # Numba itself is imported where something must be compiled
    if chosen is not None:
        flags = chosen.split(",")
        return frozenset(flag[1:] for flag in flags if flag.startswith("+"))
    found = frozenset(name for name, on in llvm.get_host_cpu_features().items() if on)
    # LLVM does not tell the dot product of ARM processors, and can use it where it knows the processor by name.
    if IS_ARM and has_dot_product(AUXILIARY) and llvm.get_host_cpu_name() != "generic":
        found |= {"dotprod"}
    return found


def has_dot_product(auxiliary: Path) -> bool:
    """Whether the kernel says that this ARM processor has SDOT and UDOT, in a process's auxiliary vector."""
    try:
        words = array.array("Q", auxiliary.read_bytes())
    except (OSError, ValueError):  # not told, or of 32 bits
        return False
    return any(kind == AT_HWCAP and value & HWCAP_ASIMDDP for kind, value in zip(words[::2], words[1::2], strict=False))


IS_ARM: bool = llvm.get_process_triple().startswith(("aarch64", "arm"))
#: Instruction-set features that code may use, as LLVM spells them (NUMBA_CPU_FEATURES overrides the processor's own).
HOST_FEATURES = _host_features()


def has_vnni() -> bool:
    """Whether this x86 adds four products of uint8 and int8 in 32 bits; one without saturates at 16."""
    return bool({"avx512vnni", "avxvnni"} & HOST_FEATURES)


def cpu_name() -> str:
    """Name of the processor, as well as the system tells it."""
    for file, key in ((Path("/proc/cpuinfo"), "model name"), (Path("/proc/device-tree/model"), "")):
        try:
            text = file.read_text("utf-8", "replace")
        except OSError:
            continue
        if not key:
            return text.strip("\0\n ")
        for line in text.splitlines():
            if line.startswith(key):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def default_threads() -> int:
    """Threads that `Recognizer` uses when it is not told: the cores that this process may use, at most 4.

    Where they are of two kinds, the big ones alone count.
    """
    return min(MOST_DEFAULT_THREADS, len(big_cores()) or available_cores())


def available_cores() -> int:
    """Cores that this process may use."""
    return len(allowed_cores())


def temperature() -> float | None:
    """Degrees Celsius of the processor, where Linux tells."""
    for zone in sorted(Path("/sys/class/thermal").glob("thermal_zone*")):
        try:
            return int((zone / "temp").read_text()) / 1000
        except (OSError, ValueError):
            continue
    return None
