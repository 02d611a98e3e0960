"""JSON lines, files of lines and the timeline: what is in them, and what a kill leaves."""

import csv
import dataclasses
import datetime
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgevtn import Event, Prediction
from edgevtn.errors import OutputError
from edgevtn.sinks import JsonFile, JsonLines, Origin, Timeline
from edgevtn.sinks.lines import LineFile
from edgevtn.sources.secret import source_name


def ended(number, label="walk"):
    return Event(number, "m", label, number + 0.25, number + 1.0, 0.8)


def test_records_tell_when_where_and_which(capsys):
    origin = Origin("hall")
    sink, before = JsonLines(None, origin), time.time()
    sink.frame(np.zeros((4, 4, 3), np.uint8), 10.0)  # this is now
    after = time.time()
    sink.prediction(Prediction("m", "walk", 0.7, np.array([0.7, 0.3], np.float32), 12.5, 11.0, ("walk", "run")))
    sink.event(Event(1, "m", "walk", 11.0, None, 0.7))
    sink.event(Event(1, "m", "walk", 11.0, None, 0.7, 12.0))
    sink.event(Event(1, "m", "walk", 11.0, 13.0, 0.7))
    prediction, begin, update, end = map(json.loads, capsys.readouterr().out.splitlines())
    when = datetime.datetime.fromisoformat(prediction["time"])
    assert when.utcoffset() == datetime.timedelta(0)
    assert before + 2.499 <= when.timestamp() <= after + 2.5
    assert (prediction["source"], prediction["model"], prediction["top"][1]) == ("hall", "m", ["run", 0.3])
    assert [line["event"] for line in (begin, update, end)] == ["begin", "update", "end"]
    assert begin["id"] == update["id"] == end["id"] == f"{origin.run}-1"
    assert Origin("hall").id(ended(1)) != begin["id"]  # another run
    assert (begin["end"], begin["end_time"], update["updated"]) == (None, None, 12.0)
    start, stop = (datetime.datetime.fromisoformat(end[name]) for name in ("start_time", "end_time"))
    assert (stop - start).total_seconds() == pytest.approx(2.0, abs=0.002)


def test_a_source_may_know_the_time():
    class Camera:
        def wall_clock(self, timestamp):
            return None if timestamp < 0 else 86400.0 + timestamp

    assert Origin("", Camera()).iso(1.5) == "1970-01-02T00:00:01.500+00:00"
    assert abs(Origin("", Camera()).wall_clock(-1.0) - time.time()) < 60


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("rtsp://me:secret@10.0.0.5:554/user=me&password=secret?token=secret", "10.0.0.5"),
        ("http://secret@[::1", "http"),
        ("0", "camera 0"),
        (2, "camera 2"),
        ("camera://1", "camera 1"),
        ("videos/clip.mp4", "clip.mp4"),
        ("picamera", "picamera"),
    ],
)
def test_names_of_sources_have_no_password(source, name):
    assert source_name(source) == name


def test_a_file_is_rotated_and_their_number_is_bounded(tmp_path):
    lines = LineFile(tmp_path / "log", max_bytes=100, keep=2)
    for n in range(50):
        lines.write(f"line {n:02} {'x' * 20}")
    lines.close()
    files = [tmp_path / name for name in ("log.2", "log.1", "log")]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert all(file.stat().st_size <= 100 for file in files)
    kept = [int(line.split()[1]) for file in files for line in file.read_text().splitlines()]
    assert kept == list(range(kept[0], 50))
    again = LineFile(tmp_path / "log", max_bytes=100, keep=2)  # goes on where it was
    again.write("line 50")
    again.close()
    assert (tmp_path / "log").read_text().splitlines()[-2:] == [f"line 49 {'x' * 20}", "line 50"]


def test_a_json_file_is_rotated(tmp_path):
    sink = JsonFile(tmp_path / "events.jsonl", Origin("hall"), max_bytes=2000, keep=1)
    for n in range(1, 30):
        sink.event(ended(n))
    sink.close()
    names = ["events.jsonl.1", "events.jsonl"]
    records = [json.loads(line) for name in names for line in (tmp_path / name).read_text().splitlines()]
    numbers = [int(record["id"].rpartition("-")[2]) for record in records]
    assert numbers == list(range(numbers[0], 30))


