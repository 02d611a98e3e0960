#!/usr/bin/env python3
"""Pictures of docs/how_it_works.md, from what the bundled model says of the bundled clip.

    python scripts/docs_pictures.py docs

``events.png``: probabilities of three labels over time, and the events that hysteresis makes of them;
``window.png``: frames, features, and which of them the next window reuses.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import edgevtn
from edgevtn.defaults import ENTER, LEAVE, SMOOTHING

CLIP = Path(edgevtn.__file__).parent / "data" / "demo.mp4"
#: Seconds of the clip; two changes of label are within.
FIRST, LAST = 0.0, 10.0
COLORS = {"walk": "#3568a8", "wave2": "#c08a2b", "bend": "#3f8f5f"}


def events(path: Path) -> None:
    """Real scores, the two limits, and what becomes of them."""
    recognizer, detector = edgevtn.Recognizer(threads=1, smoothing=SMOOTHING), edgevtn.EventDetector()
    predictions, found = [], {}
    with edgevtn.frames(CLIP) as source:
        for prediction in recognizer.stream(source):
            if prediction.timestamp > LAST:
                break
            predictions.append(prediction)
            found |= {event.id: event for event in detector.update(prediction)}
    found |= {event.id: event for event in detector.finish()}
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    times = [prediction.timestamp for prediction in predictions]
    for label, color in COLORS.items():
        index = predictions[0].labels.index(label)
        upper.plot(times, [prediction.probabilities[index] for prediction in predictions], color=color, label=label)
    for height, text in ((ENTER, "enter"), (LEAVE, "leave")):
        upper.axhline(height, color="#777777", linewidth=0.8, linestyle="--")
        upper.text(LAST + 0.05, height, f"{text} {height}", va="center", color="#555555", fontsize=9)
    upper.set_ylabel("probability")
    upper.set_ylim(0, 1)
    upper.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize=9, ncols=3, frameon=False)
    for event in found.values():
        end = LAST if event.end is None else event.end
        lower.barh(0, end - event.start, left=event.start, height=0.8, color=COLORS[event.label])
        lower.text((event.start + end) / 2, 0, event.label, ha="center", va="center", color="white", fontsize=9)
    lower.set_yticks([0], ["events"])
    lower.set_xlabel("seconds")
    lower.set_xlim(FIRST, LAST)
    for axes in (upper, lower):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)


def window(path: Path) -> None:
    """Two windows in a row: all rows of the second but one are those of the first."""
    recognizer = edgevtn.Recognizer(threads=1)
    length, step = recognizer.model.head.window_len, 1 / recognizer.model.frame_rate
    wanted = 1.0 + step * np.arange(length + 1)
    frames = []
    with edgevtn.frames(CLIP) as source:
        for timestamp, frame in source:
            if len(frames) < len(wanted) and timestamp >= wanted[len(frames)] - 1e-6:
                side = min(frame.shape[:2])
                left = (frame.shape[1] - side) // 2
                frames.append(frame[::2, left : left + side : 2, ::-1])
    figure = Figure(figsize=(8, 3.9), layout="constrained")
    axes: Axes = figure.add_subplot()
    for n, frame in enumerate(frames):
        axes.imshow(frame, extent=(n + 0.05, n + 0.95, 3.0, 3.9), aspect="auto")
        fresh = n == length
        axes.annotate("", (n + 0.5, 2.55), (n + 0.5, 2.97), arrowprops={"arrowstyle": "->", "color": "#444444"})
        color = "#3f8f5f" if fresh else "#dfe8f3"
        axes.add_patch(Rectangle((n + 0.2, 1.95), 0.6, 0.55, facecolor=color, edgecolor="#444444", linewidth=0.8))
    for row, first, text, color in ((1.45, 0, "one window", "#3568a8"), (0.75, 1, "the next window", "#c08a2b")):
        axes.annotate(
            "", (first + 0.1, row), (first + length - 0.1, row), arrowprops={"arrowstyle": "|-|", "color": color}
        )
        axes.text(first + length / 2, row + 0.12, text, ha="center", color=color)
    axes.text(length + 0.5, 1.75, "encoded now", ha="center", color="#3f8f5f", fontsize=9)
    axes.text(-0.1, 3.45, f"frames,\n{1 / step:g} a second", ha="right", va="center", fontsize=9)
    axes.text(-0.1, 2.2, "features", ha="right", va="center", fontsize=9)
    axes.text(
        0,
        0.25,
        f"{length - 1} of {length} rows are reused: one frame is encoded for a window, not {length}",
        fontsize=10,
    )
    axes.set_xlim(-1.1, length + 1.2)
    axes.set_ylim(0, 4)
    axes.axis("off")
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where events.png and window.png are written")
    folder = parser.parse_args().folder
    events(folder / "events.png")
    window(folder / "window.png")
