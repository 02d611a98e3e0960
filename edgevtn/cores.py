"""Cores: of how many kinds they are, and which of them recognition keeps to.

Where a processor has big and little cores, a thread on a little one keeps all others of an inference waiting. So as
many threads as there are big cores are used, and they keep to those. Where all cores are alike nothing is pinned, and
what a process was not given (`taskset`, a control group's cpuset) is never taken.

Nothing compiled is imported: this must work on a board where a library crashes.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

#: Cores whose capacity or frequency is at least this share of the highest count as big: a processor that prefers some
#: of its equal cores lets them go a few per cent faster.
BIG = 0.85
#: Where Linux lists the two kinds of an x86 (Documentation/ABI/testing/sysfs-bus-event_source-devices).
CORE_LIST, ATOM_LIST = "sys/devices/cpu_core/cpus", "sys/devices/cpu_atom/cpus"
ROOT = Path("/")
#: The cores that this process had before `keep_to_big_cores`; empty while nobody has called it.
_before: set[int] = set()


class Cores(NamedTuple):
    """Cores of one kind."""

    numbers: tuple[int, ...]
    efficient: bool  # an x86's little ones
    capacity: int  # as the kernel compares them, 1024 the largest; 0 where it does not tell
    megahertz: int  # the highest; 0 where it is not told
    governor: str  # "" where there is none, as in a virtual machine
    driver: str


def is_big(kind: Cores, best: Cores) -> bool:
    """Whether cores are about as fast as the best."""
    if kind.efficient != best.efficient:
        return False
    if best.capacity:
        return kind.capacity >= BIG * best.capacity
    return kind.megahertz >= BIG * best.megahertz


def biggest(kinds: Sequence[Cores]) -> tuple[int, ...]:
    """Numbers of the cores that are about as fast as the best, those of the first kind."""
    return tuple(sorted(number for kind in kinds if is_big(kind, kinds[0]) for number in kind.numbers))


def read_cores(root: Path = ROOT, allowed: Collection[int] | None = None) -> tuple[Cores, ...]:
    """Kinds of cores, the biggest first; those that the system has switched off are left out.

    Parameters
    ----------
    root : path
        The folder below which the system's files are.
    allowed : collection of int, optional
        Only these.
    """
    efficient = _listed(text_of(root / ATOM_LIST)) if (root / CORE_LIST).exists() else set()
    kinds: dict[tuple[bool, int, int, str, str], list[int]] = {}
    for folder in (root / "sys/devices/system/cpu").glob("cpu[0-9]*"):
        number = int(folder.name[3:])
        if text_of(folder / "online") == "0" or (allowed is not None and number not in allowed):
            continue
        frequency = folder / "cpufreq"
        key = (
            number in efficient,
            number_of(folder / "cpu_capacity"),
            number_of(frequency / "cpuinfo_max_freq") // 1000,  # kHz in the file
            text_of(frequency / "scaling_governor"),
            text_of(frequency / "scaling_driver"),
        )
        kinds.setdefault(key, []).append(number)
    order = sorted(kinds, key=lambda key: (not key[0], *key[1:]), reverse=True)
    return tuple(Cores(tuple(sorted(kinds[key])), *key) for key in order)


def big_cores(root: Path = ROOT, allowed: Collection[int] | None = None) -> tuple[int, ...]:
    """Numbers of the cores that recognition keeps to; none where those that it may use are all alike.

    Parameters
    ----------
    root : path
        The folder below which the system's files are.
    allowed : collection of int, optional
        What may be used; by default what this process may use.
    """
    may = allowed_cores() if allowed is None else allowed
    kinds = read_cores(root, may)
    big = biggest(kinds)
    return big if len(big) < sum(len(kind.numbers) for kind in kinds) else ()


def allowed_cores() -> set[int]:
    """Numbers of the cores that this process may use."""
    if _before:
        return set(_before)
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def affinities(threads: int, cores: Collection[int]) -> str:
    """Which cores an inference's threads keep to, as onnxruntime wants it; "" where they keep to none.

    Each may use all of `cores`, so that one which another program needs does not hold a thread up. The thread that
    calls is the first, and not onnxruntime's. It counts cores from 1. Who wants more threads than there are big cores
    wants the others, too.
    """
    if not cores or not 1 < threads <= len(cores):
        return ""
    return ";".join([",".join(str(number + 1) for number in sorted(cores))] * (threads - 1))


def keep_to_big_cores(threads: int) -> tuple[int, ...]:
    """Keep the calling thread, and those that it starts, to the big cores; gives their numbers, or none.

    Nothing happens where all cores are alike, or where more threads than big cores are wanted. A program does this,
    for a thread that is its own.
    """
    cores, before = big_cores(), allowed_cores()
    if not cores or threads > len(cores):
        return ()
    try:
        os.sched_setaffinity(0, cores)
    except OSError:  # a sandbox; the scheduler then does what it thinks right
        return ()
    _before.update(before)
    return cores


def use_every_core() -> None:
    """Undo `keep_to_big_cores` for the calling thread: one that reads and decodes need not be in recognition's way."""
    if _before:
        with suppress(OSError):
            os.sched_setaffinity(0, _before)


def text_of(file: Path) -> str:
    """What a file of the system says; "" where it is not there."""
    with suppress(OSError):
        return file.read_text("utf-8", "replace").strip("\0\n ")
    return ""


def number_of(file: Path) -> int:
    """The number in a file of the system; 0 where there is none."""
    with suppress(ValueError):
        return int(text_of(file))
    return 0


def _listed(text: str) -> set[int]:
    """Numbers of a list of the kernel's, such as "0-3,8"."""
    found: set[int] = set()
    with suppress(ValueError):
        for piece in filter(None, text.split(",")):
            first, _, last = piece.partition("-")
            found.update(range(int(first), int(last or first) + 1))
    return found
