"""What board this is, read from the system's own files: processor, cores, heat, power, memory, cameras.

Nothing here judges (`edgevtn.diagnosis` does), and nothing compiled is imported: this must work on a board where a
library crashes. Every file is looked for below a root folder, so that a folder of files can stand for a board.
"""

from __future__ import annotations

import os
import stat
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from edgevtn.cores import Cores, biggest, number_of, read_cores, text_of

#: Instruction sets that decide how fast it runs: what /proc/cpuinfo calls them, and what people do.
INSTRUCTIONS = {
    "sse4_1": "SSE4.1",
    "avx": "AVX",
    "avx2": "AVX2",
    "fma": "FMA",
    "avx_vnni": "AVX-VNNI",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "asimd": "NEON",
    "atomics": "large system extensions",
    "asimddp": "NEON dot product",
    "i8mm": "NEON int8 matrix",
}
#: Arm's processors by "CPU part" of /proc/cpuinfo, which has no name for them: field PartNum of register MIDR_EL1 in
#: the processors' reference manuals.
ARM_PARTS = {"0xd03": "Cortex-A53", "0xd05": "Cortex-A55", "0xd08": "Cortex-A72", "0xd0b": "Cortex-A76"}
#: Devices of the kind video4linux that are no cameras: codecs, scalers and decoders of a Raspberry Pi's chip.
NO_CAMERAS = ("bcm2835-codec", "bcm2835-isp", "rpi-hevc", "rpivid", "pispbe")
#: A group's number is no secret, but names of groups may be; this name alone is asked for.
CAMERA_GROUP = "video"


class Camera(NamedTuple):
    """A device file that gives pictures, or may."""

    path: str
    name: str
    readable: bool  # by this process


class Board(NamedTuple):
    """What was read. Texts are "" and lists empty where the system does not tell."""

    model: str
    processor: str
    is_arm: bool
    instructions: tuple[str, ...]  # as in /proc/cpuinfo, those of `INSTRUCTIONS`
    cores: tuple[Cores, ...]  # the biggest first
    temperature: float | None  # degrees Celsius, of the processor
    throttled: int | None  # bits of the Raspberry Pi's firmware
    undervoltage: bool | None  # by the kernel's own alarm
    memory: int  # bytes
    available: int  # bytes
    memory_limit: int | None  # bytes that a container or a service may use
    cpu_limit: float | None  # cores that it may use
    swap: int  # bytes
    compressed_swap: bool  # all of it is in memory, compressed
    container: str
    read_only_root: bool
    cameras: tuple[Camera, ...]
    in_camera_group: bool | None  # None where there is no such group
    apt_picamera2: bool  # for the system's Python

    @property
    def big_cores(self) -> int:
        """How many cores are as good as the best."""
        return len(biggest(self.cores))


def _fields(text: str) -> dict[str, str]:
    """The first value of each name in lines of "name : value"."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip(), value.strip())
    return fields


def _model(root: Path) -> str:
    for place in ("proc/device-tree/model", "sys/firmware/devicetree/base/model"):
        if text := text_of(root / place):
            return text
    names = [text_of(root / "sys/class/dmi/id" / name) for name in ("sys_vendor", "product_name")]
    return " ".join(name for name in names if name)


def _temperature(root: Path) -> float | None:
    """The processor's; where no zone says that it is, the hottest of all but radios and disks, which do not slow it."""
    zones = [(text_of(folder / "type"), number_of(folder / "temp") / 1000) for folder in _zones(root)]
    own = [degrees for name, degrees in zones if degrees and ("cpu" in name or "pkg" in name)]
    others = [degrees for name, degrees in zones if degrees and not name.startswith(("iwlwifi", "nvme", "pch"))]
    return max(own or others, default=None)


def _zones(root: Path) -> list[Path]:
    return list((root / "sys/class/thermal").glob("thermal_zone*"))


