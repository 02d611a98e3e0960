"""A report as one HTML page that needs nothing else: plots and pictures are inside."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence

import cv2
import numpy as np

from edgevtn.calibration.measure.report import Report
from edgevtn.errors import require

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .3rem .8rem; text-align: left }
th, tr:nth-child(even) { background: #f2f4f7 } img { max-width: 100% } figure { display: inline-block; margin: .5rem }
figcaption { font-size: .85rem; color: #555 } .bad { color: #b00020; font-weight: 600 }
"""


def page(report: Report, title: str) -> str:
    """The page, HTML.

    Parameters
    ----------
    report : Report
    title : str
        What was quantised.
    """
    rows = [
        ("Size", f"{report.fp32_bytes / 1e6:.2f} MB", f"{report.int8_bytes / 1e6:.2f} MB"),
        ("Time of a frame, one thread, median", f"{report.fp32_ms:.2f} ms", f"{report.int8_ms:.2f} ms"),
    ]
    if report.accuracy is not None:
        rows.append(("Accuracy", f"{report.accuracy.fp32:.1%}", f"{report.accuracy.int8:.1%}"))
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>",
        f"<h1>{html.escape(title)}: fp32 to INT8</h1>",
        f"<p>INT8 takes {report.ratio:.2f} of the fp32 time on {html.escape(report.machine)}. Its embeddings "
        f"agree with those of fp32 (cosine {report.cosine_mean:.4f} in the mean, {report.cosine_min:.4f} at the least) "
        f"on {len(report.cosines)} frames that were not used for calibration.</p>",
        _table(("", "fp32", "INT8"), rows),
    ]
    budget = report.choices.get("budget")
    if budget is not None and report.cosine_mean < budget:
        parts.append(f"<p class='bad'>The budget, a mean cosine of {budget}, was not reached.</p>")
    if report.accuracy is not None:
        a = report.accuracy
        parts.append(
            f"<p>Both give the same answer to {a.agreement:.1%} of {a.clips} clips. "
            f"Protocol: {html.escape(a.protocol)}.</p>"
        )
    if report.choices:
        parts += ["<h2>What was chosen</h2>", _table(("", ""), [(k, str(v)) for k, v in report.choices.items()])]
    if report.trail:
        parts += [
            "<h2>What was tried</h2>",
            _table(("", "mean cosine"), [(what, f"{score:.4f}") for what, score in report.trail]),
        ]
    parts += ["<h2>Agreement of the embeddings</h2>", _cosine_plot(report)]
    if report.worst:
        parts.append("<h2>The frames that agree least</h2>")
        parts += [_picture(pixels, f"frame {n}: cosine {report.cosines[n]:.4f}") for n, pixels in report.worst]
    if report.layers:
        parts += ["<h2>Signal to noise of each convolution</h2>", _layer_plot(report)]
    return "\n".join(parts) + "</html>\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + row(head, "th") + "".join(row(cells, "td") for cells in rows) + "</table>"


def _image(content: bytes, alt: str) -> str:
    return f"<img alt='{html.escape(alt)}' src='data:image/png;base64,{base64.b64encode(content).decode()}'>"


def _picture(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], caption: str) -> str:
    """A prepared frame; red and blue may be exchanged if the model's order is BGR."""
    encoded = cv2.imencode(".png", np.ascontiguousarray(pixels.transpose(1, 2, 0)[..., ::-1]))[1]
    return f"<figure>{_image(encoded.tobytes(), caption)}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _cosine_plot(report: Report) -> str:
    figure = _figure(8, 3)
    axes = figure.add_subplot()
    axes.hist(report.cosines, bins=40, color="#3568a8")
    axes.axvline(report.cosine_mean, color="#222", linewidth=1)
    axes.set_xlabel("cosine of the fp32 and the INT8 embedding")
    axes.set_ylabel("frames")
    return _drawn(figure, "histogram of cosines")


def _layer_plot(report: Report) -> str:
    figure = _figure(8, 1 + 0.18 * len(report.layers))
    axes = figure.add_subplot()
    kept = report.choices.get("layers in float") or []
    colors = ["#c08a2b" if name in kept else "#3568a8" for name in report.layers]
    axes.barh(range(len(report.layers)), list(report.layers.values()), color=colors)
    axes.set_yticks(range(len(report.layers)), list(report.layers), fontsize=7)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set_xlabel("dB; the first layers are above" + ("; kept in float: ochre" if kept else ""))
    return _drawn(figure, "signal to noise of each layer")


def _figure(width: float, height: float):  # type: ignore[no-untyped-def]
    require("matplotlib", "calibration")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _drawn(figure, alt: str) -> str:  # type: ignore[no-untyped-def]
    content = io.BytesIO()
    figure.savefig(content, dpi=110, format="png")
    return _image(content.getvalue(), alt)
