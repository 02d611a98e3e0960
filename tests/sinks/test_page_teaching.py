"""Teaching from the page, in a real browser: marked, taught, and taken over by the recognition that goes on."""

import json
import threading
import urllib.request

import pytest
from chromium import PROGRAM, Chromium
from tiny import moving_frames
from visitor import OPENER, get, state, until

import edgevtn
from edgevtn import EventDetector, Recognizer
from edgevtn.cli.main import main
from edgevtn.errors import OutputError
from edgevtn.region import Region, Scene
from edgevtn.sinks import Origin
from edgevtn.teaching.lessons import LONGEST, RATE, Lessons
from edgevtn.training.data.figure import Look, clip

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from edgevtn.sinks.clips import Clips
from edgevtn.sinks.page.sink import Page


class Scenery:
    """A camera that shows a figure do the same again and again, faster than time passes; `action` says what."""

    def __init__(self, actions):
        self._frames = {
            action: list(clip(action, 2.0, Look(seed=1, shirt=(40, 60, 160)), size=(160, 120))) for action in actions
        }
        self.action, self.shown = actions[0], 0
        self.done = threading.Event()

    def __iter__(self):
        while not self.done.wait(0.004):
            frames = self._frames[self.action]
            self.shown += 1
            yield self.shown / 25, frames[self.shown % len(frames)]

    def change(self, action):
        """Show something else, until nothing of the last is in memory."""
        self.action, now = action, self.shown
        until(lambda: self.shown > now + LONGEST * 25)


@pytest.fixture
def taught_page(tiny, tmp_path, monkeypatch):
    """A page that recognises, and what belongs to it."""
    monkeypatch.setenv("EDGEVTN_CACHE", str(tmp_path / "cache"))
    scenery, origin = Scenery(("jack", "bend")), Origin("hall")
    lessons = Lessons(tmp_path / "lessons", lambda model: Recognizer(model, threads=1, smoothing=0.3))
    clips = Clips(tmp_path / "clips", origin, before=0.5, after=0.5)
    page = Page("127.0.0.1:0", origin, clips=clips.files, lessons=lessons)
    events = []

    def watch():
        events.extend(
            edgevtn.watch(
                iter(scenery),
                tiny,
                sinks=[lessons, clips, page],
                detector=EventDetector(enter=0.35, leave=0.34, min_duration=0),
                successor=lessons.successor,
            )
        )

    watching = threading.Thread(target=watch)
    watching.start()
    until(lambda: scenery.shown > LONGEST * 25)
    yield page, scenery, lessons
    scenery.done.set()
    watching.join()
    # No event is told twice under one number, also after another model took over.
    ended = [event.id for event in events if event.kind == "end"]
    assert len(set(ended)) == len(ended)


@pytest.mark.skipif(PROGRAM is None, reason="needs Chromium")
def test_a_label_is_taught_from_it(taught_page, tmp_path):
    """Half a minute on a busy core, because a model is taught with the bundled encoder, as a user would."""
    page, scenery, lessons = taught_page

    def press(selector):
        browser.run(f"document.querySelector({json.dumps(selector)}).click()")

    def mark(label, seconds):
        browser.run(f"document.querySelector('#label').value = {json.dumps(label)}")
        browser.run(f"document.querySelector('#seconds').value = {seconds}")
        press("#mark button")
        browser.until("document.querySelector('#takes').innerText", lambda text: f"{label}: " in text)

    with Chromium(tmp_path) as browser:
        browser.open(page.url)
        browser.until("!document.querySelector('#lessons').hidden")
        assert browser.run("document.querySelector('#teach').disabled")
        mark("jacks <b> & up", 4)
        scenery.change("bend")
        mark("bend", 4)
        browser.until("!document.querySelector('#teach').disabled")
        press("#teach")
        browser.until("document.querySelector('#told').innerText", lambda text: "being taught" in text)
        browser.until("document.querySelector('#told').innerText", lambda text: "2 labels, 2 clips" in text)
        shown = "document.querySelector('.label span').innerText"
        browser.until(shown, lambda label: label == "bend")
        scenery.change("jack")
        browser.until(shown, lambda label: label == "jacks <b> & up")
        moments = state(page.url)["models"][0]["moments"]
        assert browser.run("document.querySelectorAll('.strip i').length") == len(moments["shares"])
        assert max(map(abs, moments["shares"])) == 1
        # A clip of an event plays.
        browser.until("document.querySelectorAll('.play').length")
        press(".play")
        browser.until("document.querySelector('video').currentTime > 0.05")
        assert browser.run("document.querySelector('video').error") is None
        assert browser.console == []
        asked = [url for url in browser.asked if url.startswith("http")]
        assert all(url.startswith(page.url) for url in asked)
        places = {url.removeprefix(page.url).partition("?")[0].partition("/")[0] for url in asked}
        assert places >= {"mark", "teach", "clip"}
    assert {model["model"] for model in state(page.url)["models"]} == {"model"}
    assert lessons.counts() == {"bend": 1, "jacks <b> & up": 1}
    assert edgevtn.Recognizer(lessons.model).model.labels[:2] == ("bend", "jacks <b> & up")


