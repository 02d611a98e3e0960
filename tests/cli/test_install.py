"""The install script for Raspberry Pi OS, into a folder: what it leaves behind, without a daemon."""

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from edgevtn.cli.main import parser

SCRIPT = Path(__file__).parents[2] / "scripts" / "install-pi"


def install(folder, *arguments):
    return subprocess.run(
        [SCRIPT, "--no-packages", *arguments], env={**os.environ, "DESTDIR": str(folder)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_settings_and_a_unit_that_the_command_and_systemd_take(tmp_path):
    done = install(tmp_path, "--source", "/dev/video0")
    assert (done.returncode, done.stderr) == (0, "")
    settings = tmp_path / "etc" / "edgevtn.toml"
    assert settings.stat().st_mode & 0o077 == 0  # there may be a password in it
    assert tomllib.loads(settings.read_text()) == {"source": ["/dev/video0"], "wait": True, "json": True}
    unit = (tmp_path / "etc" / "systemd" / "system" / "edgevtn.service").read_text()
    assert "eload" not in unit  # a copy of the settings is handed over at the start
    (line,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    program, *arguments = line.removeprefix("ExecStart=").replace("%d", str(tmp_path / "etc")).split()
    assert program == "/opt/edgevtn/bin/edgevtn"
    assert parser().parse_args(arguments).config == str(settings)
    assert not list(tmp_path.rglob("*.part"))


def test_settings_that_are_there_stay(tmp_path):
    assert install(tmp_path).returncode == 0
    settings = tmp_path / "etc" / "edgevtn.toml"
    settings.write_text('source = ["mine"]\n')
    assert install(tmp_path, "--source", "other").returncode == 0
    assert settings.read_text() == 'source = ["mine"]\n'


def test_what_it_does_not_understand_changes_nothing(tmp_path):
    for arguments in (("--sauce", "0"), ("--source", 'a"b')):
        done = install(tmp_path, *arguments)
        assert done.returncode == 2
        assert "install-pi: " in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (Debian: systemd)")
def test_systemd_has_nothing_to_say_about_the_unit(tmp_path):
    assert install(tmp_path).returncode == 0
    unit = tmp_path / "etc" / "systemd" / "system" / "edgevtn.service"
    unit.write_text(unit.read_text().replace("/opt/edgevtn/bin/edgevtn", "/bin/true"))  # it asks for the program, too
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60, check=False)
    assert [line for line in done.stderr.splitlines() if "edgevtn" in line] == []
    assert done.returncode == 0