def _throttled(root: Path) -> int | None:
    """Bits of the firmware: from the kernel where it hands them on, else by the Raspberry Pi's own command."""
    text = text_of(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    command = root / "usr/bin/vcgencmd"
    if not text and command.exists():
        with suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(
                [command, "get_throttled"], capture_output=True, text=True, timeout=10, check=True, errors="replace"
            )
            text = done.stdout.strip().partition("=")[2]
    try:
        return int(text, 16)
    except ValueError:
        return None


def _undervoltage(root: Path) -> bool | None:
    for folder in (root / "sys/class/hwmon").glob("hwmon*"):
        if text_of(folder / "name") == "rpi_volt":
            return text_of(folder / "in0_lcrit_alarm") == "1"
    return None


def _limits(root: Path) -> tuple[int | None, float | None]:
    """Bytes and cores of the tightest control group around this process (versions 1 and 2)."""
    base, memory, cores = root / "sys/fs/cgroup", [], []
    for line in text_of(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        own = Path(path.lstrip("/"))
        for part in (own, *own.parents):
            if controllers in ("", "memory"):
                old = base / "memory" / part / "memory.limit_in_bytes"
                memory += [text_of(base / part / "memory.max"), text_of(old)]
            if controllers == "":
                quota, _, period = text_of(base / part / "cpu.max").partition(" ")
                cores += [int(quota) / int(period)] if quota.isdigit() and period.isdigit() else []
            if controllers in ("cpu", "cpu,cpuacct"):
                folder = base / controllers / part
                quotas = number_of(folder / "cpu.cfs_quota_us"), number_of(folder / "cpu.cfs_period_us")
                cores += [quotas[0] / quotas[1]] if min(quotas) > 0 else []
    # Version 1 says "no limit" by a number near 2**63.
    sizes = [int(text) for text in memory if text.isdigit() and int(text) < 2**60]
    return min(sizes, default=None), min(cores, default=None)


def _container(root: Path) -> str:
    for file, name in ((".dockerenv", "docker"), ("run/.containerenv", "podman")):
        if (root / file).exists():
            return name
    return text_of(root / "run/systemd/container")


def _read_only_root(root: Path) -> bool:
    mounts = [line.split() for line in text_of(root / "proc/mounts").splitlines()]
    options = [fields[3].split(",") for fields in mounts if len(fields) > 3 and fields[1] == "/"]
    return bool(options) and "ro" in options[-1]  # a later mount covers an earlier one


def _may_read(file: Path, user: int, groups: set[int]) -> bool:
    """Whether the file's own mode lets a user read and write it."""
    status = file.stat()
    if user == 0:
        return True
    if user == status.st_uid:
        shift = 6
    elif status.st_gid in groups:
        shift = 3
    else:
        shift = 0
    wanted = stat.S_IROTH | stat.S_IWOTH
    return status.st_mode >> shift & wanted == wanted


def _cameras(root: Path, user: int, groups: set[int]) -> tuple[Camera, ...]:
    found = []
    for file in sorted((root / "dev").glob("video[0-9]*"), key=lambda file: int(file.name[5:])):
        name = text_of(root / "sys/class/video4linux" / file.name / "name")
        if not name.startswith(NO_CAMERAS):
            found.append(Camera(f"/dev/{file.name}", name, _may_read(file, user, groups)))
    return tuple(found)


def _in_camera_group(root: Path, groups: set[int]) -> bool | None:
    for line in text_of(root / "etc/group").splitlines():
        name, _, number, *_ = [*line.split(":"), "", "", ""]
        if name == CAMERA_GROUP and number.isdigit():
            return int(number) in groups
    return None


def read_board(root: str | Path = "/", user: int | None = None, groups: set[int] | None = None) -> Board:
    """Read all of it; what is missing or unreadable is left out.

    Parameters
    ----------
    root : path
        Folder that has proc/, sys/, dev/ and etc/.
    user : int, optional
        Number of the user who wants to read cameras; this process's own if not given.
    groups : set of int, optional
        Numbers of the user's groups.
    """
    root = Path(root)
    user = os.geteuid() if user is None else user
    groups = {os.getegid(), *os.getgroups()} if groups is None else groups
    cpu, memory = _fields(text_of(root / "proc/cpuinfo")), _fields(text_of(root / "proc/meminfo"))
    flags = set((cpu.get("flags") or cpu.get("Features") or "").split())
    part = cpu.get("CPU part", "")
    swaps = [line.split()[0] for line in text_of(root / "proc/swaps").splitlines()[1:] if line.split()]
    memory_limit, cpu_limit = _limits(root)

    def size(name: str) -> int:
        number = memory.get(name, "").partition(" ")[0]
        return 1024 * int(number) if number.isdigit() else 0

    return Board(
        model=_model(root),
        processor=cpu.get("model name") or ARM_PARTS.get(part, f"Arm part {part}" if part else ""),
        is_arm="CPU implementer" in cpu,
        instructions=tuple(name for name in INSTRUCTIONS if name in flags),
        cores=read_cores(root),
        temperature=_temperature(root),
        throttled=_throttled(root),
        undervoltage=_undervoltage(root),
        memory=size("MemTotal"),
        available=size("MemAvailable"),
        memory_limit=memory_limit,
        cpu_limit=cpu_limit,
        swap=size("SwapTotal"),
        compressed_swap=bool(swaps) and all("zram" in name for name in swaps),
        container=_container(root),
        read_only_root=_read_only_root(root),
        cameras=_cameras(root, user, groups),
        in_camera_group=_in_camera_group(root, groups),
        apt_picamera2=(root / "usr/lib/python3/dist-packages/picamera2").is_dir(),
    )
