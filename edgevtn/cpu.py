"""The processor: what it is called, what it can do, how much of it is ours."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import llvmlite.binding as llvm

#: Features that decide how fast INT8 runs, as LLVM spells them, and what people call them.
INT8_FEATURES = {
    "avx512vnni": "AVX-512 VNNI",
    "avxvnni": "AVX-VNNI",
    "avx2": "AVX2",
    "dotprod": "NEON dot product",
    "i8mm": "NEON int8 matrix",
    "neon": "NEON",
}
#: More threads than this gain nothing on a light encoder at batch size one.
MOST_DEFAULT_THREADS = 4


def _host_features() -> frozenset[str]:
    chosen = os.environ.get("NUMBA_CPU_FEATURES")  # Numba itself is imported where something must be compiled
    if chosen is not None:
        flags = chosen.split(",")
        return frozenset(flag[1:] for flag in flags if flag.startswith("+"))
    return frozenset(name for name, on in llvm.get_host_cpu_features().items() if on)


#: Instruction-set features that code may use, as LLVM spells them (NUMBA_CPU_FEATURES overrides the processor's own).
HOST_FEATURES = _host_features()
IS_ARM: bool = llvm.get_process_triple().startswith(("aarch64", "arm"))


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
    """Threads that `Recognizer` uses when it is not told: the cores that this process may use, at most 4."""
    return min(MOST_DEFAULT_THREADS, available_cores())


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def temperature() -> float | None:
    """Degrees Celsius of the processor, where Linux tells."""
    for zone in sorted(Path("/sys/class/thermal").glob("thermal_zone*")):
        try:
            return int((zone / "temp").read_text()) / 1000
        except (OSError, ValueError):
            continue
    return None
