"""Clips of events: what is in them, that they play, and that the folder stays small."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from broker import PATIENCE

from edgevtn import Event
from edgevtn.errors import OutputError
from edgevtn.sinks import Origin
from edgevtn.sinks.clips import Clips

av = pytest.importorskip("av")

RATE = 25
HERE = Path(__file__).parent


def picture(n):
    """Its brightness tells its second."""
    frame = np.full((120, 162, 3), 20 + 10 * (n // RATE), np.uint8)
    frame[40:80, n % 100 : n % 100 + 20] = 255
    return frame


def show(sink, seconds, events=()):
    """Frames, and events when they are told: (second, event)."""
    left = list(events)
    for n in range(round(seconds * RATE)):
        sink.frame(picture(n), 100 + n / RATE)
        while left and n / RATE >= left[0][0]:
            sink.event(left.pop(0)[1])


def event(id, start, end=None, label="sit down"):
    return Event(id, "m", label, 100 + start, None if end is None else 100 + end, 0.5)


def packets(file):
    with av.open(str(file)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def seconds_shown(file):
    """Seconds of the scene, by brightness, of every frame; and the frames' times in the clip."""
    with av.open(str(file)) as container:
        decoded = [(frame.time, frame.to_ndarray(format="bgr24")[5, 5, 0]) for frame in container.decode(video=0)]
    return [round((int(grey) - 20) / 10) for _, grey in decoded], [time for time, _ in decoded]


def test_a_clip_shows_before_during_and_after(tmp_path):
    origin = Origin("hall")
    sink = Clips(tmp_path, origin, before=2, after=1.5)
    show(sink, 20, [(9.8, event(1, 9.0)), (12.6, event(1, 9.0, 12.0))])
    assert [file.name.partition("-sit_down-")[2] for file in tmp_path.iterdir()] == [f"{origin.run}-1.mp4"]
    sink.close()
    (file,) = tmp_path.iterdir()
    seconds, times = seconds_shown(file)
    assert seconds[0] in (5, 6)  # from the key frame before 7.0
    assert seconds[-1] == 13
    assert set(seconds) == set(range(seconds[0], 14))
    # It runs as fast as the scene did.
    assert times[0] == 0
    assert times[-1] == pytest.approx(13.5 - 7.0, abs=1.3)
    assert np.diff(times).max() < 0.1
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")  # what browsers play
        assert stream.codec_context.codec_tag == "avc1"
        assert (stream.width, stream.height) == (162, 120)


def test_nothing_is_encoded_twice(tmp_path):
    sink = Clips(tmp_path, before=2, after=2)
    show(
        sink,
        14,
        [(5, event(1, 5.0, label="a")), (6, event(2, 6.0, label="b")), (9, event(1, 5.0, 8.0)), (9, event(2, 6, 9))],
    )
    sink.close()
    first, second = (packets(next(tmp_path.glob(f"*-{label}-*"))) for label in "ab")
    shared = len(first) - first.index(second[0])
    assert shared > 40
    assert first[-shared:] == second[:shared]


def test_an_event_that_goes_on_at_the_end_has_its_clip(tmp_path):
    sink = Clips(tmp_path, before=1)
    show(sink, 6, [(4, event(1, 3.5))])
    assert [file for file in tmp_path.iterdir() if not file.name.startswith(".")] == []  # not whole yet
    sink.close()
    (file,) = tmp_path.iterdir()
    assert seconds_shown(file)[0][-1] == 5


def test_a_clip_does_not_reach_over_a_loss(tmp_path):
    """Neither what went on before it, nor what begins after it, has a piece of the other side."""
    sink = Clips(tmp_path, before=5, after=5)
    for n in [*range(10 * RATE), *range(40 * RATE, 52 * RATE)]:
        sink.frame(picture(n % (20 * RATE)), 100 + n / RATE)
        if n == 9 * RATE:
            sink.event(event(1, 8.0, label="before"))
        if n == 44 * RATE:
            assert [file.name.split("-")[2] for file in tmp_path.glob("2*")] == ["before"]  # whole since the loss
            sink.event(event(2, 42.5, label="after"))
        if n == 46 * RATE:
            sink.event(event(2, 42.5, 45.0, label="after"))
    (file,) = tmp_path.glob("*-after-*")
    _, times = seconds_shown(file)
    assert np.diff(times).max() < 0.1
    assert times[-1] == pytest.approx(50.0 - 40.0, abs=0.3)
    sink.close()