def post(url, body=b"{}", **headers):
    """Status and body of an answer."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, headers=given)
    try:
        with OPENER.open(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture
def lessons(tmp_path):
    lessons = Lessons(tmp_path / "lessons", Recognizer)
    yield lessons
    lessons.close()


def show(lessons, seconds, scene=None, rate=25):
    frames = moving_frames(10, 120, 160)
    for n in range(round(seconds * rate)):
        lessons.frame(frames[n % 10], n / rate, *([scene] if scene else []))


def test_others_cannot_make_it_do_anything(lessons):
    show(lessons, 5)
    token = "0123456789abcdef"
    body = json.dumps({"label": "wave", "seconds": 2}).encode()
    own = {"X_EdgeVTN": "page"}
    for token_or_none in (None, token):
        page = Page("127.0.0.1:0", token=token_or_none, lessons=lessons)
        try:
            given = own | ({"Authorization": f"Bearer {token}"} if token_or_none else {})
            for headers in (
                {},  # a form of another site cannot send the header
                {"Content_Type": "text/plain", "Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"},
                own | {"Origin": "http://evil.example"},
                own | {"Origin": "null"},
                own | {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "cors"},
            ):
                assert post(f"{page.url}mark", body, **(given | headers if headers else {}))[0] in (401, 403)
                if headers:
                    continue
                assert post(f"{page.url}teach", body)[0] in (401, 403)
            if token_or_none:
                assert post(f"{page.url}mark", body, **own)[0] == 401
            assert post(f"{page.url}mark", body, Host="evil.example", **given)[0] == 421
            assert get(f"{page.url}mark", **{**given})[0] == 405
            assert lessons.counts().get("wave", 0) == (token_or_none is not None)
            assert post(f"{page.url}mark", body, **given, Origin=page.url.rstrip("/"))[0] == 200
        finally:
            page.close()
    assert lessons.counts() == {"wave": 2}
    page = Page("127.0.0.1:0")  # without --teach there is nothing of this
    try:
        assert state(page.url)["lessons"] is None
        assert post(f"{page.url}mark", body, **own)[0] == 404
    finally:
        page.close()


@pytest.mark.parametrize(
    ("asked", "status", "reason"),
    [
        ({"label": "../../etc", "seconds": 2}, 422, "cannot be the name of a folder"),
        ({"label": ".hidden", "seconds": 2}, 422, "cannot be the name of a folder"),
        ({"label": "a\0b", "seconds": 2}, 422, "cannot be the name of a folder"),
        ({"label": " ", "seconds": 2}, 422, "expected a label of 1 to 40 characters"),
        ({"label": "x" * 41, "seconds": 2}, 422, "expected a label of 1 to 40 characters"),
        ({"label": "unknown", "seconds": 2}, 422, "other than unknown"),
        ({"label": "wave", "seconds": 60}, 422, "expected 1 to 10 seconds, got 60"),
        ({"label": "wave", "seconds": "nan"}, 422, "expected 1 to 10 seconds, got nan"),
        ({"label": "wave", "seconds": 2, "source": "yard"}, 422, "there are no pictures of the last 2 seconds"),
        ({"label": ["wave"], "seconds": 2}, 400, "expected a label and seconds"),
        ({"label": "wave"}, 400, "expected a label and seconds"),
        ([], 400, "expected a label and seconds"),
        ({"label": "x" * 4000, "seconds": 2}, 413, "too long"),
    ],
)
def test_what_is_wrong_is_told(lessons, tmp_path, asked, status, reason):
    show(lessons, 5)
    page = Page("127.0.0.1:0", lessons=lessons)
    try:
        code, told = post(f"{page.url}mark", json.dumps(asked).encode(), X_EdgeVTN="page")
        assert (code, reason in json.loads(told)["error"]) == (status, True)
        code, told = post(f"{page.url}teach", X_EdgeVTN="page")
        assert (code, "two actions or more" in told) == (422, True)
    finally:
        page.close()
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_a_take_is_the_last_seconds_of_what_the_model_saw(lessons):
    door = Region("door", 0.5, 0, 1, 0.5)
    show(lessons, 8, Scene("yard", (door,)))
    file = lessons.mark("wave", 3, "yard", "door")
    with edgevtn.frames(file) as source:
        pairs = list(source)
    assert pairs[-1][0] - pairs[0][0] == pytest.approx(3, abs=0.2)
    assert pairs[0][1].shape == (60, 60, 3)
    assert file.parent.name == "wave"
    assert lessons.mark("wave", 3, "yard", "door") != file
    with pytest.raises(ValueError, match="no pictures"):
        lessons.mark("wave", 3)


def test_memory_is_bounded(lessons):
    show(lessons, 60)
    (ring,) = lessons._rings.values()
    assert len(ring) <= LONGEST * RATE + 1
    lessons.frame(moving_frames(1)[0], 5.0)  # a source that begins anew
    assert len(ring) == 1


def test_takes_are_bounded_and_a_folder_that_cannot_be_made_is_told(lessons, tmp_path, monkeypatch):
    monkeypatch.setattr("edgevtn.teaching.lessons.MOST_TAKES", 1)
    show(lessons, 5)
    lessons.mark("wave", 2)
    with pytest.raises(OutputError, match="which is enough"):
        lessons.mark("wave", 2)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made a folder"):
        Lessons(tmp_path / "file", Recognizer)


def test_a_run_that_fails_leaves_no_folder(tmp_path, demo_clip, tiny, capsys):
    place = tmp_path / "lessons"
    arguments = ["--model", str(tiny), "--teach", str(place)]
    assert main(["serve", str(demo_clip), *arguments, "--page", "0.0.0.0:0"]) == 1
    assert "needs a token" in capsys.readouterr().err
    assert main(["serve", str(tmp_path / "none.mp4"), *arguments, "--page", "127.0.0.1:0"]) == 1
    assert "none.mp4" in capsys.readouterr().err
    assert not place.exists()


def test_teaching_that_fails_is_told_and_the_model_stays(lessons):
    for label in ("a", "b"):
        (lessons._takes / label).mkdir(parents=True)
        (lessons._takes / label / "x.mp4").write_bytes(b"no video")
    lessons.teach()
    with pytest.raises(ValueError, match="taught already"):
        lessons.teach()
    until(lambda: not lessons.teaching)
    assert "expected clips of two labels or more" in lessons.record()["told"]
    assert lessons.successor() is None
    assert not lessons.model.exists()


def test_closing_ends_what_is_taught(lessons):
    for label in ("a", "b"):
        (lessons._takes / label).mkdir(parents=True)
        (lessons._takes / label / "x.mp4").write_bytes(b"no video")
    lessons.teach()
    lessons.close()
    assert not lessons.teaching
    with pytest.raises(ValueError, match="taught already"):
        lessons.teach()
