"""Boards that are folders of files: what is read of them, and what is said about them."""

import os
import tempfile
from pathlib import Path

import boards
import pytest

from edgevtn.board import read_board
from edgevtn.diagnosis import Place, diagnose, diagnose_camera_stack, diagnose_places, without_names
from edgevtn.installed import Trial, try_code

WORKS = {"onnxruntime": Trial("works")}
#: A user who is neither root nor the owner of the files.
STRANGER = os.getuid() + 4711


def found(board, trials=WORKS, versions=None):
    return {finding.name: finding for finding in diagnose(board, trials, versions or {"onnxruntime": "1.20.1"})}


def problems(findings):
    return {name for name, finding in findings.items() if finding.state == "problem"}


@pytest.fixture
def board(tmp_path):
    def make(files, groups=()):
        root = boards.write_board(Path(tempfile.mkdtemp(dir=tmp_path)), files)
        return read_board(root, STRANGER, set(groups))

    return make


def test_a_pi_4(board, tmp_path):
    read = board(boards.PI4, groups={tmp_path.stat().st_gid, 44})
    assert (read.model, read.processor, read.is_arm) == ("Raspberry Pi 4 Model B Rev 1.4", "Cortex-A72", True)
    assert (read.temperature, read.throttled, read.undervoltage) == (61.345, 0, False)
    assert [len(kind.numbers) for kind in read.cores] == [4]
    assert [camera.path for camera in read.cameras] == ["/dev/video0"]  # and not the codec
    findings = found(read)
    assert not problems(findings)
    assert "no dot product" in findings["instructions"].advice
    assert findings["swap"].state == "note"
    assert findings["cores"].value == "4 of 1800 MHz"


def test_the_release_that_crashes_on_a_pi_4_does_not_on_a_pi_5(board):
    versions = {"onnxruntime": "1.21.0"}
    assert "issues/23957" in found(board(boards.PI4, {44}), versions=versions)["onnxruntime"].advice
    findings = found(board(boards.PI5, {44}), versions=versions)
    assert findings["onnxruntime"].state == "ok"
    assert (findings["instructions"].state, findings["swap"].state) == ("ok", "ok")
    assert "NEON dot product" in findings["instructions"].value


def test_a_nuc(board):
    read = board(boards.NUC)
    assert read.model == "Intel(R) Client Systems NUC11PAHi5"
    assert read.temperature == 47  # the processor's, not the radio's
    findings = found(read)
    assert findings["governor"].state == "ok"  # that driver's "powersave" goes faster under load
    assert findings["swap"].state == "ok"
    assert "power" not in findings
    assert problems(findings) == {"cameras"}
    assert "usermod -aG video" in findings["cameras"].advice


def test_a_container(board):
    read = board(boards.CONTAINER)
    assert (read.container, read.memory_limit, read.cpu_limit) == ("docker", 256 * 2**20, 0.5)
    assert read.read_only_root
    findings = found(read)
    assert problems(findings) == {"memory"}
    assert findings["memory"].value.startswith("256 MB, a limit")
    assert "--device" in findings["cameras"].advice
    assert "0.5" in findings["cores"].value


def test_limits_of_version_1_and_of_a_parent(board):
    read = board(
        {
            "proc/self/cgroup": "5:memory:/a/b\n4:cpu,cpuacct:/a\n0::/x/y\n",
            "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712\n",  # no limit
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "600000000\n",
            "sys/fs/cgroup/x/memory.max": "max\n",
            "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "150000\n",
            "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
        }
    )
    assert (read.memory_limit, read.cpu_limit) == (600_000_000, 1.5)


def test_big_and_little(board):
    kinds = boards.cores(range(4), 1_400_000, capacity=400) | boards.cores((4, 5), 1_800_000, capacity=1024)
    without = {name: text for name, text in boards.PI4.items() if "system/cpu" not in name}
    read = board(without | kinds)
    assert read.big_cores == 2
    assert (found(read)["cores"].state, found(read)["cores"].value.endswith("the big ones, 4,5")) == ("ok", True)
    # A processor that lets two of its equal cores go a little faster has no little ones.
    turbo = boards.cores((0, 1), 4_700_000) | boards.cores((2, 3), 4_500_000)
    assert board(without | turbo).big_cores == 4
    assert found(board(without | turbo))["cores"].state == "ok"


@pytest.mark.parametrize(
    ("bits", "states"),
    [
        ("0", ("ok", "ok")),
        ("50005", ("problem", "problem")),
        ("10000", ("problem", "ok")),
        ("80008", ("ok", "problem")),
        ("e0000", ("ok", "note")),
    ],
)
def test_what_the_firmware_says(board, bits, states):
    findings = found(board(boards.PI4 | {"sys/devices/platform/soc/soc:firmware/get_throttled": bits}))
    assert (findings["power"].state, findings["throttling"].state) == states


