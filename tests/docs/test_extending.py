"""Every example of docs/extending.md is run, as a file of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "extending.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.S | re.M))
BLOCKS = {name: re.findall(r"```python\n(.*?)```", section, re.S) for name, section in SECTIONS.items()}
EXAMPLES = {name: "".join(blocks) for name, blocks in BLOCKS.items()}
#: What each prints if it worked.
PRINTS = {
    "A source": "the camera is given back",
    "A sink": "the longest lasted",
    "A head": "walk",
    "A kernel": "twins",
    "A step of calibration": "['equalise_channels', 'cut_outliers']",
}


def run(code, folder):
    (folder / "example.py").write_text(code)
    return subprocess.run(
        [sys.executable, "-W", "error", "example.py"], cwd=folder, capture_output=True, text=True, timeout=300,
        check=False, env=os.environ,
    )  # fmt: skip


@pytest.mark.parametrize("name", PRINTS)
def test_example(name, tmp_path, demo_clip):
    shutil.copy(demo_clip, tmp_path / "clip.mp4")
    done = run(EXAMPLES[name], tmp_path)
    assert done.returncode == 0, done.stderr
    assert PRINTS[name] in done.stdout


def test_they_are_all_there_and_short():
    assert EXAMPLES.keys() == PRINTS.keys()
    for name, blocks in BLOCKS.items():
        for code in blocks:
            assert len([line for line in code.splitlines() if line.strip()]) < 30, name


def test_files_that_are_named_are_there():
    for row in re.findall(r"^\| a .*$", TEXT, re.M):
        read = row.split("|")[2]
        names = re.findall(r"`([\w/.]+)`", read)
        assert 1 <= len(names) <= 3
        folder = Path(names[0]).parent
        for name in names:
            assert (ROOT / name).exists() or (ROOT / folder / name).exists(), name


def test_the_step_of_calibration_is_tried(tmp_path, demo_clip):
    """A search with that step says in its trail what came of it."""
    code = (
        EXAMPLES["A step of calibration"]
        + """
import sys
sys.path.insert(0, {support!r})
from networks import pictures, small_network
found = search.search(small_network(), pictures(8), pictures(4, seed=1), progress=False)
print([what for what, _ in found.trail if "cut outliers" in what])
""".format(support=str(ROOT / "tests" / "support"))
    )
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cut outliers" in done.stdout.splitlines()[-1]
