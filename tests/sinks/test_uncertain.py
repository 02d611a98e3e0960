"""Clips where a model hesitated: which moments they are, and that the folder stays small."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tiny import moving_frames, random_head, tiny_encoder, tiny_facts
from visitor import prediction

import edgevtn
from edgevtn.bundle import write_bundle
from edgevtn.cli.main import main
from edgevtn.region import Region, Scene
from edgevtn.sinks import Origin
from edgevtn.sinks.clips import Clips
from edgevtn.sinks.ring import Rings
from edgevtn.sinks.uncertain import LONGEST, MOST_CLIPS, Uncertain, hesitates

av = pytest.importorskip("av")

LABELS = ("wave", "walk", "nothing")
SURE, CLOSE, LOW = [0.8, 0.15, 0.05], [0.55, 0.42, 0.03], [0.4, 0.15, 0.15]
IDLE = [0.3, 0.32, 0.38]
RATE = 12.5
DOOR = Region("door", 0.5, 0, 1, 1)


def show(sink, seconds, doubts, scene=None, regions=("",)):
    """Frames whose brightness is their second, and predictions: of `doubts` (from, to, probabilities), else sure."""
    for n in range(round(seconds * RATE)):
        t = n / RATE
        values = next((values for start, end, values in doubts if start <= t < end), SURE)
        for region in regions:
            told = prediction(values, LABELS[: len(values)], t=100 + t)
            sink.prediction(replace(told, source=scene.source if scene else "", region=region))
        frame = np.full((120, 160, 3), 20 + 5 * int(t), np.uint8)
        frame[40:80, n % 60 : n % 60 + 20] = 255
        sink.frame(frame, 100 + t, *([scene] if scene else []))


def seconds_shown(file):
    with av.open(str(file)) as container:
        greys = [frame.to_ndarray(format="bgr24")[:30].mean() for frame in container.decode(video=0)]
    return sorted({int((grey - 16) / 5) for grey in greys})  # colours lose a few levels on the way


@pytest.mark.parametrize(
    ("values", "expected"),
    [(SURE, False), (CLOSE, True), (LOW, True), (IDLE, False), ([0.1, 0.1, 0.8], False), ([1.0], False), ([0.4], True)],
)
def test_what_is_hesitating(values, expected):
    assert hesitates(prediction(values, LABELS[: len(values)])) == expected


def test_a_clip_shows_what_was_doubted(tmp_path):
    origin = Origin("hall")
    sink = Uncertain(tmp_path, origin)
    # Too short, nothing, long enough, and sure again.
    show(sink, 20, [(2, 2.8, CLOSE), (4, 7, IDLE), (10, 12, CLOSE)])
    sink.close()
    (file,) = tmp_path.iterdir()
    assert file.name.partition("-wave_or_walk-")[2] == f"{origin.run}-1.mp4"
    shown = seconds_shown(file)
    # The first doubtful window began at 9; a key frame is at most a second before.
    assert shown[0] in (7, 8)
    assert shown[-1] == 12


def test_doubt_that_goes_on_is_one_short_clip_in_a_while(tmp_path):
    sink = Uncertain(tmp_path)
    show(sink, 45, [(5, 45, LOW)])
    sink.close()
    first, second = sorted(tmp_path.iterdir())
    assert 9 <= len(seconds_shown(first)) <= LONGEST + 1
    assert seconds_shown(second)[0] >= 30


def test_the_folder_is_bounded(tmp_path):
    (tmp_path / "holiday.mp4").write_bytes(b"a film")
    for n in range(5):
        (tmp_path / f"2020010{n + 1}-000000-a_or_b-0a-1.mp4").write_bytes(bytes(1000))
    sink = Uncertain(tmp_path, most_clips=3)
    show(sink, 6, [(2, 4, LOW)])
    sink.close()
    kept = sorted(file.name[:8] for file in tmp_path.iterdir())
    assert kept[:2] == ["20200104", "20200105"]
    assert len(kept) == 4
    assert "holiday." in kept
    assert MOST_CLIPS == 200  # as the command's help says


def test_a_region_has_what_it_saw_and_a_source_its_folder(tmp_path):
    sink = Uncertain(tmp_path)
    show(sink, 6, [(2, 5, LOW)], Scene("yard", (DOOR,)), ["door"])
    sink.close()
    (file,) = (tmp_path / "yard").iterdir()
    with av.open(str(file)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (80, 120)


def test_frames_are_encoded_once_for_both_kinds_of_clips(tmp_path):
    rings = Rings()
    clips, uncertain = Clips(tmp_path / "events", rings=rings), Uncertain(tmp_path / "doubts", rings=rings)

    class Both:
        def prediction(self, told):
            uncertain.prediction(told)

        def frame(self, frame, timestamp):
            clips.frame(frame, timestamp)
            uncertain.frame(frame, timestamp)
            if timestamp == 104:
                clips.event(edgevtn.Event(1, "m", "wave", 103.0, None, 0.5))

    show(Both(), 9, [(2, 8, LOW)])
    clips.close()
    uncertain.close()
    found = []
    for folder in ("events", "doubts"):
        (file,) = (tmp_path / folder).iterdir()
        with av.open(str(file)) as container:
            found.append([bytes(packet) for packet in container.demux(video=0) if packet.size])
    assert len(rings) == 1
    assert len(set(found[0]) & set(found[1])) > 60


def test_a_folder_that_goes_stops_nothing(tmp_path, caplog):
    sink = Uncertain(tmp_path / "doubts")
    (tmp_path / "doubts").rmdir()
    show(sink, 40, [(2, 40, LOW)])
    sink.close()
    assert [record.message.count("recognition goes on") for record in caplog.records] == [1]


def test_the_command_keeps_them(tmp_path):
    facts = tiny_facts()
    undecided = {name: values / 10 if name.startswith("w_") else values for name, values in random_head(facts).items()}
    write_bundle(tmp_path / "model", facts, tiny_encoder().SerializeToString(), undecided)
    (tmp_path / "pictures").mkdir()
    for n, frame in enumerate(moving_frames(60)):
        cv2.imwrite(str(tmp_path / "pictures" / f"{n}.png"), frame)
    doubts = tmp_path / "doubts"
    line = ["run", str(tmp_path / "pictures"), "--model", str(tmp_path / "model"), "--frame-rate", "10"]
    assert main([*line, "--keep-uncertain", str(doubts)]) == 0
    assert len(list(doubts.iterdir())) == 1
