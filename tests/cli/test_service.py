"""`edgevtn run` as a service: what it tells its manager, with several cameras, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from cameras import MjpegCamera

from edgevtn.cli.main import main
from edgevtn.cli.service import Service

#: Seconds after Ctrl-C that are promised, and how much longer a busy machine may take in a test.
STOPS, BUSY = 1.0, 4.0


@pytest.fixture
def manager(tmp_path):
    """The socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
        unix.bind(str(tmp_path / "notify"))
        unix.settimeout(60)
        yield unix


@pytest.fixture
def run(tiny):
    running = []

    def start(*arguments, **variables):
        command = [sys.executable, "-m", "edgevtn", "run", "--model", str(tiny), "--json", *arguments]
        environment = {**os.environ, **variables}
        running.append(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        )
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_a_manager_hears_of_it_also_while_the_camera_is_lost(run, manager):
    with MjpegCamera() as camera:
        process = run(
            camera.address, "--patience", "0.5",
            NOTIFY_SOCKET=manager.getsockname(), WATCHDOG_USEC="1500000",
        )  # fmt: skip
        assert manager.recv(100) == b"READY=1"
        assert manager.recv(100) == b"WATCHDOG=1"
        assert json.loads(process.stdout.readline())
        camera.frozen = True
        assert "waiting: " in process.stderr.readline()
        began = time.monotonic()
        for _ in range(3):
            assert manager.recv(100) == b"WATCHDOG=1"
        print(f"3 signs in {time.monotonic() - began:.2f} s")
        process.send_signal(signal.SIGTERM)
        out, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")
    last = b"WATCHDOG=1"
    while last == b"WATCHDOG=1":
        last = manager.recv(100)
    assert last == b"STOPPING=1"
    events = [record for record in map(json.loads, out.splitlines()) if "event" in record]
    begun = {record["id"] for record in events if record["event"] == "begin"}
    assert begun <= {record["id"] for record in events if record["event"] == "end"}


def test_nobody_to_tell_or_somebody_else(manager):
    silent = Service({})
    silent.ready()
    silent.alive()
    Service({"NOTIFY_SOCKET": "/nowhere/notify"}).ready()
    address = manager.getsockname()
    other = Service({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid() + 1)})
    other.alive()  # the watchdog is another process's
    ours = Service({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())})
    for _ in range(5):
        ours.alive()
    ours.stopping()
    assert [manager.recv(100), manager.recv(100)] == [b"WATCHDOG=1", b"STOPPING=1"]


def test_what_waits_lies_where_the_manager_says(tiny, demo_clip, tmp_path, monkeypatch):
    """A service of systemd may have no home that it can write to."""
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path / 'state'}:{tmp_path / 'other'}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    line = ["--seconds", "2", "--enter", "0.34", "--min-duration", "0", "--webhook", "http://127.0.0.1:1/"]
    assert main(["run", str(demo_clip), "--model", str(tiny), *line]) == 0
    assert not (tmp_path / "other").exists()
    assert not (tmp_path / "home").exists()
    assert any(file.suffix == ".sqlite" for file in (tmp_path / "state").iterdir())


def test_an_abstract_socket():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
        unix.bind("")  # the kernel chooses a free abstract name
        unix.settimeout(60)
        Service({"NOTIFY_SOCKET": "@" + unix.getsockname()[1:].decode()}).ready()
        assert unix.recv(100) == b"READY=1"


def test_sigterm_while_it_opens_is_no_error(run):
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = run(f"http://127.0.0.1:{server.getsockname()[1]}/live")
        server.settimeout(60)
        client, _ = server.accept()
        with client:
            process.send_signal(signal.SIGTERM)
            out, error = process.communicate(timeout=60)
    assert (process.returncode, out, error) == (0, "", "")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_several_cameras_end_within_a_second(run, number, status):
    with MjpegCamera() as first, MjpegCamera() as second, MjpegCamera() as third:
        process = run(first.address, second.address, third.address, "--region", "a=0,0,1,1", "--region", "b=0,0,.5,1")
        assert "6 windows (3 sources, 6 regions): at most" in process.stderr.readline()
        seen = set()
        while len(seen) < 6:
            record = json.loads(process.stdout.readline())
            seen.add((record["source"], record["region"]))
        third.frozen = True
        began = time.monotonic()
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
        seconds = time.monotonic() - began
    print(f"{number!r}: {seconds:.2f} s")
    assert process.returncode == status
    assert seconds < STOPS + BUSY
    assert "Traceback" not in error
    assert {source for source, _ in seen} == {"127.0.0.1", "127.0.0.1 (2)", "127.0.0.1 (3)"}


def test_cameras_have_the_names_that_they_are_given(run):
    with MjpegCamera() as first, MjpegCamera() as second:
        process = run(
            first.address, second.address, "--name", "yard", "--name", "Flur unten", "--region", "yard:door=0,0,1,1"
        )
        seen = set()
        while len(seen) < 2:
            record = json.loads(process.stdout.readline())
            seen.add((record["source"], record.get("region")))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert seen == {("yard", "door"), ("Flur unten", None)}


@pytest.mark.parametrize("names", [["a", "a"], ["a", "b", "c"], ["a", ""]])
def test_names_that_fit_no_cameras_are_refused(names, capsys):
    line = [word for name in names for word in ("--name", name)]
    assert main(["run", "http://127.0.0.1:1/", "http://127.0.0.1:2/", *line]) == 1
    assert "--name: expected one, or 2 that differ, one for each source, got 'a'" in capsys.readouterr().err


def test_one_camera_that_goes_is_told_at_once_and_at_the_end(run, demo_clip):
    with MjpegCamera() as camera, MjpegCamera() as other:
        process = run(camera.address, other.address, "--give-up", "0", "--seconds", "4")
        assert "at most" in process.stderr.readline()
        while "(2)" not in process.stdout.readline():
            pass
        other.stop()
        out, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "edgevtn: warning: 127.0.0.1 (2) has ended by an error: " in error
    assert error.splitlines()[-1].startswith("edgevtn: error: 1 of 2 sources failed: ")
    assert json.loads(out.splitlines()[-1])["source"] == "127.0.0.1"


def test_one_source_that_is_wrong_is_an_error_at_once(tiny, demo_clip, capsys):
    assert main(["run", str(demo_clip), "nothing.mp4", "--model", str(tiny)]) == 1
    assert capsys.readouterr().err.startswith("edgevtn: error: nothing.mp4: does not exist")
