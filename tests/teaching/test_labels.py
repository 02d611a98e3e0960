"""Labels that look like one that is no action, and those that cannot be taught, are told when they are given."""

import json
import shlex
import warnings

import numpy as np
import pytest

from edgevtn.cli.main import main
from edgevtn.errors import OutputError
from edgevtn.recognizer import Recognizer
from edgevtn.recording import check_label, label_folder, likely_mistake
from edgevtn.teaching import Example, teach
from edgevtn.teaching.examples import read_examples
from edgevtn.teaching.lessons import Lessons

LOOKALIKES = ["Nothing", "NOTHING", " nothing", "Unknown"]


@pytest.mark.parametrize("label", LOOKALIKES)
def test_what_looks_like_no_action_is_told(tmp_path, label):
    with pytest.warns(RuntimeWarning, match=f"label '{label}' is taught as an action"):
        check_label(label)
    (tmp_path / label).mkdir()
    (tmp_path / label / "a.mp4").touch()
    (tmp_path / "wave").mkdir()
    (tmp_path / "wave" / "a.mp4").touch()
    with pytest.warns(RuntimeWarning, match=f"label '{label}' is taught as an action") as told:
        assert {example.label for example in read_examples(tmp_path)} == {label, "wave"}
    assert len(told) == 1


@pytest.mark.parametrize("label", ["nothing", "wave", "nothing special", "unknown person"])
def test_others_are_not(label):
    assert likely_mistake(label) is None
    check_label(label)


def test_unknown_is_no_label(tmp_path):
    with pytest.raises(OutputError, match="'unknown' is what a model says"):
        label_folder(tmp_path, "unknown")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("unknown", "'unknown' is what a model says"),
        ("a/b", "'a/b' cannot be the name of a folder"),
        ("a\x1b[1mb", "cannot be the name of a folder"),  # what teach would refuse, too
    ],
)
def test_record_refuses_them_at_once(tmp_path, demo_clip, capsys, label, reason):
    assert main(["record", str(tmp_path / "takes"), "--label", label, "--source", str(demo_clip), "--yes"]) == 1
    captured = capsys.readouterr()
    assert reason in captured.err
    assert captured.out == ""
    assert not (tmp_path / "takes").exists()


def test_record_warns_once(tmp_path, demo_clip, capsys):
    arguments = ["--source", str(demo_clip), "--seconds", "0.5", "--takes", "1", "--yes"]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["record", str(tmp_path), "--label", "Nothing", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("for the empty room and for idling write 'nothing'") == 1
    assert "1 takes of Nothing" in captured.out
    assert len(list((tmp_path / "Nothing").glob("*.mp4"))) == 1


def test_the_page_tells_it_until_another_take_is_kept(tmp_path):
    lessons = Lessons(tmp_path / "lessons", Recognizer)
    for n in range(100):
        lessons.frame(np.full((48, 64, 3), n, np.uint8), n / 25)
    lessons.mark("Nothing", 2)
    assert "write 'nothing'" in json.dumps(lessons.record()["told"])
    lessons.mark("nothing", 2)
    assert lessons.record()["told"] == ""
    lessons.close()


def test_teach_warns(examples, cache):
    renamed = [Example(e.source, "Nothing" if e.label == "jack" else e.label) for e in examples if e.label != "bend"]
    with pytest.warns(RuntimeWarning, match="label 'Nothing' is taught as an action"):
        taught = teach(renamed, cache=cache, threads=1)
    assert "Nothing" in taught.labels


def test_what_is_told_to_type_next_can_be_typed(videos, tmp_path, monkeypatch, capsys, demo_clip):
    monkeypatch.setenv("EDGEVTN_CACHE", str(tmp_path / "cache"))
    model = tmp_path / "my model"
    assert main(["teach", str(videos), "-o", str(model)]) == 0
    told = capsys.readouterr().out.rpartition("; try: ")[2]
    assert shlex.split(told) == ["edgevtn", "run", "0", "--model", str(model)]
    takes = tmp_path / "my takes"
    arguments = ["--source", str(demo_clip), "--seconds", "0.5", "--takes", "1", "--yes"]
    assert main(["record", str(takes), "--label", "wave", *arguments]) == 0
    told = capsys.readouterr().out.rpartition("or: ")[2]
    assert shlex.split(told) == ["edgevtn", "teach", str(takes), "-o", "MODEL"]
