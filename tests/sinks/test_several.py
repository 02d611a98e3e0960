"""Sinks that are told the frames of several sources: each source's go where they belong."""

import json
import shutil

import cv2
import numpy as np
import pytest
from tiny import moving_frames
from visitor import prediction

import edgevtn
from edgevtn.cli.main import main
from edgevtn.cli.regions import expense
from edgevtn.drawing import INK, SEEN, annotate
from edgevtn.region import WHOLE, Region, Scene
from edgevtn.sinks import Apart, Display, Video
from edgevtn.sinks.names import Names

#: Every best label is an event at once.
EAGER = ["--enter", "0.35", "--leave", "0.34", "--min-duration", "0"]


@pytest.fixture
def folders(tmp_path):
    """Two folders of images, one blue and one red, but for noise that moves."""
    made = []
    for seed, (name, color) in enumerate((("yard", 0), ("hall", 2))):
        made.append(tmp_path / name)
        made[-1].mkdir()
        for n, frame in enumerate(moving_frames(40, 96, 128, seed=seed)):
            frame[..., [0, 1, 2]] //= 4
            frame[..., color] |= 192
            cv2.imwrite(str(made[-1] / f"{n}.png"), frame)
    return made


def color(file):
    """The strongest channel of its middle: 0 blue, 2 red."""
    with edgevtn.frames(file) as source:
        frames = [frame for _, frame in source]
    return {int(frame[: 2 * frame.shape[0] // 3].mean(axis=(0, 1)).argmax()) for frame in frames}


def test_each_source_has_its_files(folders, tiny, tmp_path, capsys):
    pytest.importorskip("av")
    line = [*map(str, folders), "--model", str(tiny), "--frame-rate", "10", "--json", *EAGER]
    line += [
        "--overlay",
        str(tmp_path / "out.mp4"),
        "--record",
        str(tmp_path / "clips"),
        "--before",
        "0",
        "--after",
        "0",
    ]
    assert main(["run", *line]) == 0
    captured = capsys.readouterr()
    ended = [record for record in map(json.loads, captured.out.splitlines()) if record.get("event") == "end"]
    for name, expected in (("yard", 0), ("hall", 2)):
        assert color(tmp_path / f"out-{name}.mp4") == {expected}
        clips = list((tmp_path / "clips" / name).iterdir())
        ids = {file.stem.split("-", 3)[3] for file in clips}
        assert ids == {record["id"] for record in ended if record["source"] == name}
        assert set().union(*map(color, clips)) == {expected}
    assert not (tmp_path / "out.mp4").exists()


def test_what_would_write_over_a_source_is_refused(folders, tiny, demo_clip, tmp_path, capsys):
    shutil.copy(demo_clip, tmp_path / "out-yard.mp4")
    before = (tmp_path / "out-yard.mp4").read_bytes()
    line = [str(folders[0]), str(tmp_path / "out-yard.mp4"), "--model", str(tiny), "--save", str(tmp_path / "out.mp4")]
    assert main(["run", *line]) == 1
    assert "is the source itself" in capsys.readouterr().err
    assert (tmp_path / "out-yard.mp4").read_bytes() == before


def test_regions_of_one_source_by_its_name_or_as_it_is_given(folders, tiny, capsys):
    line = ["run", *map(str, folders), "--model", str(tiny), "--frame-rate", "10", "--json", "--seconds", "1"]
    regions = ["--region", f"{folders[0]}:door=0,0,0.5,1", "--region", "hall:desk=0,0,0.5,1", "--region", "all=0,0,1,1"]
    assert main([*line, *regions]) == 0
    captured = capsys.readouterr()
    told = {(record["source"], record["region"]) for record in map(json.loads, captured.out.splitlines())}
    assert told == {("yard", "door"), ("yard", "all"), ("hall", "desk"), ("hall", "all")}
    assert main([*line, "--region", "hall:desk=0,0,0.5,1"]) == 0
    captured = capsys.readouterr()
    records = list(map(json.loads, captured.out.splitlines()))
    assert {(record["source"], record.get("region")) for record in records} == {("yard", None), ("hall", "desk")}
    assert main([*line, "--region", "cellar:desk=0,0,0.5,1"]) == 1
    assert "region desk: expected a source before the colon (yard, hall), got another" in capsys.readouterr().err


def test_what_several_cameras_cost_is_counted(tiny):
    recognizer = edgevtn.Recognizer(tiny, threads=1)
    wanted = [Region("door", 0, 0, 0.5, 1, "yard"), Region("desk", 0, 0, 0.5, 1, "hall"), Region("all", 0, 0, 1, 1)]
    assert "ms a frame, 2 windows (2 sources): at most" in expense(recognizer, ["yard", "hall"], [])
    assert "4 windows (2 sources, 4 regions): at most" in expense(recognizer, ["yard", "hall"], wanted)
    assert "2 windows (2 sources, 1 region): at most" in expense(recognizer, ["yard", "hall"], wanted[1:2])


def test_a_single_source_may_be_named(folders, tiny, capsys):
    line = ["run", str(folders[0]), "--model", str(tiny), "--frame-rate", "10", "--json", "--seconds", "1"]
    assert main([*line, "--region", f"{folders[0]}:door=0,0,0.5,1"]) == 0
    captured = capsys.readouterr()
    assert "1 window (1 source, 1 region): at most" in captured.err
    assert {json.loads(line)["region"] for line in captured.out.splitlines()} == {"door"}


def test_a_region_of_no_source_is_told_without_a_password(tiny):
    wrong = Region("door", 0, 0, 1, 1, "rtsp://user:secret@host")
    with pytest.raises(ValueError, match="region door: expected the name of a source") as caught:
        list(edgevtn.watch([], tiny, regions=[wrong]))
    assert "secret" not in str(caught.value)


class Old:
    """A sink that does not know of scenes."""

    def __init__(self):
        self.told = []

    def frame(self, frame, timestamp):
        self.told.append(timestamp)


class New(Old):
    def frame(self, frame, timestamp, scene):
        self.told.append((timestamp, scene))


def test_sinks_may_take_a_scene_or_not(tiny):
    pairs = [(n / 10, frame) for n, frame in enumerate(moving_frames(5))]
    door = Region("door", 0, 0, 0.5, 1)
    sinks = [Old(), New(), Old(), New()]
    list(edgevtn.watch(pairs, tiny, sinks=[*sinks[:2], *map(Apart, sinks[2:])], regions=[door]))
    assert sinks[0].told == sinks[2].told == [time for time, _ in pairs]
    assert sinks[1].told == sinks[3].told == [(time, Scene("", (door,))) for time, _ in pairs]


def test_what_is_seen_is_drawn(tmp_path):
    """White rectangles of regions, orange squares of what a model sees; elsewhere the picture as it is."""
    frame = np.full((480, 640, 3), 90, np.uint8)
    two = Scene("", (Region("a", 0, 0.25, 0.25, 1), Region("b", 0.5, 0.5, 1, 1)))
    for scene, squares in ((WHOLE, [(80, 0, 560, 480)]), (two, [(0, 220, 160, 380), (360, 240, 600, 480)])):
        picture = annotate(frame, "x", None, 0.0, scene)[:480]
        orange = (picture == SEEN).all(axis=2)
        expected = np.zeros_like(orange)
        for left, top, right, bottom in squares:
            expected[top - 2 if top else 0 : bottom + 2, max(0, left - 2) : right + 2] = True
            inside = np.s_[top + 40 : bottom - 10, left + 10 : right - 10]
            assert (picture[inside] == 90).all()
            assert orange[(top + bottom) // 2, left]
            assert orange[(top + bottom) // 2, right - 1]
        assert not (orange & ~expected).any()
        white = (picture == INK).all(axis=2)
        assert white.any() == bool(scene.regions)
    assert (frame == 90).all()


def test_a_window_has_a_tile_for_each_source(monkeypatch):
    pygame = pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    display = Display()
    blue, red = np.full((360, 480, 3), (200, 0, 0), np.uint8), np.full((240, 480, 3), (0, 0, 200), np.uint8)
    display.frame(blue, 0.0, Scene("yard"))
    high, low = (annotate(picture, "", None, 0.0, top=[]).shape[0] for picture in (blue, red))
    assert pygame.display.get_surface().get_size() == (480, high)
    display.frame(red, 0.0, Scene("hall"))
    screen = pygame.display.get_surface()
    assert screen.get_size() == (960, high)
    assert screen.get_at((240, 100))[:3] == (0, 0, 200)  # RGB
    assert screen.get_at((720, 100))[:3] == (200, 0, 0)
    display.frame(red, 0.1, Scene("yard"))  # another size
    assert pygame.display.get_surface().get_size() == (960, low)
    display.close()


def test_a_window_forgets_a_model_that_was_replaced(monkeypatch):
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    shown = []

    def drawn(frame, text, *rest, **more):
        shown.append(text)
        return frame

    monkeypatch.setattr("edgevtn.sinks.display.annotate", drawn)
    frame = np.zeros((48, 64, 3), np.uint8)
    with Display() as display:
        display.prediction(prediction([0.9, 0.1], model="old", t=1.0))
        for n in range(9):
            display.prediction(prediction([0.9, 0.1], model="new", t=1.0 + n))
            display.frame(frame, 1.0 + n)
    assert shown[0] == "old: wave  new: wave"
    assert shown[-1] == "wave"


def test_names_of_sources_as_names_of_files():
    names = Names()
    assert [names[each] for each in ("10.0.0.1", "10.0.0.1 (2)", "10-0-0-1", "///", "10.0.0.1")] == [
        "10_0_0_1", "10_0_0_1_2", "10_0_0_1_3", "source", "10_0_0_1",
    ]  # fmt: skip


def test_a_video_of_one_source_keeps_its_name(tmp_path):
    video = Video(tmp_path / "out.mp4")
    assert video.place("") == tmp_path / "out.mp4"
