"""Pictures that pages name in HTML, which no check of links follows, and those of the tour."""

import re
from pathlib import Path
from xml.etree import ElementTree

import cv2
import pytest

DOCS = Path(__file__).parents[2] / "docs"
NAMED = sorted(
    {
        (page.name, name)
        for page in DOCS.glob("*.md")
        for name in re.findall(r'\bsrc(?:set)?="([^":]+)"', page.read_text("utf-8"))
    }
)
TOUR = sorted(DOCS.glob("tour-*"))


@pytest.mark.parametrize(("page", "name"), NAMED)
def test_a_named_picture_is_there(page, name):
    assert (DOCS / name).is_file()


@pytest.mark.parametrize("file", TOUR, ids=lambda file: file.name)
def test_a_picture_of_the_tour_is_shown_small_and_whole(file):
    assert file.name in (DOCS / "tour.md").read_text("utf-8")
    assert file.stat().st_size <= 60_000
    if file.suffix == ".svg":
        lines = ["".join(text.itertext()) for text in ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}text")]
        assert lines[0].startswith("$ edgevtn ")
        assert len(lines) > 3
    else:
        assert min(cv2.imread(str(file)).shape[:2]) >= 480
