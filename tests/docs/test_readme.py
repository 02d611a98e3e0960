"""Every command and every line of Python in the README and the guide is run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import edgevtn
from edgevtn.video import VideoWriter

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/guide.md", "docs/teaching.md")
BLOCKS = [
    block for page in PAGES for block in re.findall(r"```(\w+)\n(.*?)```", (ROOT / page).read_text("utf-8"), re.S)
]
COMMANDS = [line.partition("  #")[0].strip() for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
COMMANDS = [line for line in COMMANDS if line and not line.startswith("#")]
#: What a test cannot run, or what .ci/run runs itself: by its beginning.
ELSEWHERE = ("pip install", "source ", "scripts/", "taskset", "sudo apt", "python3 -m venv", "pip3 install")
#: Length of the clip that stands for all others: an action begins and ends in it.
SECONDS = 6.0
#: What takes minutes; tests of their own run these on less.
LONG = (
    "edgevtn crossval",
    "edgevtn train",
    "edgevtn calibrate",
    "edgevtn compare",
    "edgevtn import",
    "edgevtn fetch action",
)


@pytest.fixture(scope="module")
def taught(tmp_path_factory, demo_clip):
    """Two takes of each of three labels, a model that was taught with them, and a clip."""
    place = tmp_path_factory.mktemp("taught")
    for name, start in {"walk": 0.2, "wave": 3.8, "bend": 7.8}.items():
        for take in range(2):
            (place / "takes" / name).mkdir(parents=True, exist_ok=True)
            writer = VideoWriter(place / "takes" / name / f"{take}.mp4", 25.0)
            first = start + 1.6 * take
            with edgevtn.frames(demo_clip) as source:
                for timestamp, frame in source:
                    if first <= timestamp < first + 1.5:
                        writer.write(frame, timestamp)
            writer.close()
    edgevtn.teach(place / "takes").save(place / "mine")
    writer = VideoWriter(place / "clip.mp4", 25.0)
    with edgevtn.frames(demo_clip) as source:
        for timestamp, frame in source:
            if timestamp < SECONDS:
                writer.write(frame, timestamp)
    writer.close()
    return place


@pytest.fixture
def folder(tmp_path, demo_clip, taught):
    """What the README supposes to lie around."""
    shutil.copy(taught / "clip.mp4", tmp_path)
    shutil.copy(demo_clip, tmp_path / "long.mp4")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    clips = tmp_path / "clips"
    clips.mkdir()
    shutil.copy(taught / "clip.mp4", clips / "one.mp4")
    (clips / "manifest.csv").write_text("clip,label,fold\none.mp4,bend,0\n")
    shutil.copy(taught / "clip.mp4", tmp_path / "room.mp4")
    for name, origin in {"takes": "takes", "more": "takes", "mine": "mine", "taught": "mine"}.items():
        shutil.copytree(taught / origin, tmp_path / name)
    return tmp_path


def environment():
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return os.environ | {"PATH": path}


def runnable(command):
    return not any(part.strip().startswith(ELSEWHERE + LONG) for part in command.split("&&"))


@pytest.mark.parametrize("command", dict.fromkeys(command for command in COMMANDS if runnable(command)))
def test_command(folder, command):
    # A camera there is none here: the clip stands in.
    command = re.sub(r"edgevtn run (0|picamera)\b", "edgevtn run clip.mp4", command)
    command = command.replace("rtsp://user:password@192.168.1.20/stream", "clip.mp4")
    if command.startswith("edgevtn record"):
        command = f"{command} --source long.mp4 --seconds 1 --yes"
    if command.startswith("python examples/pi_camera.py"):
        command = f"{command} --source clip.mp4"
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment(), capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_long_commands_are_commands():
    from edgevtn.cli.main import parser

    found = [command for command in COMMANDS if command.startswith(LONG)]
    assert found
    for command in found:
        parser().parse_args(command.split()[1:])


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "python"])
def test_python(folder, text, monkeypatch):
    monkeypatch.chdir(folder)
    exec(compile(text, "README.md", "exec"), {"__name__": "readme"})
