"""Names that people look for in `edgevtn` because other libraries have them, and what does that here."""

from __future__ import annotations

MODELS = "edgevtn fetch lists the published models; the bundled one is edgevtn.Recognizer().model"
MODEL = 'edgevtn.Recognizer("mine") takes a bundle\'s folder, and edgevtn.Recognizer() the bundled model'
STREAM = 'edgevtn.watch("clip.mp4") yields events, edgevtn.Recognizer().stream("clip.mp4") predictions'
DETECTOR = "edgevtn.EventDetector().update(prediction) gives the events that begin and end"
DRAWING = "edgevtn.sinks.annotate(frame, prediction) draws on a copy"
SOURCE = 'edgevtn.frames("clip.mp4") opens a file, a camera or an address; edgevtn.sources.Camera has more to choose'
#: By the name without its underscores, in small letters.
GUESSES = {
    **dict.fromkeys(("listmodels", "models", "modelzoo", "availablemodels"), MODELS),
    **dict.fromkeys(("load", "loadmodel", "model", "pipeline", "create", "recogniser"), MODEL),
    **dict.fromkeys(("run", "stream", "predict", "recognise", "detect", "infer"), STREAM),
    **dict.fromkeys(("detector", "eventsdetector"), DETECTOR),
    **dict.fromkeys(("annotate", "draw", "plot", "visualize", "overlay", "show"), DRAWING),
    **dict.fromkeys(("camera", "videosource", "open", "opensource", "capture", "videocapture", "video"), SOURCE),
    "train": "the command edgevtn train, or edgevtn.teach(folder) for a few clips",
    "evaluate": "edgevtn.datasets.evaluate, or the command edgevtn eval",
}


def answer(name: str) -> str:
    """What is to be called instead of `edgevtn.NAME`, as the end of a sentence; "" where nobody knows."""
    found = GUESSES.get(name.replace("_", "").lower())
    return f"; {found}" if found else ""
