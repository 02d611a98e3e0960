"""`edgevtn run` on several files and on folders of clips: one after the other, resumed, and one timeline of all."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from html.parser import HTMLParser

import cv2
import pytest
from tiny import moving_frames

from edgevtn.cli.files import clips_of
from edgevtn.cli.main import main
from edgevtn.prediction import Event
from edgevtn.results import Results
from edgevtn.video import VideoWriter

#: With these the tiny model, whose three labels are near a third each, sees events.
SENSITIVE = ["--enter", "0.34", "--leave", "0.33", "--smoothing", "0"]


def write(file, count=20, seed=0):
    file.parent.mkdir(parents=True, exist_ok=True)
    writer = VideoWriter(file, 10.0)
    for n, frame in enumerate(moving_frames(count, seed=seed)):
        writer.write(frame, n / 10)
    writer.close()
    return file


@pytest.fixture
def clips(tmp_path):
    """Two clips, one in a subfolder, and one that is none."""
    folder = tmp_path / "clips"
    write(folder / "a.mp4")
    write(folder / "sub" / "b.mp4", seed=1)
    (folder / "broken.mp4").write_bytes(b"no video")
    return folder


def run(tiny, *arguments):
    return main(["run", *map(str, arguments), "--model", str(tiny), *SENSITIVE])


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def rows(out):
    with (out / "timeline.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_is_watched_as_it_would_be_alone(clips, tiny, capsys):
    alone = {}
    for name in ("a.mp4", "sub/b.mp4"):
        assert run(tiny, clips / name, "--json") == 0
        alone[name.rpartition("/")[2]] = records(capsys.readouterr().out)
    assert run(tiny, clips / "a.mp4", clips / "sub" / "b.mp4", "--json") == 0
    together = records(capsys.readouterr().out)
    assert {record["source"] for record in together} == {"a.mp4", "b.mp4"}
    assert len({record["id"] for record in together if record.get("event") == "end"}) == sum(
        record.get("event") == "end" for record in together
    )
    for name, expected in alone.items():
        got = [record for record in together if record["source"] == name]
        keys = ("event", "t", "label", "score", "start", "end")
        assert [[r.get(key) for key in keys] for r in got] == [[r.get(key) for key in keys] for r in expected]
    assert [record["source"] for record in together] == sorted(record["source"] for record in together)


def test_a_folder_and_a_file_that_cannot_be_read(clips, tiny, tmp_path, capsys):
    assert run(tiny, clips, "--out", tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert "broken.mp4: cannot be read as a video" in told
    assert told.splitlines()[-1] == "edgevtn: error: 1 of 3 files could not be read: broken.mp4"
    assert {row["file"] for row in rows(tmp_path / "out")} == {str(clips / "a.mp4"), str(clips / "sub" / "b.mp4")}
    assert not [path for path in (tmp_path / "out").rglob("*") if "part" in path.name]


def test_what_is_done_is_not_done_again(clips, tiny, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(tiny, clips / "a.mp4", "--out", out, "--json") == 0
    first = records(capsys.readouterr().out)
    assert first
    assert run(tiny, clips / "a.mp4", clips / "sub", "--out", out, "--json") == 0
    captured = capsys.readouterr()
    assert "1 of 2 files were done before" in captured.err
    assert {record["source"] for record in records(captured.out)} == {"b.mp4"}
    assert len({row["file"] for row in rows(out)}) == 2
    whole = (out / "timeline.csv").read_text()
    assert run(tiny, clips / "a.mp4", clips / "sub", "--out", out, "--json") == 0
    assert capsys.readouterr().out == ""
    assert (out / "timeline.csv").read_text() == whole
    # Another file of the same name, other settings, a record that is damaged: done again.
    write(clips / "a.mp4", count=25)
    assert run(tiny, clips / "a.mp4", "--out", out, "--json") == 0
    assert max(record["t"] for record in records(capsys.readouterr().out) if "t" in record) == pytest.approx(2.4)
    assert run(tiny, clips / "a.mp4", "--out", out, "--json", "--min-duration", "0.5") == 0
    assert capsys.readouterr().out
    for place in (out / "files").glob("a_mp4*"):
        place.write_text(place.read_text()[:-20])
    assert run(tiny, clips / "a.mp4", "--out", out, "--json", "--min-duration", "0.5") == 0
    assert capsys.readouterr().out
    (clips / "a.mp4").write_bytes(b"no video")  # what was found in the one before is none of it
    assert run(tiny, clips / "a.mp4", "--out", out) == 1
    assert {row["file"] for row in rows(out)} == {str(clips / "sub" / "b.mp4")}


class Page(HTMLParser):
    """What a page has: texts, pictures, and whatever it would ask others for."""

    def __init__(self, text):
        super().__init__()
        self.pictures, self.addresses, self.bars, self.headings, self._inside = [], [], 0, [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self._inside = tag
        found = dict(attributes)
        self.addresses += [value for key, value in attributes if key in ("src", "href")]
        if tag == "img":
            self.pictures.append(found["src"])
        self.bars += tag == "rect"

    def handle_data(self, data):
        if self._inside == "h2" and data.strip():
            self.headings.append(data)


def test_csv_json_and_page_agree(tiny, demo_clip, tmp_path, capsys):
    out, odd = tmp_path / "out", tmp_path / "a <b> & c.mp4"
    shutil.copy(demo_clip, odd)
    assert main(["run", str(odd), "--out", str(out)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if " s  " in line]
    table = rows(out)
    assert len(table) == len(lines) >= 4
    told = json.loads((out / "timeline.json").read_text())["files"]
    assert [file["file"] for file in told] == [str(odd)]
    assert told[0]["duration"] == pytest.approx(20.72, abs=0.05)
    for row, event, line in zip(table, told[0]["events"], lines, strict=True):
        assert row == {"file": str(odd)} | {key: str(value) for key, value in event.items()}
        assert f"{float(row['start']):7.2f} - {float(row['end']):6.2f} s  {row['label']}" in line
    text = (out / "timeline.html").read_text("utf-8")
    page = Page(text)
    assert page.headings == [str(odd)]
    assert len(page.pictures) == page.bars == len(table)
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.addresses)
    assert "http" not in text.replace("http-equiv", "")
    assert "<b> &" not in text
    assert "prefers-color-scheme: dark" in text


def test_a_region_is_in_every_timeline(clips, tiny, tmp_path):
    out = tmp_path / "out"
    regions = ["--region", "door=0,0,0.5,1", "--region", "b.mp4:desk=0.5,0,1,1"]
    assert (
        run(tiny, clips / "a.mp4", clips / "sub" / "b.mp4", "--out", out, "--timeline", tmp_path / "t.csv", *regions)
        == 0
    )
    table = rows(out)
    assert {row["region"] for row in table if row["file"].endswith("a.mp4")} == {"door"}
    assert {row["region"] for row in table if row["file"].endswith("b.mp4")} <= {"door", "desk"}
    with (tmp_path / "t.csv").open(newline="") as file:
        other = list(csv.DictReader(file))
    assert [(row["label"], row["region"]) for row in other] == [(row["label"], row["region"]) for row in table]
    assert len({row["id"] for row in other}) == len(other)


@pytest.mark.filterwarnings("default::RuntimeWarning")
def test_without_jinja_there_is_no_page_and_it_says_so(clips, tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert run(tiny, clips / "a.mp4", "--out", tmp_path / "out") == 0
    told = capsys.readouterr().err
    assert "warning: no timeline.html: " in told
    assert "pip install 'edgevtn[report]'" in told
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["files", "timeline.csv", "timeline.json"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_whoever_is_interrupted_goes_on_later(clips, tiny, tmp_path, number, status):
    images = tmp_path / "images"
    images.mkdir()
    cv2.imwrite(str(images / "0.png"), moving_frames(1, 200, 200)[0])
    for n in range(1, 3000):
        (images / f"{n}.png").hardlink_to(images / "0.png")
    out = tmp_path / "out"
    line = [sys.executable, "-m", "edgevtn", "run", clips / "a.mp4", images, "--out", out, "--model", tiny, "--json"]
    running = subprocess.Popen([*map(str, line), *SENSITIVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for text in running.stdout:
        if json.loads(text)["source"] == "images":
            break
    running.send_signal(number)
    _, error = running.communicate(timeout=60)
    assert running.returncode == status, error
    assert "Traceback" not in error
    assert {row["file"] for row in rows(out)} == {str(clips / "a.mp4")}
    assert [path.name.partition("-")[0] for path in (out / "files").iterdir()] == ["a_mp4"]


@pytest.mark.parametrize(
    "damage",
    [
        {"duration": "long"},
        {"duration": float("nan")},
        *(
            {"events": [{name: value}]}
            for name, value in (("start", 1e308), ("label", None), ("model", 5), ("score", "x"))
        ),
    ],
    ids=str,
)
def test_a_damaged_record_is_as_none(tmp_path, damage):
    results = Results(tmp_path, {})
    results.keep(tmp_path / "a.mp4", None, [Event(1, "m", "walk", 0.0, 1.0, 0.9)], {}, 2.0)
    (place,) = (tmp_path / "files").iterdir()
    record = json.loads(place.read_text())
    results.write()
    assert len(rows(tmp_path)) == 1
    changed = [record["events"][0] | change for change in damage.get("events", [{}])]
    place.write_text(json.dumps(record | damage | {"events": changed}))
    results.write()
    assert rows(tmp_path) == []


def test_sigterm_between_two_clips_begins_no_other(clips, tiny, tmp_path, monkeypatch, capsys):
    keep = Results.keep

    def keep_and_end(*arguments):
        keep(*arguments)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Results, "keep", keep_and_end)
    out = tmp_path / "out"
    assert run(tiny, clips / "a.mp4", clips / "sub" / "b.mp4", "--out", out, "--json") == 0
    assert {record["source"] for record in records(capsys.readouterr().out)} == {"a.mp4"}
    assert {row["file"] for row in rows(out)} == {str(clips / "a.mp4")}


def test_an_empty_name_is_no_folder(tiny, capsys):
    assert run(tiny, "") == 1
    assert "got an empty text" in capsys.readouterr().err


def test_links_in_a_circle_do_not_exist(clips, tiny, capsys):
    (clips / "circle").symlink_to(clips / "circle")
    for sources in ([clips / "circle"], [clips / "circle", clips / "a.mp4"]):
        assert run(tiny, *sources) == 1
        assert "circle: does not exist" in capsys.readouterr().err


def test_which_sources_are_files(clips, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    cv2.imwrite(str(images / "1.png"), moving_frames(1)[0])
    a, b = clips / "a.mp4", clips / "sub" / "b.mp4"
    for cameras in (
        ["0", "1"],
        [str(a), "0"],
        ["rtsp://camera/1", str(a)],
        ["/dev/video0", str(a)],
        [str(a)],
        [str(images)],
    ):
        assert clips_of(cameras, False) is None
    assert clips_of([str(a), str(b)], False) == [a, b]
    assert clips_of([str(a), str(a)], False) == [a]
    assert clips_of([str(clips)], False) == [a, clips / "broken.mp4", b]
    assert clips_of([str(images), str(a)], False) == [images, a]  # a folder of images is one source
    assert clips_of([str(a)], True) == [a]
    with pytest.raises(ValueError, match="--out is for files and folders, got camera 0"):
        clips_of(["0"], True)
    with pytest.raises(ValueError, match="--out is for files"):
        clips_of(["rtsp:/user:secret@camera"], True)


def test_a_name_with_a_slip_is_told_before_anything_is_done(clips, tiny, tmp_path, capsys):
    assert run(tiny, clips / "a.mp4", tmp_path / "nothing.mp4", "--out", tmp_path / "out") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "nothing.mp4: does not exist" in captured.err
    assert not (tmp_path / "out").exists()


def test_a_video_of_each(clips, tiny, tmp_path):
    assert run(tiny, clips / "a.mp4", clips / "sub" / "b.mp4", "--save", tmp_path / "seen.mp4") == 0
    assert sorted(path.name for path in tmp_path.glob("seen*")) == ["seen-a_mp4.mp4", "seen-b_mp4.mp4"]


def test_a_folder_with_neither_says_what_was_expected(tmp_path, tiny, capsys):
    (tmp_path / "text.txt").write_text("")
    assert run(tiny, tmp_path) == 1
    assert re.search("has no images.*nor videos", capsys.readouterr().err)
