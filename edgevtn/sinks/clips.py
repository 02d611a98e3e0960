"""Clips of events, the seconds before them included. Needs the extra ``edgevtn[video]``."""

from __future__ import annotations

from pathlib import Path

from edgevtn.arguments import number
from edgevtn.arrays import Frame
from edgevtn.errors import require
from edgevtn.prediction import Event
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink
from edgevtn.sinks.clip_folder import LONGEST_CLIP, ClipFolder
from edgevtn.sinks.origin import Origin
from edgevtn.sinks.ring import Clip, Ring, Rings, av_errors, telling_trouble
from edgevtn.sinks.trouble import Trouble

#: Seconds before an event, which are kept in memory, and after it, of which `LONGEST_CLIP` are recorded at most.
LONGEST_BEFORE, LONGEST_AFTER = 60.0, 86_400.0
#: Bytes of all clips in the folder; the oldest are removed.
MOST_BYTES = 2_000_000_000
#: Clips that are remembered by their events' ids, for a page that shows as many events.
MOST_REMEMBERED = 100


class Clips(Sink):
    """Writes an .mp4 (H.264) for each event: what was before it, the event, and what came after.

    A clip is written beside its name and moved there when it is whole. If the disk is full, that is said once, and
    recognition goes on.

    Parameters
    ----------
    folder : path
        It is made. Files are called ``DATE-TIME-LABEL-ID.mp4``; those of several sources are in a folder each.
    origin : Origin, optional
        Whose ids and times.
    before, after : float
        Seconds, 0 or more.
    late : float
        Seconds after its start at which an event may be told, beyond some five: the longest minimum duration. No more
        than `LONGEST_BEFORE` of it are kept.
    most_bytes : int
        For all clips in the folder; beyond that the oldest are removed.
    rings : Rings, optional
        Shared with other sinks, so that frames are encoded once.

    Attributes
    ----------
    files : dict of str to Path
        The last clips that are whole, by the ids that `origin` gives to events.

    Raises
    ------
    ValueError
        `before` is not within 0 and `LONGEST_BEFORE`, `after` not within 0 and `LONGEST_AFTER`, or `late` below 0.
    OutputError
        The folder cannot be made or read.
    MissingExtraError
    """

    def __init__(
        self,
        folder: str | Path,
        origin: Origin | None = None,
        *,
        before: float = 5.0,
        after: float = 5.0,
        late: float = 0.0,
        most_bytes: int = MOST_BYTES,
        rings: Rings | None = None,
    ) -> None:
        before = number(before, "before", low=0, high=LONGEST_BEFORE, unit="seconds")
        after = number(after, "after", low=0, high=LONGEST_AFTER, unit="seconds")
        self._rings = Rings() if rings is None else rings
        require("av", "video")
        self._late = min(number(late, "late", low=0, unit="seconds"), LONGEST_BEFORE)
        self._folder, self._before, self._after = ClipFolder(folder, most_bytes), before, after
        self._origin = Origin("") if origin is None else origin
        self._trouble = Trouble(f"clips in {folder}")
        # By the event's id over all runs: each file of several counts anew.
        self._clips: dict[str, tuple[Ring, Clip]] = {}
        self.files: dict[str, Path] = {}

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        """Encode it."""
        self._origin.wall_clock(timestamp, scene.source)
        ring = self._rings[scene.source, ""]
        ring.keep = max(ring.keep, self._before + self._late)
        try:
            ring.frame(frame, timestamp)
        except av_errors() as error:
            self._trouble.once(f"a picture cannot be encoded ({error}); recognition goes on")

    def event(self, event: Event) -> None:
        """Begin a clip, or know when it will be whole."""
        if event.kind == "begin":
            with telling_trouble(self._trouble):
                self._begin(event)
        elif event.end is not None and (id := self._origin.id(event)) in self._clips:
            _, clip = self._clips[id]
            clip.until = min(clip.until, event.end + self._after)

    def pulse(self) -> None:
        """Finish what has ended while no picture comes."""
        self._rings.pulse()

    def ended(self, source: str) -> None:
        """Finish its clips, and forget its pictures."""
        self._rings.end(source)

    def close(self) -> None:
        """Finish what goes on with what there is."""
        for ring, clip in list(self._clips.values()):
            ring.finish(clip)
        self._rings.close()

    def _begin(self, event: Event) -> None:
        id, ring = self._origin.id(event), self._rings[event.source, ""]

        def done(clip: Clip, error: Exception | None) -> None:
            self._clips.pop(id, None)
            with telling_trouble(self._trouble):
                if error is not None:
                    raise error
                self._trouble.ends("are written again")
                self.files[id] = clip.file
                while len(self.files) > MOST_REMEMBERED:
                    del self.files[next(iter(self.files))]
                self._folder.bound(clip.file)

        moment = self._origin.wall_clock(event.start, event.source)
        file = self._folder.place(event.source, moment, event.label, id)
        clip = ring.begin(file, event.start - self._before, LONGEST_CLIP, done)
        if clip is not None:
            self._clips[id] = ring, clip
