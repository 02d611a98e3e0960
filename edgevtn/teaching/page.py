"""The report of a taught model as one HTML page that needs nothing else. It has pictures of the user's clips inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgevtn.errors import require
from edgevtn.files import write_whole
from edgevtn.teaching.evidence import Evidence
from edgevtn.teaching.model import Taught
from edgevtn.teaching.pictures import moments
from edgevtn.teaching.report import Report
from edgevtn.teaching.ridge import Float64
from edgevtn.teaching.store import Learned

TEMPLATE = Path(__file__).with_name("page.html.j2")
EXTRA = "report"
#: Pictures of a clip: what fits beside each other, and shows how it went.
MOMENTS = 8
#: Bars of a clip; frames of a longer one share them.
MOST_BARS = 64
#: The plots' sizes, in their own units.
CURVE, BARS = (420, 190), (640, 90)


def check_page(file: str | Path, bundle: str | Path) -> None:
    """Raise before anything is learned where no page could be written to `file` afterwards.

    Raises
    ------
    MissingExtraError
        jinja2 is not installed.
    ValueError
        The file is no ``.html``, which might be somebody's clip, or lies in the bundle, which has no pictures.
    """
    require("jinja2", EXTRA)
    file = Path(file)
    if file.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"expected a report that ends in .html, got {file}")
    if Path(bundle).resolve() in file.resolve().parents:
        raise ValueError(f"{file}: lies in the model, which promises to have no pictures; write it beside {bundle}")


def write_page(taught: Taught, file: str | Path, title: str) -> None:
    """Write the page.

    Parameters
    ----------
    taught : Taught
    file : path
        Beside the model: pictures of clips are inside, of those whose videos are still there.
    title : str

    Raises
    ------
    MissingExtraError
        jinja2 is not installed.
    OutputError
        It cannot be written.
    """
    write_whole(file, page(taught, title).encode())


def page(taught: Taught, title: str) -> str:
    """The page, as HTML; see `write_page`."""
    jinja2 = require("jinja2", EXTRA)
    report = taught.report
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = lambda share: f"{share:.1%}"
    html: str = environment.from_string(TEMPLATE.read_text("utf-8")).render(
        title=title, report=report, chance=1 / len(report.labels), rows=_rows(report), curve=_curve(report),
        clips=[_clip(*pair) for pair in taught.confused()], missing="the video is no longer there",
    )  # fmt: skip
    return html + "\n"


def _rows(report: Report) -> list[dict[str, Any]]:
    """A row of the confusion matrix for each label."""
    rows = []
    for k, label in enumerate(report.labels):
        counts = report.confusion[k] if report.confusion else []
        total = sum(counts)
        rows.append({
            "label": label, "clips": report.clips[label], "takes": report.takes[label],
            "recall": counts[k] / total if total else None,
            "cells": [{"count": n, "share": n / total if total else 0.0, "right": c == k}
                      for c, n in enumerate(counts)],
        })  # fmt: skip
    return rows


def _curve(report: Report) -> dict[str, Any] | None:
    """The learning curve's points, in its plot."""
    if len(report.learning) < 2:
        return None
    width, height = CURVE
    left, right, top, bottom = 44, width - 24, 14, height - 36
    lowest = min(0.8, 0.1 * int(10 * min(share for _, share in report.learning)))
    most = max(count for count, _ in report.learning)

    def x(count: float) -> float:
        return left + (right - left) * (count - 1) / max(1, most - 1)

    def y(share: float) -> float:
        return bottom - (bottom - top) * (share - lowest) / (1 - lowest)

    step = 0.1 if lowest > 0.55 else 0.2
    ticks = np.arange(1.0, lowest - 1e-9, -step).tolist()
    return {
        "width": width, "height": height, "left": left, "right": right, "bottom": bottom,
        "points": [{"x": round(x(n), 1), "y": round(y(s), 1), "count": n, "share": s} for n, s in report.learning],
        "lines": [{"y": round(y(share), 1), "text": f"{share:.0%}"} for share in ticks],
    }  # fmt: skip


def _clip(clip: Learned, why: Evidence) -> dict[str, Any]:
    """A clip that was mistaken: the bars of its frames, and pictures of the moments that counted most."""
    width, height = BARS
    count = len(why.shares)
    bars = np.array([part.sum() for part in np.array_split(why.shares, min(MOST_BARS, count))])
    size = float(np.abs(bars).max()) or 1.0
    step, middle = width / len(bars), height / 2
    picked = _picked(why.shares)
    seconds = [clip.start + n / why.rate for n in picked]
    pictures = moments(clip.name, seconds)
    return {
        "title": clip.title, "label": why.label, "answer": why.answer, "total": float(why.shares.sum()),
        "width": width, "height": height, "middle": middle,
        "bars": [{
            "x": round(n * step + 0.1 * step, 2), "width": round(0.8 * step, 2),
            "y": round(middle - max(0.0, bar / size) * middle, 2), "height": round(abs(bar) / size * middle, 2),
            "against": bool(bar > 0),
        } for n, bar in enumerate(bars.tolist())],
        "begin": clip.start, "end": clip.start + count / why.rate,
        "pictures": pictures and [
            {"address": address, "seconds": when, "share": float(why.shares[n]), "against": bool(why.shares[n] > 0)}
            for address, when, n in zip(pictures, seconds, picked, strict=True)
        ],
    }  # fmt: skip


def _picked(shares: Float64) -> list[int]:
    """The frame that counted most, of each of so many parts of the clip."""
    parts = np.array_split(np.arange(len(shares)), min(MOMENTS, len(shares)))
    return [int(part[np.abs(shares[part]).argmax()]) for part in parts]
