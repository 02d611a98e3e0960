"""What a person sees: the label on the frame, and the timeline as a picture."""

from __future__ import annotations

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

INK, PAPER, GREY = (255, 255, 255), (40, 32, 24), (150, 150, 150)
#: BGR; neighbours differ in lightness as well as in hue, so that they differ without colour vision too.
PALETTE: tuple[Color, ...] = (
    (178, 114, 0), (0, 159, 230), (115, 158, 0), (167, 121, 204), (66, 228, 240), (0, 94, 213), (233, 180, 86),
)  # fmt: skip
FONT = cv2.FONT_HERSHEY_SIMPLEX
#: Narrower frames are enlarged before text is put on them.
NARROWEST = 480
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
            cv2.rectangle(picture, box[:2], (box.right - 1, box.bottom - 1), INK, 1)
        left, top, right, bottom = box.square
        if (left, top, right, bottom) != (0, 0, W, H):  # all of the picture needs no frame
            cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), SEEN, width)
        if name:
            size = max(0.4, min(H, W) / 900)
            (wide, high), below = cv2.getTextSize(_ascii(name), FONT, size, 1)
            corner = box.left + wide + 8, box.top + high + below + 6
            cv2.rectangle(picture, box[:2], corner, PAPER, -1)
            cv2.putText(picture, _ascii(name), (box.left + 4, box.top + high + 3), FONT, size, INK, 1, cv2.LINE_AA)


def annotate(frame: Frame, label: str, score: float | None, timestamp: float, scene: Scene = WHOLE) -> Frame:
    """Return an enlarged copy with what is seen outlined, and a strip below it: label, score and time."""
    H, W = frame.shape[:2]
    factor = max(1, round(NARROWEST / W))
    picture = cast(Frame, cv2.resize(frame, (W * factor, H * factor), interpolation=cv2.INTER_LINEAR))
    outline(picture, scene)
    strip = np.full((40, picture.shape[1], 3), PAPER, np.uint8)
    cv2.putText(strip, _ascii(label), (12, 27), FONT, 0.8, INK if score is not None else GREY, 2, cv2.LINE_AA)
    if score is not None:
        cv2.rectangle(strip, (0, 36), (round(strip.shape[1] * score), 40), PALETTE[0], -1)
        text = f"{score:.0%}"
        cv2.putText(strip, text, (strip.shape[1] - 150, 27), FONT, 0.6, INK, 1, cv2.LINE_AA)
    cv2.putText(strip, f"{timestamp:6.1f} s", (strip.shape[1] - 88, 27), FONT, 0.5, GREY, 1, cv2.LINE_AA)
    return np.vstack([picture, strip])


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
