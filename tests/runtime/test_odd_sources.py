"""Sources that are not quite what one expects: odd names and numbers, memory used again, recognisers that were slow."""

import shutil
import threading
import time
import warnings
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from cameras import MjpegCamera
from tiny import moving_frames

import edgevtn
from edgevtn.cli.main import main
from edgevtn.errors import FrameError, SourceError
from edgevtn.pace import Pace
from edgevtn.sampler import Sampler
from edgevtn.sources import Camera, Cameras


def shown(count, rate=10):
    return [(n / rate, frame) for n, frame in enumerate(moving_frames(count))]


@pytest.mark.parametrize("name", ["12:30.mp4", "2026-11-28T10:30:05.mp4", "concat:1.mp4", "cam:1|2.mp4"])
def test_a_colon_in_a_name_is_no_protocol(name, demo_clip, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(demo_clip, name)
    assert len(list(islice(edgevtn.frames(name), 10))) == 10
    assert main(["run", name, "--model", str(tiny), "--seconds", "1", "--save", f"saved {name}"]) == 0
    with edgevtn.frames(f"saved {name}") as pictures:
        assert sum(1 for _ in pictures) > 20


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs /dev/shm")
def test_files_in_memory_are_no_cameras(demo_clip, tiny, capsys):
    folder = Path("/dev/shm/edgevtn-test-files")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        for name in ("a.mp4", "b.mp4"):
            shutil.copy(demo_clip, folder / name)
        (folder / "pictures").mkdir()
        for n, frame in enumerate(moving_frames(20)):
            cv2.imwrite(str(folder / "pictures" / f"{n}.png"), frame)
        with Camera(folder / "a.mp4") as camera:
            assert not camera.live
            assert len(list(islice(camera, 5))) == 5
        assert len(list(Camera(str(folder / "pictures")))) == 20
        places = [str(folder / name) for name in ("a.mp4", "b.mp4")]
        assert (
            main(["run", *places, "--model", str(tiny), "--seconds", "1", "--json", "--out", str(folder / "out")]) == 0
        )
    finally:
        shutil.rmtree(folder)
    with pytest.raises(SourceError, match="is it plugged in"):
        Camera("/dev/video_that_is_not_there")


def test_a_recogniser_that_was_slowed_down_is_itself_again(tiny):
    recognizer, now = edgevtn.Recognizer(tiny, threads=1), 0.0

    def clock():
        nonlocal now
        now += 0.5
        return now

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hot = Pace(lambda sentence: None, clock=clock, thermometer=lambda: 95.0)
        list(edgevtn.watch(shown(60), recognizer=recognizer, pace=hot))
    assert hot.factor > 1

    class Counts(edgevtn.Sink):
        predictions = 0

        def prediction(self, prediction):
            self.predictions += 1

    again, fresh = Counts(), Counts()
    list(edgevtn.watch(shown(60), recognizer=recognizer, sinks=[again]))
    list(edgevtn.watch(shown(60), recognizer=edgevtn.Recognizer(tiny, threads=1), sinks=[fresh]))
    assert again.predictions == fresh.predictions > 40


def test_no_frame_is_an_error_not_an_end(tiny):
    pairs = [*shown(20), (2.0, None)]
    with pytest.raises(FrameError, match="got NoneType"):
        list(edgevtn.watch(pairs, tiny))


def test_memory_that_a_function_uses_again_is_copied():
    asked = threading.Semaphore(0)

    def camera():
        buffer = np.zeros((48, 64, 3), np.uint8)
        for n in range(5):
            buffer[:] = n
            yield None, buffer
            assert asked.acquire(timeout=60)

    with Camera(camera) as source:
        stream = iter(source)
        _, first = next(stream)
        asked.release()
        _, second = next(stream)
        assert (first.max(), second.max()) == (0, 1)
        for _ in range(5):
            asked.release()


def test_a_file_that_was_closed_is_told_as_such(demo_clip):
    camera = Camera(demo_clip)
    camera.close()
    with pytest.raises(SourceError, match="was closed; open it again"):
        list(camera)


@pytest.mark.parametrize("several", [False, True])
def test_a_lost_camera_does_not_outlast_its_seconds(several, tiny, demo_clip):
    with MjpegCamera() as server:
        source = [server.address, str(demo_clip)] if several else server.address

        class Freezes(edgevtn.Sink):
            def prediction(self, prediction):
                if prediction.source in ("", "127.0.0.1"):  # the file's may be the first
                    server.frozen = True

        began = time.monotonic()
        list(edgevtn.watch(source, tiny, seconds=2, sinks=[Freezes()]))
        assert time.monotonic() - began < 60


def test_a_camera_that_failed_before_its_seconds_were_over_has_failed(tiny):
    with MjpegCamera() as first, MjpegCamera() as second, Cameras([first.address, second.address], give_up=0) as both:

        class Unplugs(edgevtn.Sink):
            def prediction(self, prediction):
                if prediction.source.endswith("(2)") and not second.stopped:
                    second.stop()
                first.frozen = first.frozen or prediction.timestamp > 1.5  # so that its time is over later

        with pytest.warns(RuntimeWarning, match="has ended by an error"), pytest.raises(SourceError, match="1 of 2"):
            list(edgevtn.watch(both, tiny, seconds=2, sinks=[Unplugs()]))


def test_a_file_of_a_varying_rate_is_whole(tmp_path):
    av = pytest.importorskip("av")
    steps = np.cumsum([40, 100, 500, 40, 40] * 10)
    with av.open(str(tmp_path / "vfr.mkv"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for picture, moment in zip(moving_frames(50), steps, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:48, :64]), format="bgr24")
            frame.pts, frame.time_base = int(moment), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert len(list(edgevtn.frames(tmp_path / "vfr.mkv"))) == 50  # and no warning


def test_a_folder_named_like_an_image_is_none(tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), moving_frames(1)[0])
    (tmp_path / "2.png").mkdir()
    assert len(list(edgevtn.frames(tmp_path))) == 1


def test_numbers_of_cameras():
    for index in (np.int64(97), 97):
        with pytest.raises(SourceError, match="camera 97"):
            Camera(index)
    with pytest.raises(
        SourceError, match="expected a path, a camera's index, an address, pairs or a function, got 1.5"
    ):
        Camera(1.5)


def test_times_that_hardly_differ():
    sampler = Sampler(25.0)
    for timestamp in [0, *(1e-9 * n for n in range(1, 15)), 1e9, 1e9 + 1]:
        sampler.slots(timestamp)
