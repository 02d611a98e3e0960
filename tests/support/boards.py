"""Folders of files that stand for boards: what /proc, /sys, /dev and /etc say there."""

from __future__ import annotations

from pathlib import Path

#: The first processor of /proc/cpuinfo on a Pi 4 and a Pi 5 (kernel 6.6), and of a NUC 11.
A72 = "fp asimd evtstrm crc32 cpuid"
A76 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
TIGER = "fpu sse sse2 ssse3 fma sse4_1 sse4_2 avx f16c avx2 avx512f avx512_vnni"


def arm(features: str, part: str) -> str:
    return f"processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: {features}\nCPU implementer\t: 0x41\nCPU part\t: {part}\n"


def cores(numbers, kilohertz, governor="ondemand", driver="cpufreq-dt", capacity=None) -> dict[str, str]:
    files = {}
    for number in numbers:
        folder = f"sys/devices/system/cpu/cpu{number}"
        files[f"{folder}/cpufreq/cpuinfo_max_freq"] = f"{kilohertz}\n"
        files[f"{folder}/cpufreq/scaling_governor"] = f"{governor}\n"
        files[f"{folder}/cpufreq/scaling_driver"] = f"{driver}\n"
        if capacity is not None:
            files[f"{folder}/cpu_capacity"] = f"{capacity}\n"
    return files


def memory(kilobytes: int, available: int, swap: int = 0) -> str:
    return f"MemTotal: {kilobytes} kB\nMemFree: 1 kB\nMemAvailable: {available} kB\nSwapTotal: {swap} kB\n"


PI4 = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/cpuinfo": arm(A72, "0xd08"),
    "proc/meminfo": memory(3_884_000, 3_200_000, 102_396),
    "proc/swaps": "Filename Type Size Used Priority\n/var/swap file 102396 0 -2\n",
    "proc/mounts": "/dev/root / ext4 rw,noatime 0 0\n",
    "proc/self/cgroup": "0::/user.slice/user-1000.slice/session-1.scope\n",
    "sys/class/thermal/thermal_zone0/temp": "61345\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
    "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
    "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
    "etc/group": "root:x:0:\nvideo:x:44:somebody\n",
    "dev/video0": "",
    "sys/class/video4linux/video0/name": "unicam-image\n",
    "dev/video10": "",
    "sys/class/video4linux/video10/name": "bcm2835-codec-decode\n",
    **cores(range(4), 1_800_000),
}
PI5 = PI4 | {
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/cpuinfo": arm(A76, "0xd0b"),
    "proc/meminfo": memory(8_245_000, 7_000_000, 2_097_136),
    "proc/swaps": "Filename Type Size Used Priority\n/dev/zram0 partition 2097136 0 100\n",
    **cores(range(4), 2_400_000),
}
NUC = {
    "sys/class/dmi/id/sys_vendor": "Intel(R) Client Systems\n",
    "sys/class/dmi/id/product_name": "NUC11PAHi5\n",
    "proc/cpuinfo": f"vendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Core(TM) i5-1135G7\nflags\t\t: {TIGER}\n",
    "proc/meminfo": memory(16_000_000, 14_000_000, 1_000_000),
    "proc/mounts": "/dev/nvme0n1p2 / ext4 rw 0 0\n",
    "sys/class/thermal/thermal_zone0/temp": "99000\n",
    "sys/class/thermal/thermal_zone0/type": "iwlwifi_1\n",
    "sys/class/thermal/thermal_zone1/temp": "47000\n",
    "sys/class/thermal/thermal_zone1/type": "x86_pkg_temp\n",
    "etc/group": "video:x:44:\n",
    "dev/video0": "",
    **cores(range(8), 4_200_000, "powersave", "intel_pstate"),
}
#: Docker on a Pi 4, by control groups of version 2: the process sees its own group as the root.
CONTAINER = {name: text for name, text in PI4.items() if not name.startswith(("dev/", "sys/class/"))} | {
    ".dockerenv": "",
    "proc/self/cgroup": "0::/\n",
    "sys/fs/cgroup/memory.max": f"{256 * 2**20}\n",
    "sys/fs/cgroup/cpu.max": "50000 100000\n",
    "proc/mounts": "overlay / overlay ro,relatime 0 0\n",
}


def write_board(root: Path, files: dict[str, str]) -> Path:
    """Make the folder; devices can be read by root and group alone."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if name.startswith("dev/"):
            file.chmod(0o660)
    return root
