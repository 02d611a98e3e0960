"""What `edgevtn demo` shows of a clip: its timeline, an annotated video, a picture, and the clip as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

from edgevtn.arrays import Frame
from edgevtn.drawing import timeline_picture, write_png
from edgevtn.files import replacing
from edgevtn.prediction import Event
from edgevtn.recognizer import Recognizer
from edgevtn.sinks import Video
from edgevtn.sources import frames
from edgevtn.watching import watch


def shown(clip: Path, place: Path, recognizer: Recognizer) -> tuple[list[Event], list[Path]]:
    """Recognise a clip, and write ``PLACE.mp4``, annotated, ``PLACE-clean.mp4``, as it was, and ``PLACE.png``."""
    video, clean, picture = (place.with_name(f"{place.name}{end}") for end in (".mp4", "-clean.mp4", ".png"))
    clock = Clock()
    timeline = [event for event in watch(clip, sinks=[clock, Video(video)], recognizer=recognizer) if event.end]
    with replacing(clean) as part:
        shutil.copyfile(clip, part)
    shots = frames_at(clip, [(event.start + (event.end or 0.0)) / 2 for event in timeline])
    write_png(picture, timeline_picture(timeline, shots, clock.now))
    return timeline, [video, clean, picture]


class Clock:
    """A sink that knows the time of the last frame, seconds."""

    now = 0.0

    def frame(self, frame: object, timestamp: float) -> None:
        self.now = timestamp


def frames_at(clip: Path, moments: list[float]) -> list[Frame]:
    """A clip's frames at ascending times, seconds; read again, because to keep them all takes 76 MB."""
    shots: list[Frame] = []
    with frames(clip) as source:
        for timestamp, frame in source:
            while len(shots) < len(moments) and timestamp >= moments[len(shots)]:
                shots.append(frame)
    return shots
