"""Files, folders, addresses and cameras, whole and broken."""

import contextlib
import http.server
import threading
import warnings
from functools import partial

import cv2
import numpy as np
import pytest
from cameras import reader_threads
from tiny import moving_frames

from edgevtn import SourceError, frames
from edgevtn.sources import Camera, redact


def write_video(file, shown, rate=25, code="MJPG"):
    H, W = shown[0].shape[:2]
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*code), rate, (W, H))
    assert writer.isOpened()
    for frame in shown:
        writer.write(frame)
    writer.release()
    return file


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / "clip.avi", moving_frames(30))


def test_a_file_gives_every_frame_at_its_time(video):
    with frames(video) as source:
        got = list(source)
    assert [t for t, _ in got] == pytest.approx([n / 25 for n in range(30)])
    assert all(frame.shape == (48, 64, 3) and frame.dtype == np.uint8 for _, frame in got)


@pytest.mark.parametrize(
    ("shape", "code", "suffix"),
    [((18, 4000), "FFV1", "avi"), ((64, 36), "mp4v", "mp4"), ((4000, 18), "FFV1", "avi")],
)
def test_odd_sizes(tmp_path, shape, code, suffix):
    file = write_video(tmp_path / f"odd.{suffix}", moving_frames(3, *shape), code=code)
    with frames(file) as source:
        assert [frame.shape for _, frame in source] == [(*shape, 3)] * 3


def test_a_name_with_a_percent_sign_is_a_name(tmp_path):
    file = write_video(tmp_path / "100%02d.avi", moving_frames(3))
    with frames(file) as source:
        assert len(list(source)) == 3


def test_grey_video(tmp_path):
    file = tmp_path / "grey.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"FFV1"), 25, (64, 48), False)
    for frame in moving_frames(3):
        writer.write(frame[..., 0])
    writer.release()
    with frames(file) as source:
        assert [frame.shape for _, frame in source] == [(48, 64, 3)] * 3


def test_a_cut_file_gives_what_it_has_and_warns(tmp_path, video):
    content = video.read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(content[: len(content) // 2])
    with frames(cut) as source, pytest.warns(RuntimeWarning, match=r"cut\.avi: ended after 1\d of 30 frames"):
        count = len(list(source))
    assert 10 <= count < 20


def test_a_cut_mp4_is_an_error(tmp_path):
    file = write_video(tmp_path / "clip.mp4", moving_frames(30), code="mp4v")
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(SourceError, match="cut short"):
        frames(file)


@pytest.mark.parametrize("name", ["empty.mp4", "text.mp4", "zeros.avi", "riff.avi"])
def test_what_is_no_video(tmp_path, name):
    content = {
        "empty.mp4": b"",
        "text.mp4": b"hello\n" * 500,
        "zeros.avi": bytes(5000),
        "riff.avi": b"RIFF\x10\0\0\0AVI LIST",
    }
    (tmp_path / name).write_bytes(content[name])
    with pytest.raises(SourceError, match=name):
        frames(tmp_path / name)


def test_missing_file(tmp_path):
    with pytest.raises(SourceError, match="does not exist"):
        frames(tmp_path / "nothing.mp4")


def test_every_prefix_of_a_file_ends(tmp_path, video):
    content = video.read_bytes()
    for size in range(0, len(content), len(content) // 23):
        (tmp_path / "cut.avi").write_bytes(content[:size])
        with warnings.catch_warnings(), contextlib.suppress(SourceError):
            warnings.simplefilter("ignore", RuntimeWarning)
            with frames(tmp_path / "cut.avi") as source:
                assert len(list(source)) <= 30


def test_a_folder_in_natural_order(tmp_path):
    for n in (10, 9, 2, 1):
        cv2.imwrite(str(tmp_path / f"frame{n}.png"), np.full((4, 6, 3), n, np.uint8))
    cv2.imwrite(str(tmp_path / "frame11.png"), np.full((8, 3), 11, np.uint8))  # grey, and of another size
    (tmp_path / "notes.txt").write_text("not an image")
    with frames(tmp_path, frame_rate=10) as source:
        got = list(source)
    assert [int(frame[0, 0, 0]) for _, frame in got] == [1, 2, 9, 10, 11]
    assert [t for t, _ in got] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert got[-1][1].shape == (8, 3, 3)


def test_a_folder_with_alpha_and_names_beyond_ascii(tmp_path):
    folder = tmp_path / "Bilder ä"
    folder.mkdir()
    ok, content = cv2.imencode(".png", np.zeros((4, 6, 4), np.uint8))
    assert ok
    (folder / "ö1.png").write_bytes(content.tobytes())
    with frames(folder) as source:
        assert [frame.shape for _, frame in source] == [(4, 6, 3)]


def test_bad_folders(tmp_path):
    with pytest.raises(SourceError, match="no images"):
        frames(tmp_path)
    (tmp_path / "a.png").write_bytes(b"not a png")
    with pytest.raises(SourceError, match=r"a\.png: cannot be read as an image"), frames(tmp_path) as source:
        list(source)
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"a\.png"), frames(tmp_path) as source:
        list(source)
    with pytest.raises(ValueError, match="frame_rate"):
        frames(tmp_path, frame_rate=0)


def test_missing_camera():
    with pytest.raises(SourceError, match="camera 97 cannot be opened"):
        frames(97)
    assert not reader_threads()


@pytest.mark.parametrize(
    ("address", "printed"),
    [
        ("rtsp://admin:hunter2@10.0.0.5:554/live?token=hunter2", "rtsp://10.0.0.5:554"),
        ("http://user@host/a.mp4", "http://host"),
        ("rtsp://a:hunter2@host:notaport/x", "rtsp://..."),
        ("clip.mp4", "clip.mp4"),
    ],
)
def test_passwords_are_not_printed(address, printed):
    assert redact(address) == printed


def test_an_address_that_does_not_answer_names_no_password(capfd):
    with pytest.raises(SourceError, match="refuses the connection") as caught:
        frames("http://admin:hunter2@127.0.0.1:9/live")
    assert "hunter2" not in str(caught.value) + "".join(capfd.readouterr())


@contextlib.contextmanager
def serving(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_a_file_behind_an_address_gives_every_frame(video):
    with serving(partial(Quiet, directory=video.parent)) as address, frames(f"{address}/clip.avi") as source:
        assert len(list(source)) == 30


def test_a_file_is_not_waited_for(video):
    with (
        serving(partial(Quiet, directory=video.parent)) as address,
        Camera(f"{address}/clip.avi", wait=True) as source,
        pytest.raises(SourceError, match="is a file, which is not waited for"),
    ):
        list(source)


class Vanishing(Quiet):
    """An MJPEG camera that sends 40 numbered frames and then vanishes."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            for n in range(40):
                ok, jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 6 * n, np.uint8))
                assert ok
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg.tobytes() + b"\r\n")


def test_a_live_address_that_vanishes_is_an_error():
    with serving(Vanishing) as address, frames(f"{address}/live.mjpg", give_up=0) as source:
        times = []
        with pytest.raises(SourceError, match="stopped delivering frames"):
            for timestamp, frame in source:
                times.append(timestamp)
                assert frame.shape == (48, 64, 3)
    assert times
    assert times == sorted(set(times))
    assert not reader_threads()