def test_the_firmware_is_asked_by_its_command_where_the_kernel_is_silent(tmp_path):
    boards.write_board(
        tmp_path, {name: text for name, text in boards.PI5.items() if not name.endswith("get_throttled")}
    )
    command = tmp_path / "usr" / "bin" / "vcgencmd"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\n[ "$1" = get_throttled ] && echo throttled=0x50000\n')
    command.chmod(0o755)
    assert read_board(tmp_path).throttled == 0x50000
    command.write_text("#!/bin/sh\necho VCHI initialization failed; exit 1\n")
    assert read_board(tmp_path).throttled is None


@pytest.mark.parametrize(
    ("change", "name", "word"),
    [
        ({"sys/class/thermal/thermal_zone0/temp": "84000\n"}, "temperature", "fan"),
        ({"sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"}, "power", "supply"),
        (boards.cores(range(4), 1_800_000, "powersave"), "governor", "scaling_governor"),
        ({"proc/cpuinfo": boards.arm("half thumb neon vfpv4", "0xd08")}, "instructions", "64-bit"),
        ({"proc/meminfo": boards.memory(250_000, 200_000)}, "memory", "at least"),
    ],
)
def test_a_problem_says_what_to_do(board, change, name, word):
    finding = found(board(boards.PI4 | change, {44}))[name]
    assert finding.state == "problem"
    assert word in finding.advice


def test_who_may_read_a_camera(board, tmp_path):
    group = tmp_path.stat().st_gid
    assert [camera.readable for camera in board(boards.PI4).cameras] == [False]
    assert [camera.readable for camera in board(boards.PI4, {group}).cameras] == [True]
    # Group video, and a file that is another group's: another advice.
    findings = found(board(boards.PI4, {44} - {group}))
    assert "ls -l" in findings["cameras"].advice


def test_no_file_at_all(tmp_path):
    findings = found(read_board(tmp_path))
    assert not problems(findings)
    assert findings["board"].value == "not told"


def test_a_library_that_crashes_does_so_in_a_process_of_its_own(board):
    trial, _ = try_code("import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    assert trial == Trial("fails", "SIGILL")
    finding = found(board(boards.PI5), {"onnxruntime": trial})["onnxruntime"]
    assert finding.state == "problem"
    assert "pip install 'onnxruntime!=1.20.1'" in finding.advice
    assert try_code("import no_such_module")[0].outcome == "absent"
    assert try_code("print(1)") == (Trial("works"), "1\n")


def test_the_camera_stack(board):
    pi, absent = board(boards.PI5), Trial("absent", "ModuleNotFoundError: No module named 'libcamera'")
    (finding,) = diagnose_camera_stack(pi, absent, {})
    assert (finding.state, "apt install python3-picamera2" in finding.advice) == ("note", True)
    (finding,) = diagnose_camera_stack(pi._replace(apt_picamera2=True), absent, {})
    assert (finding.state, "--system-site-packages" in finding.advice) == ("problem", True)
    broken = Trial("fails", "AttributeError: module 'libcamera' has no attribute 'controls'")
    (finding,) = diagnose_camera_stack(pi, broken, {})
    assert (finding.state, finding.value) == ("problem", broken.reason)
    (finding,) = diagnose_camera_stack(pi, Trial("works"), {"libcamera": "0.5.2", "picamera2": "0.3.30"})
    assert (finding.state, finding.value) == ("ok", "libcamera 0.5.2, picamera2 0.3.30")
    assert not list(diagnose_camera_stack(board({"proc/device-tree/model": "Radxa ROCK 5B"}), absent, {}))


def test_places_and_the_clock(board, tmp_path, monkeypatch):
    pi = board(boards.PI5)

    def states(*folders, newest=0.0):
        findings = diagnose_places(pi, [Place("cache", folder) for folder in folders], newest)
        return [finding.state for finding in findings][1:]  # the first is about the root

    assert states(tmp_path / "not" / "yet") == ["ok"]
    assert states(None) == ["problem"]
    monkeypatch.setattr(os, "access", lambda place, mode: False)  # root may write anywhere but to such a file system
    assert states(tmp_path) == ["problem"]
    advised = diagnose_places(pi, [Place("cache", tmp_path), Place("state", None)], 0.0)
    assert [finding.advice.split()[0] for finding in advised if finding.advice] == ["kernels", "events"]
    assert states(newest=4e9) == ["problem"]


def test_names_of_users_are_left_out(monkeypatch):
    monkeypatch.setenv("HOME", "/data/alice")
    text = "OSError: /data/alice/x.so and '/home/bob/venv/lib/y.so'"
    assert without_names(text) == "OSError: ~/x.so and '/home/USER/venv/lib/y.so'"
