"""What a person sees: the label on the frame, and the timeline as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from edgevtn.arrays import Frame
from edgevtn.files import write_whole
from edgevtn.prediction import Event, Prediction
from edgevtn.region import WHOLE, Scene

Color = tuple[int, int, int]

INK, PAPER, DARK, GREY, BLACK = (255, 255, 255), (40, 32, 24), (70, 62, 54), (150, 150, 150), (0, 0, 0)
#: BGR; neighbours differ in lightness as well as in hue, so that they differ without colour vision too.
PALETTE: tuple[Color, ...] = (
    (178, 114, 0), (0, 159, 230), (115, 158, 0), (167, 121, 204), (66, 228, 240), (0, 94, 213), (233, 180, 86),
)  # fmt: skip
FONT = cv2.FONT_HERSHEY_SIMPLEX
#: Shares of blue, green and red in the luminance of ITU-R BT.601.
LUMINANCE = (0.114, 0.587, 0.299)
#: Pixels of the font's capitals at scale 1.
CAPITAL = 21
#: How many labels have a bar, and how many seconds of the past are shown: both at a glance.
BARS, SPAN = 3, 10.0
#: Narrower frames are enlarged before text is put on them.
NARROWEST = 480
#: Enlarged frames are no taller than this, 8K's height; what is still too slim for a letter gets a margin at its right.
TALLEST, SLIMMEST = 4320, 160
#: BGR of the edges of what a model sees.
SEEN = PALETTE[1]


def whose(prediction: Prediction) -> str:
    """What tells a prediction from the others of its moment: its model, after its region if it has one."""
    return f"{prediction.region}: {prediction.model}" if prediction.region else prediction.model


def caption(latest: Mapping[str, Prediction]) -> tuple[str, float | None]:
    """Text and score of the latest predictions, by `whose`: of one its label, of several each with that before it."""
    if not latest:
        return "...", None
    if len(latest) == 1:
        (prediction,) = latest.values()
        return prediction.label, prediction.score
    return "  ".join(f"{name}: {prediction.label}" for name, prediction in latest.items()), None


def outline(picture: Frame, scene: Scene) -> None:
    """Draw on a picture what is recognised: each region with its name, and the square of it that a model sees."""
    H, W = picture.shape[:2]
    width = max(1, min(H, W) // 200)
    for name, box in scene.boxes(H, W).items():
        if name:
            cv2.rectangle(picture, box[:2], (box.right - 1, box.bottom - 1), INK, max(1, width // 2))
        left, top, right, bottom = box.square
        if (left, top, right, bottom) != (0, 0, W, H):  # all of the picture needs no frame
            cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), SEEN, width)
        if name:
            height = max(8.0, min(H, W) / 45)
            (wide, _), below = cv2.getTextSize(_ascii(name), FONT, height / CAPITAL, max(1, round(height / 9)))
            corner = round(box.left + wide + height), round(box.top + 2 * height + below / 2)
            cv2.rectangle(picture, box[:2], corner, PAPER, -1)
            write(picture, name, (round(box.left + height / 2), round(box.top + 1.6 * height)), height, INK)


def shrunk(frame: Frame, longest: int) -> Frame:
    """A copy whose longer side has at most so many pixels; never enlarged."""
    H, W = frame.shape[:2]
    scale = min(1.0, longest / max(H, W))
    size = max(1, round(W * scale)), max(1, round(H * scale))
    return cast(Frame, cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if scale < 1 else frame.copy())


def annotate(
    frame: Frame,
    label: str,
    score: float | None,
    timestamp: float,
    scene: Scene = WHOLE,
    *,
    top: Sequence[tuple[str, float]] | None = None,
    past: Sequence[Event] | None = None,
    colors: Mapping[str, Color] | None = None,
) -> Frame:
    """Return a copy, enlarged if it is small, with what is seen outlined, and a band below it.

    All sizes go by the picture's, so text is as readable on 4K as on a small picture, once it is shown on a screen.

    Parameters
    ----------
    frame : uint8 (H, W, 3)
        BGR.
    label : str
    score : float, optional
        0 to 1; None draws the label grey, as something that is not sure.
    timestamp : float
        Seconds.
    scene : Scene
        What of the picture is recognised.
    top : sequence of (str, float), optional
        The most probable labels, a bar each, at most `BARS`; None: no room is left for bars.
    past : sequence of Event, optional
        Drawn over the last `SPAN` seconds; None: no room is left for them.
    colors : mapping of str to Color, optional
        A label without one has the first of the palette.

    Returns
    -------
    uint8 (H', W', 3)
        H' and W' depend on H, W, and which of `top` and `past` are None, alone.
    """
    H, W = frame.shape[:2]
    factor = max(1, min(round(NARROWEST / W), TALLEST // H))
    if factor > 1:
        frame = cast(Frame, cv2.resize(frame, (W * factor, H * factor), interpolation=cv2.INTER_LINEAR))
    if W * factor < SLIMMEST:
        margin = SLIMMEST - W * factor
        frame = cast(Frame, cv2.copyMakeBorder(frame, 0, 0, 0, margin, cv2.BORDER_CONSTANT))
    (H, W), unit = frame.shape[:2], letter_height(frame)
    color = dict(colors or {})
    rows = [_headline(W, unit, label, score, timestamp, color.get(label, PALETTE[0]))]
    if top is not None:
        rows.append(_bars(W, unit, top, color))
    if past is not None:
        rows.append(_past(W, unit, past, timestamp, color))
    picture = np.vstack([frame, *rows])
    outline(picture[:H], scene)
    return picture


def letter_height(picture: Frame) -> int:
    """Height of the label's capitals, pixels: a thirtieth of a square as large as the picture, as wide as fits."""
    H, W = map(int, picture.shape[:2])
    return max(12, round(min(math.sqrt(H * W) / 30, W / 24)))


