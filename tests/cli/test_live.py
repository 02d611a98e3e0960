"""`edgevtn run` on live sources: what it says when they are lost, and that it stops when it is told to."""

import json
import signal
import socket
import subprocess
import sys
import time

import pytest
from cameras import MjpegCamera, RtspCamera

from edgevtn.cli.main import main

#: Seconds after Ctrl-C that are promised, and how much longer a busy machine may take in a test.
STOPS, BUSY = 1.0, 4.0


@pytest.fixture
def run(tiny):
    """Start the command."""
    running = []

    def start(source, *options):
        arguments = [sys.executable, "-m", "edgevtn", "run", source, "--model", str(tiny), "--json", *options]
        running.append(subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def interrupt(process, what):
    """Press Ctrl-C; what it had still to say."""
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    seconds = time.monotonic() - began
    print(f"Ctrl-C while {what}: {seconds:.2f} s")
    assert process.returncode == 130
    assert seconds < STOPS + BUSY
    assert "Traceback" not in error
    return out, error


def test_a_loss_and_a_return_are_a_line_each(run):
    with MjpegCamera() as server:
        process = run(server.address, "--patience", "1")
        assert json.loads(process.stdout.readline())
        server.frozen = True
        lost = process.stderr.readline()
        name = f"http://127.0.0.1:{server.port}"
        assert lost == f"edgevtn: waiting: {name}: gave no picture for 1 s; is it still connected?\n"
        server.frozen = False
        assert "is back after" in process.stderr.readline()
        assert json.loads(process.stdout.readline())
        _, error = interrupt(process, "it runs")
        assert error == ""


@pytest.mark.parametrize("options", [[], ["--wait"]])
def test_ctrl_c_while_a_source_does_not_answer(run, options):
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = run(f"http://127.0.0.1:{server.getsockname()[1]}/live", *options)
        server.settimeout(60)
        client, _ = server.accept()
        with client:
            interrupt(process, f"it opens {options}")


def test_ctrl_c_while_it_waits(run):
    process = run(f"http://127.0.0.1:{free_port()}/live", "--wait")
    assert "refuses the connection; check the port" in process.stderr.readline()
    interrupt(process, "it waits")


def test_ctrl_c_while_an_rtsp_stream_is_frozen(run):
    with RtspCamera() as server:
        process = run(server.address)
        assert json.loads(process.stdout.readline())
        server.freeze()
        assert "gave no picture for 3 s" in process.stderr.readline()
        interrupt(process, "an RTSP stream is frozen")


def test_giving_up_is_an_error(tiny, capsys):
    address = f"http://127.0.0.1:{free_port()}/live"
    assert main(["run", address, "--model", str(tiny)]) == 1
    assert main(["run", address, "--model", str(tiny), "--wait", "--give-up", "0.2"]) == 1
    lines = capsys.readouterr().err.splitlines()
    reason = f"{address.removesuffix('/live')}: refuses the connection; check the port, and that the camera has started"
    assert lines == [
        f"edgevtn: error: {reason}",
        f"edgevtn: waiting: {reason}",
        f"edgevtn: error: given up after 0.2 s: {reason}",
    ]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]