def test_a_timeline_goes_on_in_the_same_file(tmp_path):
    for run in range(2):
        sink = Timeline(tmp_path / "t.csv", Origin("hall, left"))
        sink.event(Event(1, "m", "walk", 0.0, None, 0.5))  # has not ended
        sink.event(ended(run + 1, 'say "hi", then go'))
        sink.close()
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ['say "hi", then go'] * 2
    assert [(row["source"], float(row["start"]), float(row["end"])) for row in rows] == [
        ("hall, left", 1.25, 2.0), ("hall, left", 2.25, 3.0),
    ]  # fmt: skip
    assert len({row["id"] for row in rows}) == 2


def test_a_timeline_names_the_region(tmp_path):
    sink = Timeline(tmp_path / "t.csv", Origin("hall"))
    for region in ("door", ""):
        sink.event(dataclasses.replace(ended(1), region=region))
    sink.close()
    with (tmp_path / "t.csv").open(newline="") as file:
        assert [row["region"] for row in csv.DictReader(file)] == ["door", ""]


def test_a_timeline_from_before_regions_goes_on_as_it_began(tmp_path):
    old = "id,source,model,label,start_time,end_time,start,end,score\n"
    (tmp_path / "t.csv").write_text(old)
    sink = Timeline(tmp_path / "t.csv", Origin("hall"))
    sink.event(dataclasses.replace(ended(1), region="door"))
    sink.close()
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[0] + "\n" == old
    assert [line.count(",") for line in lines] == [8, 8]


def test_what_is_no_timeline_is_left_alone(tmp_path):
    (tmp_path / "mine.csv").write_text("a,b\n1,2")
    with pytest.raises(OutputError, match="begins otherwise"):
        Timeline(tmp_path / "mine.csv")
    assert (tmp_path / "mine.csv").read_text() == "a,b\n1,2"
    with pytest.raises(OutputError, match="cannot be written"):
        JsonFile(tmp_path / "no" / "file")


def test_a_line_that_was_broken_off_is_ended(tmp_path):
    (tmp_path / "log").write_text("whole\nbro")
    lines = LineFile(tmp_path / "log")
    lines.write("next")
    lines.close()
    assert (tmp_path / "log").read_text() == "whole\nbro\nnext\n"


def test_a_kill_loses_no_row_that_was_written(tmp_path):
    script = """
import itertools, sys
from edgevtn import Event
from edgevtn.sinks import Timeline
sink = Timeline(sys.argv[1])
for n in itertools.count(1):
    sink.event(Event(n, "m", "walk", 0.0, 1.0, 0.5))
    print(n, flush=True)
"""
    running = subprocess.Popen([sys.executable, "-c", script, tmp_path / "t.csv"], stdout=subprocess.PIPE, text=True)
    while int(running.stdout.readline()) < 200:
        pass
    running.send_signal(signal.SIGKILL)
    told = [int(line) for line in running.communicate()[0].split()]
    with (tmp_path / "t.csv").open(newline="") as file:
        numbers = [int(row["id"].rpartition("-")[2]) for row in csv.DictReader(file)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= max(told, default=200)


def test_a_full_disk_is_said_once_and_stops_nothing(tmp_path):
    script = """
import resource, signal, sys
from edgevtn.sinks.lines import LineFile
lines = LineFile(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
unbounded = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (20, unbounded[1]))  # as a disk with 20 bytes left
for _ in range(5):
    lines.write("ten chars")
resource.setrlimit(resource.RLIMIT_FSIZE, unbounded)
lines.write("after")
lines.close()
"""
    arguments = [sys.executable, "-c", script, tmp_path / "log"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True)
    lost, again = done.stderr.splitlines()
    assert lost.startswith(f"{tmp_path}/log: cannot be written (File too large)")
    assert again == f"{tmp_path}/log: is written again"
    assert (tmp_path / "log").read_text() == "ten chars\nten chars\nafter\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_below_stderr_stops_nothing(demo_clip, tiny):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "edgevtn", "run", demo_clip, "--model", tiny, "--seconds", "2", "--enter", "0.35",
             "--leave", "0.34", "--min-duration", "0", "--command", f"'{sys.executable}' -c 'raise SystemExit(1)'"],
            stdout=subprocess.PIPE, stderr=full, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout
