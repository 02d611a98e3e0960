"""The page in a real browser, where there is one."""

import itertools
import json
import re
import shutil
import subprocess
import threading

import cv2
import numpy as np
import pytest
from broker import PATIENCE
from chromium import Chromium
from visitor import prediction

from edgevtn import Event
from edgevtn.region import Scene
from edgevtn.sinks import Origin

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from edgevtn.sinks.page.sink import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

#: A label that would be an element, and ask another host, if it were not shown as text.
MARKUP = '<img src="http://example.invalid/x" onerror="console.error(1)">'
GREEN = np.full((240, 320, 3), (60, 200, 60), np.uint8)


@pytest.fixture
def page():
    page = Page("127.0.0.1:0", Origin("the hall"))
    page.frame(GREEN, 0)
    page.prediction(prediction([0.2, 0.8], ("wave", MARKUP)))
    page.prediction(prediction([0.45, 0.55], label="unknown", model="second"))
    page.event(Event(1, "m", "wave", 1, 3.5, 0.9))
    page.event(Event(2, "m", MARKUP, 4, None, 0.9))
    done = threading.Event()

    def pour():  # the browser's virtual time stands still while a stream has nothing new
        while not done.wait(0.05):
            page.frame(GREEN, 0)

    pouring = threading.Thread(target=pour)
    pouring.start()
    yield page
    done.set()
    pouring.join()
    page.close()


def chromium(folder, url, *options):
    """What it printed: the document, and messages of its console."""
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
         f"--user-data-dir={folder / 'profile'}", "--disable-background-networking", "--enable-logging=stderr",
         f"--log-net-log={folder / 'net.json'}", "--virtual-time-budget=2000", *options, url],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_what_it_shows(page, tmp_path):
    document, messages = chromium(tmp_path, page.url, "--dump-dom")
    assert messages == []
    text = re.sub(r"<(?!img src=.http)[^>]*>", " ", document).replace("&lt;", "<").replace("&gt;", ">")
    assert "<title>the hall</title>" in document
    assert document.count("<img") == 1
    assert text.count(MARKUP) == 3  # the label, its bar, and its event
    assert "most probable: walk, 55 %" in text
    assert "80 %" in text
    assert "ended, 2.5 s" in text
    assert "began" in text
    assert "1 of 4" in text  # it looks at the picture itself
    assert page.pictures.encoded >= 1
    # The browser has business of its own; what the page asks for is asked on behalf of its site.
    log = (tmp_path / "net.json").read_text()
    asked = re.findall(r'site=http://127\.0\.0\.1;[^}]*\}","url":"([^"]*)"', log)
    names = {url.removeprefix(page.url).partition("?")[0] for url in asked}
    assert names >= {"page.css", "page.js", "teach.js", "state", "picture"}
    assert all(url.startswith(page.url) for url in asked)


def test_an_error_in_a_page_would_be_seen(tmp_path):
    _, messages = chromium(tmp_path, "data:text/html,<script>nothere()</script>", "--dump-dom")
    assert "nothere is not defined" in messages[0]


def test_how_it_looks(page, tmp_path):
    """In a window and on a phone, in the dark and in the light: one browser, which opens the page each time."""
    with Chromium(tmp_path) as browser:
        for (width, height), dark in itertools.product([(1280, 900), (390, 1400)], [True, False]):
            browser.look(width, height, dark)
            browser.open(page.url)
            browser.until("document.querySelector('img').naturalWidth > 1 && document.body.innerText.includes('80 %')")
            shot = cv2.imdecode(np.frombuffer(browser.screenshot(), np.uint8), cv2.IMREAD_COLOR)
            assert shot.shape[:2] == (height, width)
            assert (shot[4, 4].mean() < 60) == dark
            green = (np.abs(shot.astype(int) - (60, 200, 60)) < 20).all(axis=2)
            columns = np.flatnonzero(green.any(axis=0))
            assert green.mean() > 0.04
            # On a phone the picture has the whole width; the model's square is three quarters of it.
            share = (columns[-1] - columns[0]) / shot.shape[1]
            assert share == pytest.approx(0.7 if width == 390 else 0.43, abs=0.06)
        assert browser.console == []


def test_a_source_that_ends_makes_room_for_the_next(page, tmp_path):
    red = np.full((240, 320, 3), (60, 60, 200), np.uint8)
    page.ended("")
    with Chromium(tmp_path) as browser:
        page.frame(red, 0, Scene("1.mp4"))
        browser.open(page.url)
        browser.until("[...document.querySelectorAll('#sources button')].some(b => b.textContent === '1.mp4')")
        browser.run("[...document.querySelectorAll('#sources button')].find(b => b.textContent === '1.mp4').click()")
        browser.until("source === '1.mp4' && document.querySelector('#sources [aria-pressed=true]').textContent", bool)
        page.ended("1.mp4")
        page.frame(red, 1, Scene("2.mp4"))
        names = "JSON.stringify([...document.querySelectorAll('#sources button')].map(b => b.textContent))"
        browser.until(names, lambda text: json.loads(text) == ["", "2.mp4"])
        assert browser.run("source") is None  # the first of those that are there
        assert browser.run("document.querySelectorAll('#sources [aria-pressed=true]').length") == 1
        assert browser.console == []
