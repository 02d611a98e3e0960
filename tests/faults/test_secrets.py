"""No password in anything that is printed or written, whatever the form of the address and however talkative OpenCV."""

from __future__ import annotations

import base64
import socket
import threading
import warnings

import pytest
from children import python

from edgevtn import SourceError, frames
from edgevtn.cli.main import main
from edgevtn.errors import EdgeVTNError, one_line
from edgevtn.sources import redact, source_name
from edgevtn.sources.secret import PASSWORD, PASSWORD_FILE, checked_address

SECRET = "hunter2"
#: Addresses as people mistype them, and as some cameras want them. Nothing listens at port 9.
FORMS = [
    f"rtsp:/user:{SECRET}@h",
    f"rtsp:user:{SECRET}@h",
    f"user:{SECRET}@h",
    f"user:{SECRET}@h/stream",
    f"//user:{SECRET}@h",
    f"async:rtsp://user:{SECRET}@127.0.0.1:9/x",
    f"concat:rtsp://user:{SECRET}@127.0.0.1:9/x|b",
    f"/user=admin&password={SECRET}",
    f"user=admin&password={SECRET}",
    f"h;password={SECRET}",
    f"rtsp://127.0.0.1:9/user=admin&password={SECRET}&channel=1",
    f"rtsp://127.0.0.1:9/user=admin_password={SECRET}_channel=1.sdp?real_stream",
    f"rtsp://127.0.0.1:9/live;password={SECRET}",
    f"rtsp://127.0.0.1:9/{SECRET}/live",
    f"http://127.0.0.1:9/video?token={SECRET}",
    f"http://user:{SECRET}@127.0.0.1:9/",
    f"rtsp://user:{SECRET}",
    f"rtsp://user:{SECRET}@",
    f"rtsp://u:a/{SECRET}@127.0.0.1:9/x",
    f"rtsp://u:a@b{SECRET}@127.0.0.1:9/x",
    f"rtsp://u:{SECRET}#@127.0.0.1:9/x",
    f"rtsp://[{SECRET}/",
    f"RTSP://user:{SECRET}@127.0.0.1:9/",
    f"tcp://user:{SECRET}@127.0.0.1:9",
    f"camera://{SECRET}@1",
    f" rtsp://user:{SECRET}@127.0.0.1:9/",
]
#: A user who wants to know everything.
TALKATIVE = {
    "OPENCV_LOG_LEVEL": "VERBOSE", "OPENCV_FFMPEG_LOGLEVEL": "56", "OPENCV_VIDEOIO_DEBUG": "1",
    "OPENCV_FFMPEG_DEBUG": "1", "AV_LOG_FORCE_COLOR": "0",
}  # fmt: skip


@pytest.mark.parametrize("address", FORMS)
def test_names_of_sources_have_no_password(address):
    assert SECRET not in redact(address)
    assert SECRET not in source_name(address)


def test_a_port_that_may_be_a_password_is_none():
    assert redact("rtsp://admin:12345") == "rtsp://admin"
    assert redact("rtsp://10.0.0.5:554/x") == "rtsp://10.0.0.5:554"


@pytest.mark.parametrize("av", [True, False])
def test_nothing_that_is_printed_has_a_password(tmp_path, av):
    """Every form, opened in one process; with PyAV and with OpenCV alone; native code prints, too."""
    code = """if True:
        import sys, warnings
        if sys.argv[1] == "opencv":
            sys.modules["av"] = None
        import edgevtn
        from edgevtn.sources import Camera
        for address in sys.argv[2:]:
            for attempt in (
                lambda: edgevtn.frames(address, give_up=0),
                lambda: list(edgevtn.watch([address, address])),
                lambda: edgevtn.recognize(address),
                lambda: edgevtn.teach([(address, "a"), (address, "b")]),
            )[: 1 if "127.0.0.1" in address else 4]:
                try:
                    attempt()
                except (edgevtn.EdgeVTNError, OSError, ValueError) as error:
                    print(type(error).__name__, error)
    """
    done = python(code, "av" if av else "opencv", *FORMS, environment=TALKATIVE | {"HOME": str(tmp_path)}, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-1000:]
    assert done.stdout.count("Error") >= len(FORMS)
    assert SECRET not in done.stdout + done.stderr
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not [file for file in written if SECRET.encode() in file.read_bytes()]


def test_the_commands_repeat_no_password(capsys):
    address = f"rtsp://user:{SECRET}@127.0.0.1:9/x"
    lines = [
        ["eval", address, address], ["eval", address], ["info", address], ["run", "--seconds", address, "x"],
        ["teach", address, "-o", "x"], ["run", address, "--model", address], ["run", f"--save={address}", address],
        ["calibrate", address, "--clips", address, "-o", "x"], ["verify", f"user:{SECRET}@h"],
        ["run", "x", "--mqtt", f"user:{SECRET}@h"], ["run", "x", "--webhook", f"ftp://u:{SECRET}@h"],
    ]  # fmt: skip
    for line in lines:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                status = main(line)
            except SystemExit as error:
                status = error.code
        assert status != 0, line
        told = capsys.readouterr()
        assert SECRET not in told.out + told.err, line


def test_a_configuration_is_not_repeated(tmp_path, capsys):
    file = tmp_path / "given.toml"
    for text in (f'source = {{ password = "{SECRET}" }}', f'mqtt = ["{SECRET}"]', f'json = "{SECRET}"', f"{SECRET!r}"):
        file.write_text(text + "\n")
        assert main(["run", "--config", str(file)]) == 1
        assert SECRET not in capsys.readouterr().err


def test_messages_of_others_lose_their_passwords():
    for text in (*FORMS[:10], f"cannot open 'rtsp://u:{SECRET}@h/x': refused", f"GET /x?token={SECRET}&a=1 failed"):
        assert SECRET not in one_line(text), text
    assert "rtsp://user:password@host/" in one_line("expected them as in rtsp://user:password@host/")
    assert SECRET not in str(EdgeVTNError(f"http://u:{SECRET}@h/x answers 500"))


def test_a_password_from_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv(PASSWORD, "a/b@c d")
    assert checked_address("rtsp://me@10.0.0.5/live") == "rtsp://me:a%2Fb%40c%20d@10.0.0.5/live"
    assert checked_address("rtsp://me:own@10.0.0.5/live") == "rtsp://me:own@10.0.0.5/live"
    assert checked_address("rtsp://10.0.0.5/live") == "rtsp://10.0.0.5/live"
    (tmp_path / "password").write_text("from a file\n")
    monkeypatch.setenv(PASSWORD_FILE, str(tmp_path / "password"))
    assert checked_address("rtsp://me@10.0.0.5/live") == "rtsp://me:from%20a%20file@10.0.0.5/live"
    monkeypatch.setenv(PASSWORD_FILE, str(tmp_path / "none"))
    with pytest.raises(SourceError, match="no password can be read"):
        checked_address("rtsp://me@10.0.0.5/live")


def test_the_camera_gets_the_password_from_the_environment(monkeypatch):
    """A camera of one answer: what it is asked is looked at."""
    monkeypatch.setenv(PASSWORD, SECRET)
    asked: list[bytes] = []

    def serve(listening: socket.socket) -> None:
        for answer in (b'401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"', b"404 Not Found"):
            connection, _ = listening.accept()
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        with pytest.raises(SourceError, match="404"):
            frames(f"http://me@127.0.0.1:{listening.getsockname()[1]}/live", give_up=0)
        thread.join(60)
    assert base64.b64encode(f"me:{SECRET}".encode()) in asked[1]
