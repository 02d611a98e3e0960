"""A report as one HTML page that needs nothing else: plots and pictures are inside."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgevtn.arrays import Pixels
from edgevtn.calibration.frames import Sample
from edgevtn.calibration.measure.report import Report, as_text
from edgevtn.errors import require

TEMPLATE = Path(__file__).with_name("report.html.j2")
INT8_COLOR, FLOAT_COLOR = "#3568a8", "#c08a2b"
#: The histogram shows at least so much below 1: less is noise of the sums.
NARROWEST = 1e-3


def page(report: Report, title: str) -> str:
    """The page.

    Parameters
    ----------
    report : Report
    title : str
        What was calibrated.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    MissingExtraError
        jinja2 or matplotlib is not installed.
    """
    jinja2 = require("jinja2", "calibration")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    budget = report.choices.get("budget")
    html: str = environment.from_string(TEMPLATE.read_text("utf-8")).render(
        title=title,
        report=report,
        missed=budget is not None and report.cosine_mean < budget,
        gains=_gains(report),
        choices=[(name, as_text(value)) for name, value in report.choices.items()],
        trail=[(what, f"{score:.4f}") for what, score in report.trail],
        cosines=_cosine_plot(report),
        worst=[
            {"caption": _caption(number, sample, report.cosines[number]), "picture": _picture(sample.pixels)}
            for number, sample in report.worst
        ],
        layers=_layer_plot(report) if report.layers else None,
    )
    return html + "\n"


def _gains(report: Report) -> list[tuple[str, str, str]]:
    """Rows of the first table."""
    rows = [
        ("Size", f"{report.fp32_bytes / 1e6:.2f} MB", f"{report.int8_bytes / 1e6:.2f} MB"),
        ("Time of a frame, one thread, median", f"{report.fp32_ms:.2f} ms", f"{report.int8_ms:.2f} ms"),
    ]
    if report.accuracy is not None:
        rows.append(("Accuracy", f"{report.accuracy.fp32:.1%}", f"{report.accuracy.int8:.1%}"))
    return rows


def _caption(number: int, sample: Sample, cosine: float) -> str:
    return f"frame {number}, {sample.clip.name} at {sample.seconds:.2f} s: cosine {cosine:.4f}"


def _picture(pixels: Pixels) -> str:
    """A prepared frame (1, 3, S, S) as an image's address; red and blue may be exchanged if the order is BGR."""
    return _address(cv2.imencode(".png", np.ascontiguousarray(pixels[0].transpose(1, 2, 0)[..., ::-1]))[1].tobytes())


def _cosine_plot(report: Report) -> str:
    figure, axes = _figure(8, 3)
    lowest = min(report.cosine_min, 1 - NARROWEST)
    axes.hist(np.minimum(report.cosines, 1), bins=40, range=(lowest, 1), color=INT8_COLOR)
    axes.axvline(report.cosine_mean, color="#222", linewidth=1, label=f"mean, {report.cosine_mean:.4f}")
    axes.legend(loc="upper left")
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("cosine of the fp32 and the INT8 features")
    axes.set_ylabel("frames")
    return _drawn(figure)


def _layer_plot(report: Report) -> str:
    figure, axes = _figure(8, 1.2 + 0.2 * len(report.layers))
    kept = report.choices.get("layers in float") or []
    names = list(report.layers)
    for label, color, shown in (
        ("INT8", INT8_COLOR, [name for name in names if name not in kept]),
        ("kept in float", FLOAT_COLOR, [name for name in names if name in kept]),
    ):
        if shown:
            rows = [names.index(name) for name in shown]
            axes.barh(rows, [report.layers[name] for name in shown], color=color, label=label)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    if kept:
        axes.legend()
    axes.set_xlabel("signal to noise of each convolution, the first above, dB")  # beside a few it would not fit
    return _drawn(figure)


def _figure(width: float, height: float) -> tuple[Any, Any]:
    """A figure with one pair of axes; inches."""
    figure = require("matplotlib.figure", "calibration").Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _drawn(figure: Any) -> str:
    """A figure as an image's address."""
    content = io.BytesIO()
    figure.savefig(content, dpi=110, format="png")
    return _address(content.getvalue())


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
