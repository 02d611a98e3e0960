"""`edgevtn run`: a source in, text, a video or a window out."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from edgevtn.events import EventDetector
from edgevtn.prediction import Event, Prediction
from edgevtn.recognizer import Recognizer
from edgevtn.sinks.overlay import VideoWriter, annotate
from edgevtn.sinks.window import Window
from edgevtn.sources.open import FALLBACK_FRAME_RATE, frames

#: Labels in a JSON line's "top".
TOP = 3


class Printer:
    """Writes predictions as JSON lines, or as text: one live line on a terminal, and a line for each event."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._live = not as_json and sys.stdout.isatty()
        self._events = 0

    def prediction(self, prediction: Prediction) -> None:
        """One prediction."""
        if self._json:
            top = [[label, round(score, 4)] for label, score in prediction.top(TOP)]
            record = {
                "t": round(prediction.timestamp, 3),
                "label": prediction.label,
                "score": round(prediction.score, 4),
                "top": top,
            }
            print(json.dumps(record), flush=True)
        elif self._live:
            text = f"{prediction.timestamp:8.2f} s  {prediction.label}  {prediction.score:.0%}"
            print(f"\r\033[K{text}", end="", flush=True)

    def event(self, event: Event | None) -> None:
        """An event that has ended, if one has."""
        if event is None:
            return
        self._events += 1
        if not self._json:
            if self._live:
                print("\r\033[K", end="")
            print(timeline_line(event), flush=True)

    def close(self) -> None:
        """The end: leave the live line; say so if there was nothing to say."""
        if self._live:
            print("\r\033[K", end="", flush=True)
        if not self._json and not self._events:
            print("no action was recognised")


def timeline_line(event: Event) -> str:
    """One event as a line of a timeline."""
    return f"{event.start:7.2f} - {event.end:6.2f} s  {event.label:16} {event.score:4.0%}"


def run(
    source: str,
    bundle: str | None,
    recognizer_options: dict[str, Any],
    printer: Printer,
    *,
    frame_rate: float | None = None,
    seconds: float | None = None,
    save: str | Path | None = None,
    show: bool = False,
) -> None:
    """Recognise a source until it ends, `seconds` have passed in it, or the window is closed.

    The source is opened first: a wrong name is told at once, not after the kernels have loaded.
    """
    with contextlib.ExitStack() as stack:
        window = stack.enter_context(Window("edgevtn")) if show else None
        opened = stack.enter_context(frames(source, frame_rate=frame_rate))
        recognizer = Recognizer(bundle, **recognizer_options)
        writer = None if save is None else stack.enter_context(VideoWriter(save, FALLBACK_FRAME_RATE))
        stack.callback(printer.close)
        detector = EventDetector()
        latest: Prediction | None = None
        try:
            for timestamp, frame in opened:
                if seconds is not None and timestamp >= seconds:
                    break
                prediction = recognizer(frame, timestamp)
                if prediction is not None:
                    latest = prediction
                    printer.prediction(prediction)
                    printer.event(detector.update(prediction))
                if writer is None and window is None:
                    continue
                label, score = ("...", None) if latest is None else (latest.label, latest.score)
                picture = annotate(frame, label, score, timestamp)
                if writer is not None:
                    writer.write(picture, timestamp)
                if window is not None and not window.show(picture):
                    break
        finally:  # what was going on when it was stopped has happened, too
            printer.event(detector.finish())
