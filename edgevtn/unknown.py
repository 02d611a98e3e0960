"""Why all is "unknown": what was measured on the way, and what to do about it.

The limits were chosen by `scripts/unknown_limits.py`, on the bundled model's own training clips, made darker, smaller
and moved aside: each lies where half of what was recognised is lost, or beyond what any of those clips shows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from edgevtn.arrays import Frame
from edgevtn.errors import one_line
from edgevtn.prediction import UNKNOWN, Event, Prediction
from edgevtn.region import WHOLE, Box, Scene

#: The share of predictions that are "unknown" from which on a reason is given, and the fewest that say anything.
NEARLY_ALL, FEWEST = 0.95, 4
#: Seconds of nothing but "unknown" after which a live source is told of.
PATIENCE = 20.0
#: The first so many frames are measured, then two neighbours of every `EVERY`: a file may be short, a camera is not.
DENSE, EVERY = 8, 16
#: Samples along the shorter side of what is looked at, and how many measurements are kept.
SAMPLES, KEPT = 48, 256
#: A sample moves if it changes by so many grey levels, and by so many times the median change: what is still changes by
#: the noise, whose median is 0.67 deviations.
MOVES, NOISES = 8, 6.0
#: Grey levels of 255: the mean below which the picture is dark. Half is lost at 9 to 10.
DARK = 10.0
#: The share of samples that change, below which nothing moves in a frame: 1 % of the frames of the clips with the least
#: movement have fewer. And the share of frames with movement: half of what the stillest clip has.
MOVING, OFTEN = 0.002, 0.4
#: The height of what moves over that of the square, below which it is small. Half is lost at 0.37; an arm that waves,
#: of a person who is seen well, has 0.2.
SMALL = 0.3
#: The share of what moves that lies inside of the square, below which it is outside. Half is lost at 0.54.
INSIDE = 0.5
#: Two lines, as a terminal breaks a long one within a word.
NEXT = (
    "next: record takes of your actions here (edgevtn record), and learn them (edgevtn teach)",
    "or: edgevtn fetch action-recognition-0001 -o k400, which knows 400 everyday actions",
)


@dataclass(frozen=True)
class Reason:
    """Why a model may have said "unknown".

    Attributes
    ----------
    name : str
        "dark", "still", "outside", "small", "unlike" or "other".
    value : float, optional
        What was measured: grey levels of 255, the share of frames in which something moves, the share of movement
        inside the square, the movement's height over the square's, or the median of `Prediction.novelty`.
    text : str
        A sentence for people.
    """

    name: str
    value: float | None
    text: str


@dataclass
class _Seen:
    """What one model said of one picture, and what that picture was like."""

    predictions: int = 0
    unknown: int = 0
    began: float | None = None  # the first of an unbroken row of "unknown", seconds
    told: bool = False
    labels: tuple[str, ...] = ()
    novelty: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))


class Picture:
    """How light a picture is, and where something moves in it; cheap: it looks at some thousand samples.

    Attributes
    ----------
    light : sequence of float
        The mean of each frame's samples, 0 to 255.
    moving : sequence of bool
        Whether something moves, for each frame but the first.
    heights, inside : sequence of float
        For each frame in which something moves: its height over the square's, and which share of it is inside.
    """

    def __init__(self) -> None:
        self.light: deque[float] = deque(maxlen=KEPT)
        self.moving: deque[bool] = deque(maxlen=KEPT)
        self.heights: deque[float] = deque(maxlen=KEPT)
        self.inside: deque[float] = deque(maxlen=KEPT)
        self._before: np.ndarray | None = None

    def take(self, frame: Frame) -> None:
        """Measure a frame, or a region of one, uint8 (H, W, 3) BGR."""
        H, W = frame.shape[:2]
        step = max(1, min(H, W) // SAMPLES)
        samples = np.ascontiguousarray(frame[::step, ::step, 1])  # green, which is most of what is light
        self.light.append(cv2.mean(samples)[0])
        before, self._before = self._before, samples
        if before is None or before.shape != samples.shape:
            return
        changes = cv2.absdiff(samples, before)
        some = changes[::3, ::3].ravel()
        changed = changes >= max(MOVES, NOISES * int(np.partition(some, len(some) // 2)[len(some) // 2]))
        count = int(np.count_nonzero(changed))
        self.moving.append(count >= MOVING * changed.size)
        if not self.moving[-1]:
            return
        square = Box(0, 0, changed.shape[1], changed.shape[0]).square
        self.inside.append(np.count_nonzero(square.cut(changed)) / count)  # type: ignore[arg-type]
        self.heights.append(_extent(np.count_nonzero(changed, axis=1)) / (square.bottom - square.top))

    def forget(self) -> None:
        """The next frame is not the one after the last: nothing is to be compared with that."""
        self._before = None

    def reasons(self) -> list[Reason]:
        """What of it may hinder a model. In the dark nothing else can be told, nor where nothing moves."""
        light = _median(self.light)
        if self.light and light < DARK:
            text = f"the picture is dark: its mean is {light:.0f} of 255; give it light"
            return [Reason("dark", round(light, 1), text)]
        often = float(np.mean(self.moving)) if self.moving else 0.0
        if self.moving and often < OFTEN:
            return [Reason("still", round(often, 3), f"nothing moves in {1 - often:.0%} of the picture's frames")]
        found = []
        inside, height = _median(self.inside), _median(self.heights)
        if self.inside and inside < INSIDE:
            text = f"{1 - inside:.0%} of what moves is outside of the square that the model sees, which --save draws; "
            found.append(Reason("outside", round(inside, 3), text + "turn the camera, or give that part as --region"))
        if self.heights and height < SMALL:
            text = (
                f"what moves is {height:.0%} as high as the square that the model sees; if that is a whole person, go "
            )
            found.append(Reason("small", round(height, 3), text + "nearer, or cut it out with --region"))
        return found


class Unknown:
    """A sink that says why, where a model says nothing but "unknown": of a file at its end, of a camera once.

    Parameters
    ----------
    tell : callable
        Called with each line for people.
    record : callable, optional
        Called with the same as an object for JSON: ``{"unknown": {...}}``, see docs/outputs.md.
    live : bool
        Whether it is told after `PATIENCE` seconds of nothing else, not at the end.
    """

    def __init__(
        self, tell: Callable[[str], object], record: Callable[[dict[str, object]], object] | None = None,
        live: bool = False,
    ) -> None:  # fmt: skip
        self._tell, self._record, self._live = tell, record, live
        self._seen: dict[tuple[str, str, str], _Seen] = {}  # by source, region and model
        self._pictures: dict[tuple[str, str], Picture] = {}  # by source and region
        self._due: set[str] = set()  # sources of which a model knew nothing since their last frame
        self._counts: dict[str, int] = {}  # of frames that were due, by source
        self._acted: set[tuple[str, str, str]] = set()  # who had an event

    def prediction(self, prediction: Prediction) -> None:
        """Count it."""
        key = prediction.source, prediction.region, prediction.model
        seen = self._seen.setdefault(key, _Seen(labels=prediction.labels))
        seen.predictions += 1
        if prediction.novelty is not None:
            seen.novelty.append(prediction.novelty)
        if prediction.label != UNKNOWN:
            seen.began = None
            if self._live:  # it is told of the row alone
                seen.predictions = seen.unknown = 0
            return
        self._due.add(prediction.source)
        seen.unknown += 1
        seen.began = prediction.timestamp if seen.began is None else seen.began
        acted = key in self._acted  # the model knows what is done here: now nobody does it
        if self._live and not seen.told and not acted and prediction.timestamp - seen.began >= PATIENCE:
            self._explain(key)

    def event(self, event: Event) -> None:
        """An action was recognised after all."""
        self._acted.add((event.source, event.region, event.model))

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Measure it, if a model has just seen it and knows nothing."""
        if scene.source not in self._due:
            return
        self._due.discard(scene.source)
        count = self._counts[scene.source] = self._counts.get(scene.source, 0) + 1
        if count > DENSE and count % EVERY > 1:
            return
        for region, box in scene.boxes(*frame.shape[:2]).items():
            picture = self._pictures.setdefault((scene.source, region), Picture())
            if count > DENSE and count % EVERY == 0:
                picture.forget()
            picture.take(box.cut(frame))

    def close(self) -> None:
        """Say why, of what has ended."""
        for key, seen in self._seen.items():
            enough = seen.predictions >= FEWEST and seen.unknown >= NEARLY_ALL * seen.predictions
            if not self._live and enough and key not in self._acted:
                self._explain(key)

    def _explain(self, key: tuple[str, str, str]) -> None:
        source, region, model = key
        seen, picture = self._seen[key], self._pictures.get(key[:2])
        seen.told = True
        found = why(seen.labels, seen.novelty, picture)
        whose = ": ".join(one_line(name) for name in (source, region, model) if name)
        share = seen.unknown / seen.predictions
        self._tell(f'{whose}: {share:.0%} of {seen.predictions} predictions are "unknown", which may be why:')
        for line in (*(reason.text for reason in found), *NEXT):
            self._tell(line)
        if self._record is not None:
            reasons = [{"reason": reason.name, "value": reason.value, "text": reason.text} for reason in found]
            place = {name: text for name, text in (("source", source), ("region", region)) if text}
            self._record({"unknown": {**place, "model": model, "share": round(share, 4), "reasons": reasons}})


def why(labels: Sequence[str], novelty: Sequence[float], picture: Picture | None) -> list[Reason]:
    """The reasons that were measured; that it may be none of the actions, if there is none.

    Parameters
    ----------
    labels : sequence of str
        The model's.
    novelty : sequence of float
        `Prediction.novelty` of some predictions.
    picture : Picture, optional
        What was measured of their frames.
    """
    found = picture.reasons() if picture is not None else []
    unlike = _median(novelty)
    if unlike > 1 and not any(reason.name == "dark" for reason in found):
        text = f"the scene is unlike what the model has learned: {unlike:.1f} times as far from it as 99 % of that is"
        found.append(Reason("unlike", round(unlike, 2), text))
    if not found:
        known = ", ".join(one_line(label) for label in labels if label != UNKNOWN)
        found.append(Reason("other", None, f"nothing that is measured; it may be none of {known}"))
    return found


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if len(values) else 0.0


def _extent(counts: np.ndarray) -> float:
    """How many of the rows have nine tenths of what was counted in them, the outermost twentieths left out."""
    shares = np.cumsum(counts) / counts.sum()
    return float(np.searchsorted(shares, 0.95) - np.searchsorted(shares, 0.05) + 1)
