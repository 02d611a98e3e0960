"""`edgevtn demo`: the bundled model on the bundled clip, which is drawn."""

from __future__ import annotations

import csv
from pathlib import Path

from edgevtn.cli.run import timeline_line
from edgevtn.errors import OutputError
from edgevtn.events import EventDetector
from edgevtn.recognizer import Recognizer
from edgevtn.sinks.overlay import VideoWriter, annotate, timeline_picture, write_png
from edgevtn.sources.open import FALLBACK_FRAME_RATE, Frame, frames
from edgevtn.watching import SMOOTHING

CLIP = Path(__file__).parents[1] / "data" / "demo.mp4"
TRUTH = CLIP.with_suffix(".csv")


def ground_truth() -> list[tuple[float, float, str]]:
    """What the figure in the clip does: start, end (seconds), label."""
    with TRUTH.open(newline="", encoding="utf-8") as lines:
        return [(float(row["start"]), float(row["end"]), row["label"]) for row in csv.DictReader(lines)]


def demo(output: Path, bundle: str | None, threads: int | None) -> None:
    """Print the clip's timeline; write demo.mp4 and demo.png into `output`."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{output}: cannot be made a folder ({error}); choose another with --output") from error
    print("The clip is drawn by code: a jointed figure walks, waves, bends, does jumping jacks and runs.")
    recognizer = Recognizer(bundle, threads=threads, start="repeat", smoothing=SMOOTHING)
    detector = EventDetector()
    events, latest, timestamp = [], None, 0.0
    with frames(CLIP) as source, VideoWriter(output / "demo.mp4", FALLBACK_FRAME_RATE) as video:
        for timestamp, frame in source:
            prediction = recognizer(frame, timestamp)
            if prediction is not None:
                latest = prediction
                events.append(detector.update(prediction))
            assert latest is not None  # start="repeat" answers from the first frame on
            video.write(annotate(frame, latest.label, latest.score, timestamp), timestamp)
        events.append(detector.finish())
    timeline = [event for event in events if event is not None]
    print("\nrecognised")
    for event in timeline:
        print(timeline_line(event))
    print("\ndrawn")
    for start, end, label in ground_truth():
        print(f"{start:7.2f} - {end:6.2f} s  {label}")
    shots = _frames_at([(event.start + event.end) / 2 for event in timeline])
    write_png(output / "demo.png", timeline_picture(timeline, shots, timestamp))
    print(f"\nwrote {output / 'demo.mp4'} and {output / 'demo.png'}")


def _frames_at(moments: list[float]) -> list[Frame]:
    """The clip's frames at ascending times, seconds; read again, because to keep them all takes 76 MB."""
    shots: list[Frame] = []
    with frames(CLIP) as source:
        for timestamp, frame in source:
            while len(shots) < len(moments) and timestamp >= moments[len(shots)]:
                shots.append(frame)
    return shots
