"""What `edgevtn run` draws on a terminal: a real pseudo-terminal, and a terminal that obeys it."""

import dataclasses
import io
import json
import os
import re
import subprocess
import sys
import threading

import cv2
import pytest
from cameras import MjpegCamera
from terminals import Terminal
from tiny import moving_frames

import edgevtn
from edgevtn.prediction import Event
from edgevtn.sinks import Text
from edgevtn.sinks.live_line import LiveLine, Part, fitted, width
from edgevtn.sinks.tally import Tally


@pytest.fixture
def images(tmp_path):
    """Two thousand images: more than a test looks at."""
    folder = tmp_path / "images"
    folder.mkdir()
    for n, frame in enumerate(moving_frames(20, 200, 200)):
        cv2.imwrite(str(folder / f"{n}.png"), frame)
    for n in range(20, 2000):
        os.link(folder / f"{n % 20}.png", folder / f"{n}.png")
    return folder


def run(source, columns, *arguments, **environment):
    line = ["-m", "edgevtn", "run", source, "--enter", "0.34", "--leave", "0.33", *arguments]
    return Terminal(line, columns, **{"TERM": "xterm-256color", "NO_COLOR": "", **environment})


def is_live(line):
    return re.search(r"\d:\d\d left", line) is not None


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_live_line_fits_and_a_summary_follows(columns, demo_clip):
    with run(demo_clip, columns) as terminal:
        terminal.until(lambda: any(map(is_live, terminal.lines)))
        seen = next(filter(is_live, terminal.lines))
        assert seen == terminal.lines[-1]
        assert len(seen) < columns
        assert re.search(r"\d+%, \d+:\d\d left", seen)
        if columns > 40:
            assert "frames/s" in seen
            assert "█" in seen or "░" in seen
        assert len(re.findall(r"\w+ +\d+%(?!,)", seen)) == {40: 1, 80: 3, 200: 3}[columns]
        assert terminal.finish() == 0
        assert not any(map(is_live, terminal.lines))
        assert terminal.screen.cursor.x == 0
        text = "\n".join(terminal.lines)
        assert re.search(r"^label +events +seconds\nwalk +\d+ +\d+\.\d$", text, re.M)
        assert re.search(r"^519 frames, [\d.]+ a second, 0 dropped$", text, re.M)
        # The events and the table are whole, and nothing of the live line is left between them.
        events = [line for line in terminal.lines if re.match(r" *\d+\.\d\d - +\d+\.\d\d s +\w+ +\d+%$", line)]
        assert len(events) == sum(int(n) for n in re.findall(r"^\w+ +(\d+) +\d+\.\d$", text, re.M))


def test_another_width_while_it_runs(images, tiny):
    with run(images, 120, "--model", tiny) as terminal:
        terminal.until(lambda: any("frames/s" in line for line in terminal.lines))
        terminal.resize(44)
        begun = len(terminal.written)
        terminal.until(lambda: terminal.written[begun:].count(b"left") > 3)
        # What is drawn after the first redrawing fits.
        drawn = terminal.written[begun:].decode().split("\r\033[K")[2:]
        plain = [re.sub(r"\033\[[\d;]*m", "", line).split("\r\n")[0] for line in drawn]
        assert max(map(len, plain)) < 44
        terminal.press(b"\x03")
        assert terminal.finish() == 130


def test_ctrl_c_leaves_a_clean_line(images, tiny):
    with run(images, 80, "--model", tiny) as terminal:
        terminal.until(lambda: any(map(is_live, terminal.lines)))
        terminal.press(b"\x03")
        assert terminal.finish() == 130
        assert not any(map(is_live, terminal.lines))
        assert "^C" not in terminal.lines[-1]
        assert terminal.screen.cursor.x == 0
        assert terminal.screen.display[terminal.screen.cursor.y].strip() == ""
        assert not terminal.screen.cursor.hidden
        assert re.match(r"\d+ predictions, ", terminal.lines[-1])  # summed up, as it is how a camera's run ends


def test_a_terminal_that_is_gone_ends_the_run_as_its_source_would(images, tiny, tmp_path):
    told = tmp_path / "told.jsonl"
    with run(images, 80, "--model", tiny, "--json-file", told, "--save", tmp_path / "seen.mp4") as terminal:
        terminal.until(lambda: any("frames/s" in line for line in terminal.lines) and '"begin"' in told.read_text())
        assert terminal.vanish() == 0
    kinds = [record["event"] for record in map(json.loads, told.read_text().splitlines()) if "event" in record]
    assert kinds.count("begin") == kinds.count("end") > 0
    with edgevtn.frames(tmp_path / "seen.mp4") as source:
        assert next(iter(source))


def test_a_terminal_that_is_gone_ends_several_files_likewise(images, tiny, tmp_path):
    later = tmp_path / "later"
    later.mkdir()
    os.link(images / "0.png", later / "0.png")
    line = ["-m", "edgevtn", "run", images, later, "--model", tiny, "--out", tmp_path / "out"]
    with Terminal(line, 80, TERM="xterm-256color", NO_COLOR="") as terminal:
        terminal.until(lambda: any("frames/s" in line for line in terminal.lines))
        assert terminal.vanish() == 0
    assert not list((tmp_path / "out" / "files").iterdir())  # none was watched to its end