def write(
    picture: Frame, text: str, place: tuple[int, int], height: float, color: Color, widest: float = math.inf
) -> int:
    """Write text, its baseline's left end at (x, y), capitals `height` pixels high, smaller if it is wider than
    `widest` pixels; returns its width.
    """
    text, scale = _ascii(text), height / CAPITAL
    thickness = max(1, round(height / 9))
    (width, _), _ = cv2.getTextSize(text, FONT, scale, thickness)
    if width > widest:
        return write(picture, text, place, height * widest / width * 0.98, color)
    cv2.putText(picture, text, place, FONT, scale, color, thickness, cv2.LINE_AA)
    return int(width)


def _headline(W: int, unit: int, label: str, score: float | None, timestamp: float, color: Color) -> Frame:
    """The label, its score and the time."""
    row = np.full((round(2.2 * unit), W, 3), PAPER, np.uint8)
    baseline, side = round(1.6 * unit), round(0.6 * unit)
    if score is not None:
        cv2.rectangle(row, (0, 0), (side // 2, row.shape[0]), color, -1)
    widest = W - 9.5 * unit
    width = write(row, label, (side, baseline), unit, INK if score is not None else GREY, widest)
    if score is not None:
        write(row, f"{score:.0%}", (2 * side + width, baseline), 0.8 * unit, GREY, 3.5 * unit)
    time = f"{timestamp:.1f} s"
    (width, _), _ = cv2.getTextSize(time, FONT, 0.7 * unit / CAPITAL, max(1, round(unit / 13)))
    write(row, time, (W - side - width, baseline), 0.7 * unit, GREY, 5 * unit)
    return row


def _bars(W: int, unit: int, top: Sequence[tuple[str, float]], colors: Mapping[str, Color]) -> Frame:
    """The most probable labels, one below another."""
    line, side = round(1.3 * unit), round(0.6 * unit)
    row = np.full((BARS * line + side // 2, W, 3), PAPER, np.uint8)
    left, right = min(round(9 * unit), W // 3), W - round(3.6 * unit)
    for n, (label, score) in enumerate(top[:BARS]):
        baseline = n * line + unit
        write(row, label, (side, baseline), 0.65 * unit, INK, left - 2 * side)
        cv2.rectangle(row, (left, n * line + round(0.3 * unit)), (right, baseline), DARK, -1)
        end = left + round((right - left) * score)
        cv2.rectangle(row, (left, n * line + round(0.3 * unit)), (end, baseline), colors.get(label, PALETTE[0]), -1)
        write(row, f"{score:.0%}", (right + side, baseline), 0.65 * unit, INK, 2.8 * unit)
    return row


def _past(W: int, unit: int, past: Sequence[Event], now: float, colors: Mapping[str, Color]) -> Frame:
    """The events of the last seconds; the right end is now."""
    row = np.full((round(1.6 * unit), W, 3), DARK, np.uint8)
    scale = W / SPAN
    for event in past:
        begin = max(0, round(W - (now - event.start) * scale))
        end = min(W, round(W - (now - (now if event.end is None else event.end)) * scale))
        if end <= begin:
            continue
        color = colors.get(event.label, PALETTE[0])
        row[:, begin : max(begin + 1, end - max(1, unit // 8))] = color
        if end - begin > 2 * unit:
            ink = BLACK if np.dot(color, LUMINANCE) > 110 else INK
            write(row, event.label, (begin + unit // 3, round(1.1 * unit)), 0.65 * unit, ink, end - begin - unit)
    return row


def timeline_picture(events: Sequence[Event], shots: Sequence[Frame], duration: float) -> Frame:
    """One shot of every event that has ended in a row, and below it a bar with the events over time."""
    width, margin = 220, 14
    labels = list(dict.fromkeys(event.label for event in events))
    color = {label: PALETTE[n % len(PALETTE)] for n, label in enumerate(labels)}
    columns = max(3, len(shots))
    canvas = np.full((width + 120, margin + columns * (width + margin), 3), PAPER, np.uint8)
    for n, (event, shot) in enumerate(zip(events, shots, strict=True)):
        side = min(shot.shape[:2])
        top, left = (shot.shape[0] - side) // 2, (shot.shape[1] - side) // 2
        square = cv2.resize(shot[top : top + side, left : left + side], (width, width), interpolation=cv2.INTER_AREA)
        x = margin + n * (width + margin)
        canvas[margin : margin + width, x : x + width] = square
        cv2.rectangle(canvas, (x, margin), (x + width - 1, margin + width - 1), color[event.label], 3)
        text = f"{_ascii(event.label)} {event.score:.0%}"
        cv2.putText(canvas, text, (x, margin + width + 24), FONT, 0.6, INK, 1, cv2.LINE_AA)
    bar = canvas[-62:-34, margin:-margin]
    bar[...] = GREY
    scale = bar.shape[1] / max(duration, 1e-6)
    for event in events:
        assert event.end is not None
        begin, end = round(event.start * scale), round(event.end * scale)
        cv2.rectangle(bar, (begin, 0), (max(begin + 1, end - 2), bar.shape[0]), color[event.label], -1)
        cv2.putText(bar, _ascii(event.label), (begin + 4, 19), FONT, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    for n in range(int(duration // 5) + 1):
        x = margin + round(5 * n * scale)
        cv2.putText(canvas, f"{5 * n} s", (x, canvas.shape[0] - 12), FONT, 0.45, GREY, 1, cv2.LINE_AA)
    return canvas


def write_png(file: Path, picture: Frame) -> None:
    """Write a picture."""
    ok, encoded = cv2.imencode(".png", picture)
    assert ok
    write_whole(file, encoded.tobytes())


def _ascii(text: str) -> str:
    """OpenCV's font has ASCII only."""
    return text.encode("ascii", "replace").decode()
