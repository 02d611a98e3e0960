"""What a terminal shows as SVG: text that can be read, searched and scaled, in light or dark as its reader has it."""

from __future__ import annotations

import html
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pyte
import pyte.graphics

# pyte passes over "faint"; nothing here writes italics, so that attribute carries it.
pyte.graphics.TEXT[2] = "+italics"
#: Pixels: a letter's width and a line's height in a font of 14 pixels, and the margin.
ADVANCE, LINE, FONT, MARGIN = 8.4, 19, 14, 16
#: pyte's names of ECMA-48's colours, dark enough on paper and light enough on black; 33 is "brown" to it.
COLOURS = {
    "green": ("#1a7f37", "#56d364"),
    "brown": ("#9a6700", "#e3b341"),
    "red": ("#cf222e", "#ff7b72"),
    "blue": ("#0969da", "#79c0ff"),
    "cyan": ("#1b7c83", "#56d4dd"),
    "magenta": ("#8250df", "#d2a8ff"),
}
PAPER, INK, FAINT, EDGE = ("#ffffff", "#0d1117"), ("#1f2328", "#e6edf3"), ("#656d76", "#8b949e"), ("#d0d7de", "#30363d")


def style(scheme: int) -> str:
    """The rules for light (0) or dark (1)."""
    colours = "".join(f".{name}{{fill:{pair[scheme]}}}" for name, pair in COLOURS.items())
    paper = f".paper{{fill:{PAPER[scheme]};stroke:{EDGE[scheme]}}}"
    return f"{paper}text{{fill:{INK[scheme]}}}.faint{{fill:{FAINT[scheme]}}}{colours}"


def spans(row: Any, columns: int) -> Iterator[str]:
    """A line's runs of letters that look alike, each at its place."""
    cells = [(column, row[column]) for column in range(columns)]
    for (colour, bold, faint), run in groupby(cells, lambda cell: (cell[1].fg, cell[1].bold, cell[1].italics)):
        letters = list(run)
        text = "".join(cell.data for _, cell in letters).rstrip()
        if not text:
            continue
        classes = " ".join([colour] * (colour in COLOURS) + ["bold"] * bold + ["faint"] * faint)
        yield (
            f'<tspan x="{MARGIN + ADVANCE * letters[0][0]:.1f}" textLength="{ADVANCE * len(text):.1f}"'
            f"{f' class={classes!r}' if classes else ''}>{html.escape(text)}</tspan>"
        )


def svg(screen: pyte.Screen, command: str) -> str:
    """The lines that are not empty at the end, below the command that was typed."""
    rows = [n for n in range(screen.lines) if screen.display[n].strip()]
    lines = [f'<tspan x="{MARGIN}" class="faint">$ {html.escape(command)}</tspan>']
    lines += ["".join(spans(screen.buffer[n], screen.columns)) for n in range(max(rows, default=-1) + 1)]
    width, height = round(2 * MARGIN + ADVANCE * screen.columns), 2 * MARGIN + LINE * len(lines)
    texts = [
        f'<text y="{MARGIN + LINE * n + FONT}" xml:space="preserve">{line}</text>'
        for n, line in enumerate(lines)
        if line
    ]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<style>text{{font:{FONT}px 'DejaVu Sans Mono',Menlo,Consolas,monospace}}.bold{{font-weight:bold}}{style(0)}",
        f"@media (prefers-color-scheme:dark){{{style(1)}}}</style>",
        f'<rect class="paper" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>', *texts, "</svg>", "",
    ])  # fmt: skip