def test_a_clip_is_whole_in_time_though_no_picture_comes(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("edgevtn.sinks.ring.time", SimpleNamespace(monotonic=lambda: now[0]))
    sink = Clips(tmp_path, before=1, after=10)
    show(sink, 6, [(4, event(1, 3.5)), (5, event(1, 3.5, 4.5))])  # it is whole at 14.5, and nothing comes after 6
    for now[0], whole in ((4.0, 0), (8.0, 0), (9.0, 1)):
        sink.pulse()
        assert len(list(tmp_path.glob("2*"))) == whole
    sink.close()


def test_a_camera_that_changes_its_shape_has_clips_of_that_shape(tmp_path):
    sink = Clips(tmp_path, before=1, after=1)
    for n in range(20 * RATE):
        sink.frame(picture(n) if n < 10 * RATE else np.zeros((400, 240, 3), np.uint8), 100 + n / RATE)
        if n in (8 * RATE, 15 * RATE):
            sink.event(event(n, n / RATE - 0.5, label="wide" if n < 10 * RATE else "high"))
    sink.close()
    sizes = {}
    for file in tmp_path.glob("*.mp4"):
        with av.open(str(file)) as container:
            stream = container.streams.video[0]
            sizes[file.name.split("-")[2]] = stream.width, stream.height
    assert sizes == {"wide": (162, 120), "high": (240, 400)}


def test_a_clip_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr("edgevtn.sinks.clips.LONGEST_CLIP", 3.0)
    sink = Clips(tmp_path, before=1)
    show(sink, 12, [(4, event(1, 4.0)), (11, event(1, 4.0, 11.0))])
    (file,) = tmp_path.iterdir()
    assert seconds_shown(file)[1][-1] <= 3.0
    sink.close()


def test_the_folder_is_bounded_and_other_files_stay(tmp_path):
    (tmp_path / "holiday.mp4").write_bytes(bytes(10**6))
    (tmp_path / "20200101-000000-x-0a-1.mp4").write_bytes(bytes(10**6))  # an old clip
    told = [(2 * n, event(n, 2 * n)) for n in range(1, 8)]
    told += [(2 * n + 1, event(n, 2 * n, 2 * n + 0.5)) for n in range(1, 8)]
    sink = Clips(tmp_path, before=0, after=0, most_bytes=1)
    show(sink, 18, sorted(told, key=lambda pair: pair[0]))
    sink.close()
    names = sorted(file.name for file in tmp_path.iterdir())
    assert len(names) == 2  # the newest, and what is not ours
    assert names[0].endswith("-7.mp4")
    assert names[1] == "holiday.mp4"


def test_a_kill_leaves_whole_clips_and_the_rest_is_removed_later(tmp_path):
    script = """
import sys
sys.path.insert(0, sys.argv[2])
from test_clips import Clips, event, show
sink = Clips(sys.argv[1], before=1, after=1)
show(sink, 12, [(3, event(1, 3.0)), (5, event(1, 3.0, 4.0)), (9, event(2, 8.0))])
print("ready", flush=True)
sys.stdin.read()
"""
    running = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path, HERE],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(HERE.parent / "support")},
    )  # fmt: skip
    assert running.stdout.readline() == "ready\n"
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=PATIENCE)
    part, whole = sorted(tmp_path.iterdir())
    assert part.name.endswith(".part.mp4")
    assert seconds_shown(whole)[0][-1] == 4
    Clips(tmp_path).close()
    assert part.exists()  # someone may be writing it
    os.utime(part, (time.time() - 3600,) * 2)
    Clips(tmp_path).close()
    assert not part.exists()


def test_a_folder_that_goes_is_said_once_and_stops_nothing(tmp_path, caplog):
    sink = Clips(tmp_path / "clips", before=1, after=0)
    show(sink, 3)
    shutil.rmtree(tmp_path / "clips")
    for n in range(1, 4):
        sink.event(event(n, 2.0))
    assert [record.message.count("recognition goes on") for record in caplog.records] == [1]
    sink.close()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be used as a folder"):
        Clips(tmp_path / "file")
