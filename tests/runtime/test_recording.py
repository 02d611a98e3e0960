"""Takes: when something moves is known by how they were drawn; nothing is overwritten, nothing is left behind."""

import os

import numpy as np
import pytest

import edgevtn
from edgevtn.cli.main import main
from edgevtn.errors import OutputError, SourceError
from edgevtn.recording import COUNT_DOWN, MARGIN, Motion, record_takes
from edgevtn.training.data.figure import Look, background, clip

SIZE = (160, 120)
RATE = 25


def scene(still, moving, after, seed=0):
    """An empty room, someone who waves, an empty room, with a sensor's noise: seconds of each."""
    rng = np.random.default_rng(seed)
    wall = background(*SIZE, Look(seed=3))
    frames = [wall] * round(still * RATE)
    frames += clip("wave2", moving, Look(seed=3), RATE, SIZE)
    frames += [wall] * round(after * RATE)
    return [np.clip(frame + rng.normal(0, 2, frame.shape), 0, 255).astype(np.uint8) for frame in frames]


class Camera(edgevtn.Source):
    """Plays scenes one after another, each after the seconds of a count-down."""

    def __init__(self, *scenes):
        self.frames = [frame for shown in scenes for frame in [shown[0]] * COUNT_DOWN * RATE + shown]

    def __iter__(self):
        yield from ((n / RATE, frame) for n, frame in enumerate(self.frames))


def silent(frame, timestamp, what):
    pass


@pytest.mark.parametrize(("still", "moving", "after"), [(1.0, 1.5, 1.0), (0.2, 2.0, 1.5), (1.5, 1.0, 0.0)])
def test_still_ends_are_found(still, moving, after):
    motion = Motion()
    for n, frame in enumerate(scene(still, moving, after)):
        motion.add(frame, 7 + n / RATE)
    start, end = motion.span()
    assert start == pytest.approx(max(0, still - MARGIN), abs=0.1)
    assert end == pytest.approx(min(still + moving + MARGIN, still + moving + after), abs=0.2)


def test_a_still_scene_does_not_move():
    motion = Motion()
    for n, frame in enumerate(scene(2.0, 0.0, 0.0)):
        motion.add(frame, n / RATE)
    assert motion.span() is None


@pytest.mark.parametrize("action", ["wave1", "wave2", "pjump", "walk", "bend"])
def test_who_moves_all_along_is_not_cut(action):
    """A movement that begins anew in the middle: the jump there is larger than all else, and no reason to cut."""
    rng, motion = np.random.default_rng(0), Motion()
    frames = clip(action, 1.5, Look(seed=3), RATE, SIZE) * 2
    for n, frame in enumerate(frames):
        motion.add(np.clip(frame + rng.normal(0, 2, frame.shape), 0, 255).astype(np.uint8), n / RATE)
    assert motion.span() == (0.0, pytest.approx((len(frames) - 1) / RATE))