def test_a_terminal_shows_names_and_does_not_obey_them(capsys):
    with Text() as text:
        text.frame(None, 0.0)
        text.event(Event(1, "m", "a\x1b[2J", 0.0, 1.0, 0.9, source="two\nlines.mp4", region="\x1b]0;title\x07"))
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.startswith("two lines.mp4: \\x1b]0;title\\x07:    0.00 -   1.00 s  a\\x1b[2J ")
    tally = Tally()
    tally.event(Event(1, "m", "a\x1b[2J", 0.0, 1.0, 0.9))
    assert tally.table(0).splitlines()[1] == "a\\x1b[2J       1      1.0"


def test_a_warning_has_a_line_of_its_own(images, tiny):
    with run(images, 200, "--model", tiny, "--frame-rate", "4", "--seconds", "30") as terminal:
        assert terminal.finish() == 0
        warned = [line for line in terminal.lines if "warning" in line]
        assert len(warned) == 1
        assert warned[0].startswith("edgevtn: warning: ")
        assert "left" not in warned[0]


def test_a_camera_that_is_lost(tiny):
    with MjpegCamera() as camera, run(camera.address, 120, "--model", tiny, "--patience", "1") as terminal:
        terminal.until(lambda: any("dropped" in line and "frames/s" in line for line in terminal.lines))
        assert re.search(r"^0:\d\d  ", terminal.lines[-1])  # its time; nobody knows how much is left
        camera.frozen = True
        terminal.until(lambda: any("waiting" in line for line in terminal.lines))
        terminal.press(b"\x03")
        assert terminal.finish() == 130
        (told,) = (line for line in terminal.lines if "waiting" in line)
        assert told.startswith("edgevtn: waiting: http://127.0.0.1:")
        assert told.endswith("is it still connected?")
        assert any(re.fullmatch(r"\d+ frames, [\d.]+ a second, \d+ dropped", line) for line in terminal.lines)


@pytest.mark.parametrize(
    ("environment", "colours", "live"),
    [({}, True, True), ({"NO_COLOR": "1"}, False, True), ({"TERM": "dumb"}, False, False)],
)
def test_colours_where_there_are_any(environment, colours, live, demo_clip):
    with run(demo_clip, 80, "--seconds", "6", **environment) as terminal:
        assert terminal.finish() == 0
        assert (re.search(rb"\033\[\d+m", terminal.written) is not None) == colours
        assert (b"\033[K" in terminal.written) == live
        assert (b"a second" in terminal.written) == live
        if not live:
            assert b"\033" not in terminal.written


def test_lines_for_a_pipe_are_what_they_were(demo_clip):
    done = subprocess.run(
        [sys.executable, "-m", "edgevtn", "run", str(demo_clip)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines
    assert all(re.fullmatch(r" *\d+\.\d\d - +\d+\.\d\d s  [\w ]{16} +\d+%", line) for line in lines)


def test_a_narrow_line_keeps_what_matters():
    parts = [Part("name", 5), Part("12%", 1), Part("walk 80%", 0), Part("bar", 4)]
    assert [part.text for part in fitted(parts, 40)] == ["name", "12%", "walk 80%", "bar"]
    assert [part.text for part in fitted(parts, 21)] == ["12%", "walk 80%", "bar"]
    assert [part.text for part in fitted(parts, 9)] == ["walk 80%"]
    assert [part.text for part in fitted(parts, 3)] == ["wal"]
    assert width("歩く") == 4
    assert [part.text for part in fitted([Part("歩く")], 3)] == ["歩"]
    assert width("e\u0301") == 1


def test_what_other_threads_write_goes_above(monkeypatch):
    """Whole lines, also where a line is written in pieces."""
    shared = io.StringIO()
    shared.isatty = lambda: True
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", shared)
    line = LiveLine(shared)
    line.show([Part("12% walk")])
    writers = [threading.Thread(target=lambda n=n: print("lost", n, file=sys.stderr)) for n in range(20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    sys.stderr.write("begun")
    line.close()
    line.close()
    assert sys.stderr is shared
    from pyte import ByteStream, Screen

    screen = Screen(40, 40)
    ByteStream(screen).feed(shared.getvalue().replace("\n", "\r\n").encode())
    shown = [text.rstrip() for text in screen.display if text.strip()]
    assert sorted(shown[:-1]) == sorted(f"lost {n}" for n in range(20))
    assert shown[-1] == "begun"
    assert screen.cursor.x == 0


def test_the_tally(recognizer):
    now = iter([0.0, 4.0, 4.0, 4.0, 4.0])
    tally = Tally(lambda: next(now))
    for _ in range(100):
        tally.count_frame()
    prediction = next(iter(recognizer.stream((n / 10, frame) for n, frame in enumerate(moving_frames(4)))))
    for reused in (True, False, False, False):
        tally.prediction(dataclasses.replace(prediction, reused=reused))
    for event in (
        Event(1, "m", "walk", 0.0, None, 0.5),
        Event(1, "m", "walk", 0.0, 2.5, 0.5), Event(2, "m", "walk", 3.0, 4.0, 0.5),
        Event(3, "m", "bend", 5.0, 6.25, 0.5),
    ):  # fmt: skip
        tally.event(event)
    assert tally.labels == {"walk": (2, 3.5), "bend": (1, 1.25)}
    assert tally.table(7).splitlines() == [
        "label  events  seconds",
        "walk        2      3.5",
        "bend        1      1.2",
        "100 frames, 25.0 a second, 7 dropped",
        "4 predictions, 1 (25%) of still frames, not encoded",
    ]
