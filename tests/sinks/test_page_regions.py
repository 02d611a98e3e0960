"""Teaching from the page where a camera has several regions, in a real browser."""

from dataclasses import replace

import numpy as np
import pytest
from chromium import PROGRAM, Chromium
from visitor import prediction

import edgevtn
from edgevtn import Recognizer
from edgevtn.region import Region, Scene
from edgevtn.teaching.lessons import Lessons

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from edgevtn.sinks.page.sink import Page


@pytest.fixture
def lessons(tmp_path):
    lessons = Lessons(tmp_path / "lessons", Recognizer)
    yield lessons
    lessons.close()


@pytest.mark.skipif(PROGRAM is None, reason="needs Chromium")
def test_of_several_regions_the_chosen_one_is_taught(lessons, tmp_path):
    regions = tuple(Region(name, x, 0, x + 0.5, 1, source="yard") for name, x in (("door", 0), ("bed  <i>", 0.5)))
    page = Page("127.0.0.1:0", lessons=lessons)
    frame = np.zeros((120, 240, 3), np.uint8)
    frame[:, 120:] = 200  # the bed is bright, the door dark
    try:
        for n in range(100):
            for sink in (lessons, page):
                sink.frame(frame, n / 25, Scene("yard", regions))
        for region in regions:
            page.prediction(replace(prediction([0.5, 0.5]), source="yard", region=region.name))
        with Chromium(tmp_path) as browser:
            browser.open(page.url)
            browser.until("[...document.querySelector('#region').options].map((o) => o.value).join()",
                          lambda names: names == "door,bed  <i>")  # fmt: skip
            assert not browser.run("document.querySelector('#of-region').hidden")
            browser.run("document.querySelector('#region').value = 'bed  <i>'")
            browser.run("document.querySelector('#label').value = 'wave'")
            browser.run("document.querySelector('#mark button').click()")
            browser.until("document.querySelector('#takes').innerText", lambda text: "wave: 1" in text)
            assert browser.run("document.querySelector('#region').value") == "bed  <i>"
            assert browser.console == []
    finally:
        page.close()
    (take,) = lessons._takes.rglob("*.mp4")
    with edgevtn.frames(take) as source:
        assert min(kept.mean() for _, kept in source) > 150
