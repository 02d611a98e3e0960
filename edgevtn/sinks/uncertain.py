"""Clips of moments at which a model hesitated, to be labelled and taught. Needs the extra ``edgevtn[video]``."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgevtn.arrays import Frame
from edgevtn.defaults import ENTER
from edgevtn.errors import require
from edgevtn.prediction import NOTHING, Prediction
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink
from edgevtn.sinks.clip_folder import ClipFolder
from edgevtn.sinks.origin import Origin
from edgevtn.sinks.ring import Clip, Ring, Rings, av_errors, telling_trouble
from edgevtn.sinks.trouble import Trouble

#: Probability below which the best label is doubtful: no event begins there. The second is close if it is less than
#: this below the best.
LOW, CLOSE = ENTER, 0.2
#: Seconds for which a model has to hesitate: every change of actions is a moment of doubt.
LASTING = 1.0
#: Seconds without a prediction after which doubt begins anew.
GAP = 1.0
#: Seconds that are kept before the window of the first doubtful prediction, and after the last.
MARGIN = 0.5
#: Seconds of a clip; whoever labels it wants one action in it.
LONGEST = 10.0
#: Seconds from one clip to the next of the same view: a model without "nothing" may hesitate about an empty room for
#: hours, and that must not push everything else out.
PAUSE = 30.0
#: Clips, and bytes of them, that are kept; an hour of labelling, and no burden for a card. The oldest are removed.
MOST_CLIPS, MOST_BYTES = 200, 500_000_000


@dataclass
class _Doubt:
    """What there is to know of one model in one view."""

    since: float = 0.0  # timestamp of the first doubtful prediction in a row, seconds
    start: float = 0.0  # and of its window's first frame
    last: float = -np.inf  # timestamp of the last doubtful prediction
    next: float = -np.inf  # before this no clip begins
    clip: Clip | None = None


def hesitates(prediction: Prediction) -> bool:
    """Whether the best probability is low or the second is close to it; never where nothing happens."""
    (best, first), *rest = prediction.top(2)
    return best != NOTHING and (first < LOW or any(first - second < CLOSE for _, second in rest))


class Uncertain(Sink):
    """Writes an .mp4 (H.264) where a model hesitates for a second or more: what it saw, from the window on.

    The file's name has the two most probable labels: ``DATE-TIME-LABEL_or_LABEL-ID.mp4``. Once moved into a folder of
    its true label it is a clip for `edgevtn.teach` as any other. A region's clip shows the region alone, as the model
    saw it. If the disk is full, that is said once, and recognition goes on.

    Parameters
    ----------
    folder : path
        It is made. Clips of several sources are in a folder each.
    origin : Origin, optional
        Whose ids and times.
    most_clips, most_bytes : int
        All clips in the folder together; beyond that the oldest are removed.
    rings : Rings, optional
        Shared with other sinks, so that frames are encoded once.

    Raises
    ------
    OutputError
        The folder cannot be made or read.
    MissingExtraError
    """

    def __init__(
        self,
        folder: str | Path,
        origin: Origin | None = None,
        *,
        most_clips: int = MOST_CLIPS,
        most_bytes: int = MOST_BYTES,
        rings: Rings | None = None,
    ) -> None:
        require("av", "video")
        self._rings = Rings() if rings is None else rings
        self._folder = ClipFolder(folder, most_bytes, most_clips)
        self._origin = Origin("") if origin is None else origin
        self._trouble = Trouble(f"uncertain clips in {folder}")
        self._doubts: dict[tuple[str, str, str], _Doubt] = defaultdict(_Doubt)  # by source, region and model
        self._open: list[tuple[Ring, Clip]] = []
        self._count = 0

    def prediction(self, prediction: Prediction) -> None:
        """Begin a clip if it has hesitated for long enough, and know until when it does."""
        doubt = self._doubts[prediction.source, prediction.region, prediction.model]
        now = prediction.timestamp
        ring = self._rings[prediction.source, prediction.region]
        ring.keep = max(ring.keep, MARGIN + LASTING + now - prediction.window_start)
        if not hesitates(prediction):
            doubt.last, doubt.clip = -np.inf, None
            return
        if not 0 <= now - doubt.last <= GAP:
            doubt.since, doubt.start = now, prediction.window_start
        doubt.last = now
        if doubt.clip is not None:
            doubt.clip.until = min(now + MARGIN, doubt.clip.first + LONGEST)
        elif now - doubt.since >= LASTING and now >= doubt.next:
            doubt.next = now + PAUSE
            with telling_trouble(self._trouble):
                doubt.clip = self._begin(prediction, ring, max(doubt.start, prediction.window_start - LASTING) - MARGIN)

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Encode what each model saw of it."""
        self._origin.wall_clock(timestamp, scene.source)
        try:
            for region, box in scene.boxes(*frame.shape[:2]).items():
                self._rings[scene.source, region].frame(box.cut(frame), timestamp)
        except av_errors() as error:
            self._trouble.once(f"a picture cannot be encoded ({error}); recognition goes on")

    def pulse(self) -> None:
        """Finish what has ended while no picture comes."""
        self._rings.pulse()

    def ended(self, source: str) -> None:
        """Finish its clips, and forget its pictures and doubts."""
        self._rings.end(source)
        for view in [view for view in self._doubts if view[0] == source]:
            del self._doubts[view]

    def close(self) -> None:
        """Finish what goes on with what there is."""
        for ring, clip in list(self._open):
            ring.finish(clip)
        self._rings.close()

    def _begin(self, prediction: Prediction, ring: Ring, start: float) -> Clip | None:
        self._count += 1
        moment = self._origin.wall_clock(start, prediction.source)
        what = " or ".join(label for label, _ in prediction.top(2))
        file = self._folder.place(prediction.source, moment, what, f"{self._origin.run}-{self._count}")
        clip = ring.begin(file, start, LONGEST, self._done)
        if clip is not None:
            clip.until = min(clip.until, prediction.timestamp + MARGIN)
            self._open.append((ring, clip))
        return clip

    def _done(self, clip: Clip, error: Exception | None) -> None:
        self._open = [(ring, other) for ring, other in self._open if other is not clip]
        for doubt in self._doubts.values():
            if doubt.clip is clip:
                doubt.clip = None
        with telling_trouble(self._trouble):
            if error is not None:
                raise error
            self._trouble.ends("are written again")
            self._folder.bound(clip.file)
