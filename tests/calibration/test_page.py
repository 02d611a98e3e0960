"""The report as a page."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from networks import pictures, small_network

from edgevtn.calibration import Sample, calibrate_file, compare, page


class Outline(HTMLParser):
    """Headings, captions, and how many rows each table has."""

    def __init__(self):
        super().__init__()
        self.texts, self.rows, self.inside = {"h1": [], "h2": [], "figcaption": []}, [], None

    def handle_starttag(self, tag, attributes):
        self.inside = tag
        if tag == "tbody":
            self.rows.append(0)
        if tag == "tr" and self.rows:
            self.rows[-1] += 1

    def handle_data(self, data):
        if self.inside in self.texts and data.strip():
            self.texts[self.inside].append(data)


def outline(text):
    parser = Outline()
    parser.feed(text)
    return parser


def test_the_page_needs_nothing_else(encoder_file, demo_clip, tmp_path):
    report = calibrate_file(encoder_file, demo_clip, tmp_path / "int8.onnx", progress=False)
    text = (tmp_path / "int8.html").read_text("utf-8")
    assert text.count("<img ") == 2 + 4  # two plots, four frames
    assert set(re.findall(r'(?:src|href)="([a-z]+:)', text)) == {"data:"}
    assert "http" not in text
    found = outline(text)
    assert found.texts["h2"] == [
        "What was chosen",
        "What was tried",
        "Agreement of the features",
        "The frames that agree least",
        "Signal to noise of each convolution",
    ]
    assert min(found.rows) > 0
    number, sample = report.worst[0]
    caption = f"frame {number}, demo.mp4 at {sample.seconds:.2f} s: cosine {report.cosine_min:.4f}"
    assert found.texts["figcaption"][0] == caption


def test_a_comparison_alone_has_no_empty_parts():
    samples = [Sample(picture, Path("a <b>.mp4"), 0.5) for picture in pictures(3)]
    text = page(compare(small_network(), small_network(), samples), "a <b> & c")
    found = outline(text)
    assert "What was tried" not in found.texts["h2"]
    assert "What was chosen" not in found.texts["h2"]
    assert min(found.rows) > 0
    assert "a &lt;b&gt; &amp; c: fp32 to INT8" in text  # whatever a name has in it stays text
    assert "<b>" not in text
    assert np.allclose(compare(small_network(), small_network(), samples).cosines, 1)