def test_a_lamp_that_is_lit_is_no_motion():
    dark = [frame // 2 for frame in scene(1.5, 0.0, 0.0)]
    motion = Motion()
    for n, frame in enumerate(dark + scene(1.5, 0.0, 0.0)):
        motion.add(frame, n / RATE)
    assert motion.span() is None


def test_nothing_is_kept_whole(tmp_path):
    """Its still parts are what it is about, also where somebody passes."""
    (take,) = [*record_takes(Camera(scene(1.0, 1.5, 1.0)), tmp_path, "nothing", 3.4, silent)]
    assert take.kept == take.recorded == pytest.approx(3.4, abs=0.1)
    with edgevtn.frames(take.keep()) as source:
        assert [timestamp for timestamp, _ in source][-1] == pytest.approx(3.4, abs=0.25)


def test_takes_are_cut_and_kept(tmp_path):
    shown = []
    camera = Camera(*[scene(1.0, 1.5, 1.0, seed) for seed in range(3)])
    places = []
    takes = record_takes(camera, tmp_path, "wave", 3.4, lambda frame, timestamp, what: shown.append(what))
    for take in takes:
        assert take.recorded == pytest.approx(3.4, abs=0.1)
        assert take.kept == pytest.approx(1.5 + 2 * MARGIN, abs=0.2)
        places.append(take.keep())
        if len(places) == 2:
            break
    assert list(dict.fromkeys(shown)) == ["3", "2", "1", "recording"]
    assert sorted(tmp_path.rglob("*.mp4")) == sorted(places)
    for place in places:
        assert place.parent == tmp_path / "wave"
        with edgevtn.frames(place) as source:
            seconds = [timestamp for timestamp, _ in source]
        assert seconds[-1] == pytest.approx(1.5 + 2 * MARGIN, abs=0.25)


def test_what_is_not_kept_leaves_nothing(tmp_path):
    takes = record_takes(Camera(scene(1.0, 1.5, 1.0)), tmp_path, "wave", 2.0, silent)
    next(takes).drop()
    takes.close()
    assert list(tmp_path.rglob("*.mp4")) == []


def test_a_camera_that_vanishes_leaves_what_was_kept(tmp_path):
    class Vanishing(Camera):
        def __iter__(self):
            yield from list(super().__iter__())[:190]
            raise SourceError("unplugged")

    camera = Vanishing(scene(1.0, 1.5, 1.0), scene(1.0, 1.5, 1.0))
    kept = []
    with pytest.raises(SourceError, match="unplugged"):
        kept += [take.keep() for take in record_takes(camera, tmp_path, "wave", 3.4, silent)]
    assert len(list(tmp_path.rglob("*"))) == 1 + 1  # the label's folder, and the first take


@pytest.mark.parametrize("label", ["", "..", "a/b", ".hidden"])
def test_labels_that_are_no_folders(tmp_path, label):
    with pytest.raises(OutputError, match="cannot be the name of a folder"):
        next(record_takes(Camera(scene(1, 0, 0)), tmp_path, label, 1.0, silent))


def test_never_overwrites(tmp_path):
    (take,) = [*record_takes(Camera(scene(1.0, 1.5, 1.0)), tmp_path, "wave", 3.4, silent)]
    take.place.write_bytes(b"another")
    with pytest.raises(OutputError, match="never overwritten"):
        take.keep()
    assert take.place.read_bytes() == b"another"


def test_a_run_in_the_same_second_has_other_names(tmp_path, monkeypatch):
    monkeypatch.setattr("edgevtn.recording.time.strftime", lambda form: "20260101-000000")
    for _ in range(2):
        (take,) = [*record_takes(Camera(scene(1.0, 1.5, 1.0)), tmp_path, "wave", 3.4, silent)]
        take.keep()
    names = sorted(file.name for file in (tmp_path / "wave").iterdir())
    assert names == ["20260101-000000-01.mp4", "20260101-000000-02.mp4"]


def test_what_a_kill_broke_off_is_removed_a_day_later(tmp_path):
    place = tmp_path / "wave"
    place.mkdir()
    day = "20260101-000000"
    for name in (f".raw-{day}-01.mp4", f".take-{day}-01.mp4", f"..raw-{day}-02.0123abcd.part.mp4", "raw-mine.mp4"):
        (place / name).touch()
        os.utime(place / name, (0, 0))
    (place / ".raw-20260102-000000-01.mp4").touch()  # another program's, at this moment
    [*record_takes(Camera(scene(0.1, 0.0, 0.0)), tmp_path, "wave", 3.4, silent)]
    assert sorted(file.name for file in place.iterdir()) == [".raw-20260102-000000-01.mp4", "raw-mine.mp4"]


def test_command(tmp_path, demo_clip, capsys):
    """A file stands in for the camera; without a terminal nothing is asked."""
    arguments = ["record", str(tmp_path / "mine"), "--label", "bend", "--source", str(demo_clip)]
    assert main([*arguments, "--takes", "2", "--seconds", "1"]) == 0
    out = capsys.readouterr().out
    assert out.count("kept as") == 2
    assert "bend: 3\nbend: 2\nbend: 1\nbend: go\n" in out
    assert "2 takes of bend" in out
    assert len(list((tmp_path / "mine" / "bend").iterdir())) == 2
    assert main([*arguments, "--takes", "0"]) == 1
    assert "--takes must be a whole number from 1" in capsys.readouterr().err


def test_a_person_decides(tmp_path, demo_clip, capsys, monkeypatch):
    answers = iter(["what?", "n", "", "q"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    arguments = ["record", str(tmp_path / "mine"), "--label", "bend", "--source", str(demo_clip), "--seconds", "1"]
    assert main(arguments) == 0
    assert "1 takes of bend" in capsys.readouterr().out
    assert len(list((tmp_path / "mine" / "bend").iterdir())) == 1
