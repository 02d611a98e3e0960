"""The page says what the JSON says, asks nobody for anything, and its shares add up to what the head computes."""

import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from edgevtn.cli.main import main
from edgevtn.errors import MissingExtraError
from edgevtn.heads.linear import STATISTICS, Linear, LinearFacts
from edgevtn.teaching import Example, teach
from edgevtn.teaching.choose import Candidate
from edgevtn.teaching.evidence import evidence, shares
from edgevtn.teaching.fit import Material, fit
from edgevtn.teaching.page import check_page, page, write_page
from edgevtn.teaching.windows import Measure, columns, windows

#: What a browser would take for tags and quotes, if it were let.
EVIL = "<b onclick=\"x('y')\">&wave"


class Reader(HTMLParser):
    """Text, tags and attributes of a page; complains where tags do not fit into each other."""

    VOID = ("meta", "img", "br", "line", "rect", "polyline")

    def __init__(self):
        super().__init__()
        self.text, self.attributes, self.open, self.tags = "", [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.text += " "

    def handle_data(self, data):
        self.text += data


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def confusing(examples, cache):
    """A model with a label of an evil name and two clips with each other's label."""
    swap = {"ann_bend.avi": "jack", "cleo_jack.avi": EVIL}
    names = {"bend": EVIL, "jack": "jack", "wave1": "wave1"}
    given = [Example(e.source, swap.get(e.source.name, names[e.label])) for e in examples]
    return teach(given, cache=cache, threads=1)


def test_numbers_are_those_of_the_json(confusing):
    report = json.loads(json.dumps(confusing.report.as_dict()))
    found = read(page(confusing, "mine"))
    text = " ".join(found.text.split())
    for share in (report["accuracy"], report["corrected"], report["answered"], *report["interval"]):
        assert f"{share:.1%}" in text
    for share in report["shortcuts"].values():
        assert f"{share:.1%}" in text
    for entry in report["candidates"]:
        assert f"{entry['accuracy']:.1%} {entry['live']:.1%} {entry['cost']:.0f}" in text
    matrix = re.search(r"What is taken for what.*?Clips to look at", text)[0]
    assert sum(map(int, re.findall(r"(?<!\S)\d+(?!\S)", matrix))) == sum(report["clips"].values()) == 9
    for name, label, answer in report["confusing"]:
        assert f"{name}: {label}, taken for {answer}" in text
    assert report["confusing"]
    for why in report["warnings"]:
        assert " ".join(why.split()) in text


def test_labels_are_escaped_and_nothing_is_fetched(confusing):
    html = page(confusing, EVIL)
    found = read(html)
    assert EVIL in found.text
    assert "script" not in found.tags
    assert "link" not in found.tags
    for name, value in found.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "srcset", "action", "data"):
            assert value.startswith("data:image/jpeg;base64,")
    assert "//" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", html)
    assert "url(" not in html
    assert "@import" not in html
    assert ("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in found.attributes


def test_pictures_are_of_videos_that_are_still_there(confusing, taught, tmp_path, videos):
    found = read(page(confusing, "mine"))
    mistaken = len(confusing.report.confusing)
    assert found.tags.count("img") == 8 * mistaken
    confusing.save(tmp_path / "mine")
    hidden = videos.rename(videos.with_name("elsewhere"))
    try:
        html = page(confusing, "mine")
    finally:
        hidden.rename(videos)
    assert read(html).tags.count("img") == 0
    assert html.count("the video is no longer there") == mistaken
    assert not any(file.suffix == ".html" for file in (tmp_path / "mine").iterdir())


@pytest.mark.parametrize("length", [1, 5, 16, 30])
def test_shares_add_up_to_the_heads_logits(length):
    rng = np.random.default_rng(length)
    W, T, K = 6, 16, 3
    rows = rng.normal(size=(length, W)).astype(np.float32)
    for statistics in (tuple(STATISTICS), ("mean",), ("spread", "change"), ("segment_changes",)):
        facts = LinearFacts(W, K, T, statistics)
        w = rng.normal(size=facts.shapes()["w_classes"]).astype(np.float32)
        b = rng.normal(size=K).astype(np.float32)
        head = Linear(facts, {"w_classes": w, "b_classes": b})
        logits = []
        for window in windows(rows, T):
            for row in window:
                head.push(row[None])
            logits.append(head().copy())
        for k in range(K):
            own = shares(rows, w[:, k].astype(np.float64), float(b[k]), statistics, T)
            assert own.shape == (length,)
            assert own.sum() == pytest.approx(np.mean(logits, axis=0)[k], abs=1e-4)


def test_at_half_the_rate_both_beginnings_have_their_share():
    """The shares add up to how far the model without the clip's group is from right, whichever clip comes first."""
    rng, W = np.random.default_rng(5), 12
    clips = [rng.normal(size=(int(rng.integers(7, 40)), W)).astype(np.float32) for _ in range(22)]
    classes = np.array([2, 2, *[0, 1] * 10])  # first a label of one take
    group_of = np.array([9, 9, *np.repeat(np.arange(5), 4)])
    material = Material(clips, classes, group_of, 12.5, ("a", "b", "c"), 3, 224)
    candidate = Candidate(("mean", "spread"), 6.25, 8, 224)
    fitted, _ = fit([material], False, [candidate])
    found = evidence(material, fitted, False)
    assert found
    measure, which = Measure(8, W), columns(candidate.statistics, W)
    for each in found:
        assert each.clip >= 2
        assert each.label == material.labels[material.classes[each.clip]]
        assert each.rate == 12.5
        assert each.shares.shape == (len(clips[each.clip]),)
        less, _ = fit([material.only(np.flatnonzero(group_of != group_of[each.clip]))], False, [candidate])
        scores = measure.clip(clips[each.clip], 2)[which].astype(np.float64) @ less.w + less.b
        answer, label = (material.labels.index(name) for name in (each.answer, each.label))
        assert each.shares.sum() == pytest.approx(scores[answer] - scores[label], abs=1e-4)


def test_what_moves_gets_the_share():
    rows = np.zeros((16, 4), np.float32)
    rows[6] = 1.0  # one frame unlike the others is what varies
    own = shares(rows, np.ones(4), 0.0, ("spread",), 16)
    assert own.argmax() == 6
    assert own[6] > 0.9 * own.sum()


def test_the_command_writes_it_where_it_is_asked(videos, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("EDGEVTN_CACHE", str(tmp_path / "cache"))
    model, file = tmp_path / "mine", tmp_path / "mine.html"
    assert main(["teach", str(videos), "-o", str(model), "--report", str(file)]) == 0
    assert "has pictures of your clips" in capsys.readouterr().out
    accuracy = json.loads((model / "teach.json").read_text())["accuracy"]
    assert f"{accuracy:.1%}" in file.read_text()
    assert main(["teach", str(videos), "-o", str(model), "--report", str(model / "teach.html")]) == 1
    assert "promises to have no pictures" in capsys.readouterr().err
    assert main(["teach", str(videos), "-o", str(model), "--report", str(videos / "bend" / "ann_bend.avi")]) == 1
    assert "ends in .html" in capsys.readouterr().err


def test_without_jinja2_the_extra_is_named_before_anything_is_learned(monkeypatch, tmp_path, taught):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'edgevtn\[report\]'"):
        check_page(tmp_path / "a.html", tmp_path / "mine")
    with pytest.raises(MissingExtraError, match="report"):
        write_page(taught, tmp_path / "a.html", "mine")
    assert list(tmp_path.iterdir()) == []
