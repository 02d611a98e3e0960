"""What is wrong with a board, or could be better, and what to do about it: one finding a matter."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from edgevtn.board import INSTRUCTIONS, Board
from edgevtn.cores import biggest, is_big
from edgevtn.installed import Trial

#: Degrees Celsius from which a Raspberry Pi slows down, by its makers:
#: https://www.raspberrypi.com/documentation/computers/raspberry-pi.html#frequency-management-and-thermal-control
#: Other boards begin later; what they do at 80 is worth knowing all the same.
HOT = 80.0
#: Bytes that recognition needs at its peak: 271 MB were measured on x86-64 when kernels are compiled, and the system
#: needs some.
MEMORY_NEEDED = 384 * 2**20
#: Free bytes for compiled kernels (a few MB) and events that wait while the network is down.
DISK_NEEDED = 100 * 2**20
#: What is lost without a folder that can be written, and the variable that names another.
PLACES = {
    "cache": ("kernels would be compiled at each start", "EDGEVTN_CACHE"),
    "state": ("events that cannot be delivered would not outlive a stop", "XDG_STATE_HOME"),
}
#: Bits of the Raspberry Pi's firmware: what is so now, and what has been since the start is 16 bits higher. By its
#: makers: https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
UNDER_VOLTAGE, CAPPED, THROTTLED, SOFT_LIMIT = 1, 2, 4, 8
#: Versions that cannot be used on some boards: package, version, instruction set without which it fails, source.
KNOWN_BAD = (
    (
        "onnxruntime",
        "1.21.0",
        "asimddp",
        "it stops with an illegal instruction on a Raspberry Pi 4: https://github.com/microsoft/onnxruntime/issues/23957",
    ),
)
#: What pip calls a library, where that is not its name.
DISTRIBUTIONS = {"opencv": "opencv-python-headless"}


class Finding(NamedTuple):
    """One matter. Its `state` is "ok", "note" (could be better, or worth knowing) or "problem"."""

    name: str
    state: Literal["ok", "note", "problem"]
    value: str
    advice: str = ""


class Place(NamedTuple):
    """A folder of `PLACES` that should be writable; `folder` is None where there is no home to put it into."""

    name: str
    folder: Path | None


def diagnose(board: Board, libraries: Mapping[str, Trial], versions: Mapping[str, str]) -> list[Finding]:
    """Findings about the board and the libraries that run on it."""
    return [
        *_processor(board),
        *_cores(board),
        *_heat(board),
        *_power(board),
        *_memory(board),
        *_libraries(board, libraries, versions),
        *_cameras(board),
    ]


def _processor(board: Board) -> Iterator[Finding]:
    where = f", in a container ({board.container})" if board.container else ""
    yield Finding("board", "ok", (board.model or "not told") + where)
    yield Finding("processor", "ok", board.processor or "not told")
    names = ", ".join(INSTRUCTIONS[name] for name in board.instructions) or "none that we know"
    if board.is_arm and "asimd" not in board.instructions:
        advice = "onnxruntime and numba have no packages for 32-bit Arm: install the 64-bit system"
        yield Finding("instructions", "problem", names, advice)
    elif board.is_arm and "asimddp" not in board.instructions:
        advice = "no dot product (a Pi 4 has none, a Pi 5 has): INT8 is slower; choose a model of 160 or 128 pixels"
        yield Finding("instructions", "note", names, advice)
    elif not board.is_arm and "avx2" not in board.instructions:
        yield Finding("instructions", "note", names, "no AVX2: it works, but slowly; choose a model of 128 pixels")
    else:
        yield Finding("instructions", "ok", names)


def _cores(board: Board) -> Iterator[Finding]:
    if not board.cores:
        return
    best, count = board.cores[0], sum(len(kind.numbers) for kind in board.cores)
    speeds = ", ".join(
        f"{len(kind.numbers)} {'big' if is_big(kind, best) else 'little'}"
        + (f" of {kind.megahertz} MHz" if kind.megahertz else "")
        for kind in board.cores
    )
    if board.big_cores < count:
        numbers = ",".join(map(str, biggest(board.cores)))
        yield Finding("cores", "ok", f"{speeds}; recognition keeps to the big ones, {numbers}")
    elif board.cpu_limit is not None and board.cpu_limit < 1:
        advice = "less than a core may be too slow for the model's rate; raise the limit or use --cpu-budget"
        yield Finding("cores", "note", f"{speeds}; may use {board.cpu_limit:g}", advice)
    else:
        limit = "" if board.cpu_limit is None else f"; may use {board.cpu_limit:g}"
        yield Finding("cores", "ok", f"{count}{f' of {best.megahertz} MHz' if best.megahertz else ''}{limit}")
    # These drivers let the processor go faster under "powersave", too; with all others it means the lowest frequency.
    slow = [k for k in board.cores if k.governor == "powersave" and not k.driver.startswith(("intel_pstate", "amd"))]
    governors = ", ".join(sorted({kind.governor for kind in board.cores if kind.governor}))
    if slow:
        files = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        advice = f"it stays at the lowest frequency: echo ondemand | sudo tee {files}"
        yield Finding("governor", "problem", governors, advice)
    elif governors:
        yield Finding("governor", "ok", governors)


def _heat(board: Board) -> Iterator[Finding]:
    if board.temperature is not None:
        text, hot = f"{board.temperature:.0f} °C", board.temperature >= HOT
        yield Finding(
            "temperature", "problem" if hot else "ok", text, "cool it: a fan, a case with fins" if hot else ""
        )


def _power(board: Board) -> Iterator[Finding]:
    bits = board.throttled or 0
    before = bits >> 16
    supply = "use the board's own power supply and a short cable, and a hub with its own supply for USB cameras"
    if bits & UNDER_VOLTAGE or board.undervoltage:
        yield Finding("power", "problem", "too little voltage now", supply)
    elif before & UNDER_VOLTAGE:
        yield Finding("power", "problem", "too little voltage since the start", supply)
    elif board.throttled is not None or board.undervoltage is not None:
        yield Finding("power", "ok", "enough")
    if bits & (CAPPED | THROTTLED | SOFT_LIMIT):
        yield Finding("throttling", "problem", f"slowed down now (0x{bits:x})", "see power and temperature; cool it")
    elif before & (CAPPED | THROTTLED | SOFT_LIMIT):
        advice = "under load it gets too hot or lacks power: watch it with edgevtn bench --seconds 600"
        yield Finding("throttling", "note", f"was slowed down since the start (0x{bits:x})", advice)
    elif board.throttled is not None:
        yield Finding("throttling", "ok", "none since the start")


def _memory(board: Board) -> Iterator[Finding]:
    if board.memory:
        size = min(board.memory, board.memory_limit or board.memory)
        text = f"{_megabytes(size)} MB" + (", a limit of the container or service" if size < board.memory else "")
        if size < MEMORY_NEEDED:
            advice = f"at least {_megabytes(MEMORY_NEEDED)} MB are needed (MemoryMax= of a service, --memory of docker)"
            yield Finding("memory", "problem", text, advice)
        elif board.available < MEMORY_NEEDED:
            advice = "stop what else runs, such as the desktop (sudo systemctl set-default multi-user.target)"
            yield Finding("memory", "note", f"{text}, {_megabytes(board.available)} MB available", advice)
        else:
            yield Finding("memory", "ok", f"{text}, {_megabytes(board.available)} MB available")
    if board.swap and not board.compressed_swap:
        advice = "on an SD card it is slow and wears the card; zram is better (apt install zram-tools)"
        yield Finding("swap", "note" if board.is_arm else "ok", f"{_megabytes(board.swap)} MB", advice * board.is_arm)
    else:
        kind = ", compressed in memory" if board.swap else ""
        yield Finding("swap", "ok", f"{_megabytes(board.swap)} MB{kind}" if board.swap else "none")


def _libraries(board: Board, trials: Mapping[str, Trial], versions: Mapping[str, str]) -> Iterator[Finding]:
    for name, trial in trials.items():
        packages = [package for package in versions if package.startswith(name)]
        text = ", ".join(versions[package] for package in packages) or "of the system"
        known = [reason for package, version, needed, reason in KNOWN_BAD
                 if (package, version) == (name, versions.get(name)) and needed not in board.instructions]  # fmt: skip
        bad = known if board.is_arm else []
        other = f"install another version: pip install '{name}!={text}'"
        if bad:
            yield Finding(name, "problem", text, f"{bad[0]}; {other}")
        elif trial.works:
            yield Finding(name, "ok", f"{text}, works")
        elif trial.outcome == "absent":
            yield Finding(name, "problem", "not installed", f"pip install {DISTRIBUTIONS.get(name, name)}")
        elif trial.reason == "SIGILL":
            advice = f"this build has instructions that the processor lacks; {other}"
            yield Finding(name, "problem", f"{text}, stops with an illegal instruction", advice)
        else:
            yield Finding(
                name, "problem", f"{text}, {trial.reason}", f"pip install --force-reinstall {(packages or [name])[0]}"
            )


def _cameras(board: Board) -> Iterator[Finding]:
    if not board.cameras:
        yield Finding(
            "cameras", "note", "no /dev/video*", "plug one in; in a container hand it on: --device /dev/video0"
        )
        return
    names = ", ".join(f"{camera.path} {camera.name}".strip() for camera in board.cameras)
    hidden = [camera.path for camera in board.cameras if not camera.readable]
    if hidden and board.in_camera_group is False:
        advice = "sudo usermod -aG video $USER, then log in anew (SupplementaryGroups=video in a service)"
        yield Finding("cameras", "problem", f"{', '.join(hidden)} cannot be read", advice)
    elif hidden:
        advice = "look at ls -l /dev/video*; in a container hand on the group, too: --group-add video"
        yield Finding("cameras", "problem", f"{', '.join(hidden)} cannot be read", advice)
    else:
        yield Finding("cameras", "ok", names)


def diagnose_camera_stack(board: Board, trial: Trial, versions: Mapping[str, str]) -> Iterator[Finding]:
    """Whether picamera2 and libcamera are there and fit each other; silent on boards that have neither."""
    advice = "use the environment with the system's packages: python3 -m venv --system-site-packages"
    if trial.works:
        yield Finding("picamera2", "ok", ", ".join(f"{name} {version}" for name, version in versions.items()))
    elif trial.outcome == "absent" and board.apt_picamera2:
        yield Finding("picamera2", "problem", "installed for the system's Python alone", advice)
    elif trial.outcome == "absent" and board.model.startswith("Raspberry Pi"):
        yield Finding(
            "picamera2", "note", "not installed", "only for the Pi's own camera: sudo apt install python3-picamera2"
        )
    elif trial.outcome != "absent":
        advice = (
            "picamera2, libcamera and NumPy must all be apt's: pip uninstall picamera2 numpy; see docs/raspberry_pi.md"
        )
        yield Finding("picamera2", "problem", trial.reason, advice)


def diagnose_places(board: Board, places: list[Place], newest: float) -> Iterator[Finding]:
    """Whether folders can be written and have space, and the clock; `newest`: when the package was made, Unix time."""
    yield Finding("root", "ok", "read-only" if board.read_only_root else "writable")
    for name, folder in places:
        lost, variable = PLACES[name]
        if folder is None:
            yield Finding(name, "problem", "there is no HOME", f"{lost}: set {variable} to a folder that stays")
            continue
        existing = next(place for place in (folder, *folder.parents) if place.is_dir())
        if not os.access(existing, os.W_OK | os.X_OK):
            advice = f"{lost}: set {variable} to a folder that can be written"
            yield Finding(name, "problem", "cannot be written", advice)
        elif (free := shutil.disk_usage(existing).free) < DISK_NEEDED:
            yield Finding(name, "problem", f"{_megabytes(free)} MB free", f"free {_megabytes(DISK_NEEDED)} MB")
        else:
            yield Finding(name, "ok", f"writable, {_megabytes(free)} MB free")
    if time.time() < newest - 86_400:  # a time zone is not a wrong clock
        advice = "times of events are wrong and certificates fail: timedatectl set-ntp true"
        yield Finding("clock", "problem", "is before this package was made", advice)


def without_names(text: str) -> str:
    """A text without the user's name and folder, fit for the public."""
    home = os.environ.get("HOME", "/")
    text = text.replace(home, "~") if len(home) > 1 else text
    return re.sub(r"/home/[^/\s'\"]+", "/home/USER", text)


def _megabytes(size: int) -> int:
    return size // 2**20
