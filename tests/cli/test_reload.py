"""SIGHUP: the file of `--config` is read again by the same process; a wrong one changes nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from cameras import MjpegCamera

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")


@pytest.fixture
def camera():
    with MjpegCamera() as camera:
        yield camera


@pytest.fixture
def config(tmp_path, tiny, camera):
    """Write the file."""

    def write(text=""):
        (tmp_path / "run.toml").write_text(f"source = '{camera.address}'\nmodel = '{tiny}'\njson = true\n{text}")
        return str(tmp_path / "run.toml")

    write()
    return write


@pytest.fixture
def start():
    running = []

    def started(*arguments, **variables):
        process = subprocess.Popen(
            [sys.executable, "-m", "edgevtn", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **variables},
        )  # fmt: skip
        running.append(process)
        return process

    yield started
    for process in running:
        process.kill()
        process.communicate()


def reload(process):
    """Ask for it; the line that it says."""
    process.send_signal(signal.SIGHUP)
    return process.stderr.readline()


def regions(process, count):
    return {json.loads(process.stdout.readline()).get("region") for _ in range(count)}


def until(process, region):
    """Read until predictions are of that region."""
    while json.loads(process.stdout.readline()).get("region") != region:
        pass


def test_a_changed_file_takes_effect_and_a_wrong_one_does_not(start, config, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        process = start("run", "--config", config(), NOTIFY_SOCKET=manager.getsockname())
        assert manager.recv(100) == b"READY=1"
        assert regions(process, 3) == {None}
        for wrong, reason in (
            ("patiense = 5", "patiense is no option; the nearest is patience"),
            ("patience = 'soon'", "argument --patience: invalid float value: 'soon'"),
            ("patience 5", "is no TOML"),
            ("region = 'door=1'", "expected a region as in door=0.1,0.2,0.4,0.9, got door=1"),
            ("enter = 2", "enter"),
        ):
            config(wrong)
            line = reload(process)
            assert line.startswith("edgevtn: ")
            assert reason in line
            assert line.endswith("; the old configuration stays\n")
            assert regions(process, 3) == {None}
        config("region = 'door=0,0,0.5,1'")
        assert "1 window (1 source, 1 region)" in reload(process)
        until(process, "door")
        assert manager.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert manager.recv(100) == b"READY=1"
        # What is right as far as can be seen, and cannot be begun.
        config("name = 'hall'\nrecord = '/dev/null/clips'")
        line = reload(process)
        assert "/dev/null/clips: cannot be used as a folder" in line
        assert line.endswith("; the old configuration is used again\n")
        assert "1 window" in process.stderr.readline()
        until(process, "door")
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=60)
        assert (process.returncode, error) == (0, "")


def test_a_page_keeps_its_port(start, config):
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = start("serve", "--config", config(f"page = '127.0.0.1:{port}'"))
    line = f"edgevtn: the page is at http://127.0.0.1:{port}/\n"
    assert process.stderr.readline() == line
    assert regions(process, 1) == {None}
    assert reload(process) == line
    assert regions(process, 1) == {None}
    config(f"page = '127.0.0.1:{port}'\njson-file = '/dev/null/x'")
    assert "/dev/null/x" in reload(process)
    assert process.stderr.readline() == line
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (130, "")


def test_a_camera_that_is_lost_meanwhile_is_waited_for(start, config, camera):
    process = start("run", "--config", config("patience = 0.5"))
    assert regions(process, 1) == {None}
    camera.stop()
    assert "waiting: " in process.stderr.readline()
    config("region = 'door=0,0,0.5,1'\npatience = 0.5")
    errors = [reload(process), process.stderr.readline()]  # begun anew, without the camera, in any order
    assert [sum(text in line for line in errors) for text in ("waiting: ", "1 window")] == [1, 1]
    camera.start()
    assert "is there after" in process.stderr.readline()
    until(process, "door")
    camera.stop()
    assert "waiting: " in process.stderr.readline()
    with socket.create_server(("127.0.0.1", 0)) as free:  # another camera, which there never was
        other = f"http://127.0.0.1:{free.getsockname()[1]}/live"
    Path(process.args[-1]).write_text(Path(process.args[-1]).read_text().replace(camera.address, other))
    line = reload(process)
    assert "refuses the connection" in line
    assert line.endswith("; the old configuration is used again\n")
    camera.start()
    until(process, "door")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_settings_of_a_label_that_no_model_knows(start, config, tmp_path):
    process = start("run", "--config", config())
    assert regions(process, 1) == {None}
    config("label = 'fall:enter=0.4'")
    line = reload(process)
    assert "label 'fall' has settings of its own; expected one of a, b, c" in line
    assert line.endswith("; the old configuration is used again\n")
    assert regions(process, 3) == {None}
    # It may be taught yet.
    config(f"label = 'fall:enter=0.4'\nteach = '{tmp_path / 'lessons'}'\npage = true")
    errors = [reload(process), process.stderr.readline()]
    assert any("label 'fall' has settings of its own" in line and "taught" in line for line in errors)
    assert regions(process, 1) == {None}
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")


def test_without_a_file_it_ends_a_run_as_sigterm_does(start, tiny, camera):
    process = start("run", camera.address, "--model", str(tiny), "--json")
    assert regions(process, 1) == {None}
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_the_unit_reloads():
    unit = (Path(__file__).parents[2] / "examples" / "edgevtn.service").read_text()
    assert "ExecReload=/bin/kill -HUP $MAINPID\n" in unit
