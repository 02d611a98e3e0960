"""Takes of an action from a camera: counted down, recorded, cut at still moments, kept or not."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edgevtn.arrays import Float, Frame
from edgevtn.errors import OutputError
from edgevtn.facts import is_text
from edgevtn.files import ABANDONED
from edgevtn.prediction import NO_ACTION, NOTHING, UNKNOWN
from edgevtn.sources.capture import open_capture
from edgevtn.sources.file import VideoFile
from edgevtn.video import VideoWriter

#: Seconds of the count-down.
COUNT_DOWN = 3
#: Hz of the files: what cameras give, or less.
FRAME_RATE = 25.0
#: Side of the grey pictures by whose change motion is measured: sensor noise is averaged away.
SMALL = 32
#: A frame moves if its parts that change most change by so many times as much as in the quietest fifth, and by at least
#: so many grey levels.
MOVING_RATIO, MOVING_LEVELS = 3.0, 1.6
#: Where the quietest fifth moves, too, it is no measure: so many times what noise alone would change is enough. Slow
#: ends of a movement stay from 1.5 on, and noise alone varies by a tenth.
NOISE_RATIO = 1.5
#: The share of a picture's parts in which nobody moves, and the mean size of normal noise there, below its own upper
#: quartile, times this gives the mean of the largest `SMALL` of `SMALL`^2.
STILL_SHARE, NOISE_OF_LARGEST = 0.75, 4.75
#: Seconds that must move at least: a lamp that is lit or a camera that finds its exposure is no movement.
SHORTEST_MOTION = 0.2
#: Seconds that are kept before the first motion and after the last.
MARGIN = 0.3
#: Seconds: less is no take.
SHORTEST = 0.5


@dataclass(frozen=True)
class Take:
    """A take that lies on the disk, not yet kept.

    Attributes
    ----------
    file : Path
        Hidden until it is kept.
    place : Path
        Where it goes then.
    recorded, kept : float
        Seconds, before and after its still ends were cut.
    """

    file: Path
    place: Path
    recorded: float
    kept: float

    def keep(self) -> Path:
        """Give it its name; never that of another file."""
        self.file.rename(_free(self.place))
        return self.place

    def drop(self) -> None:
        """Delete it."""
        self.file.unlink(missing_ok=True)


def record_takes(
    source: Iterable[tuple[float, Frame]],
    folder: Path,
    label: str,
    seconds: float,
    show: Callable[[Frame, float, str], None],
) -> Iterator[Take]:
    """Record one take after another, for as long as the caller asks for the next.

    Parameters
    ----------
    source : iterable of (seconds, frame)
        A live source: between takes its frames pass by.
    folder : Path
        Takes become ``folder/label/DATE-TIME-NN.mp4``; what is recorded together shares the date and time.
    label : str
    seconds : float
        The length of each take.
    show : callable
        Called with every frame, the seconds since the source began, and what is going on: "3", "2", "1", "recording".

    Raises
    ------
    OutputError
        The label is no name of a folder or "unknown", or the folder cannot be written.
    SourceError
        The camera stopped delivering; what was kept until then is there.
    """
    place = label_folder(folder, label)
    _forget_broken_off(place)
    session = time.strftime("%Y%m%d-%H%M%S")
    frames = iter(source)
    number = 0
    while True:
        number += 1
        name = f"{session}-{number:02}.mp4"
        if (place / name).exists():  # of a run that was begun in the same second
            continue
        raw, motion = place / f".raw-{name}", Motion()
        began: float | None = None
        writer = VideoWriter(raw, FRAME_RATE)
        try:
            for timestamp, frame in frames:
                began = timestamp if began is None else began
                elapsed = timestamp - began - COUNT_DOWN
                if elapsed < 0:
                    show(frame, timestamp, str(math.ceil(-elapsed)))
                    continue
                if elapsed >= seconds:
                    break
                show(frame, timestamp, "recording")
                writer.write(frame, timestamp)
                motion.add(frame, timestamp)
            else:  # the source has ended
                writer.discard()
                return
        except BaseException:
            writer.discard()
            raise
        if not motion.times:  # no frame came while it should have been recorded
            continue
        writer.close()
        yield _cut(raw, place / f".take-{name}", place / name, motion, label != NOTHING)


def check_label(label: str) -> None:
    """Check that takes of a label can be kept, and taught, before any is recorded.

    Raises
    ------
    OutputError
        The label is no name of a folder, or "unknown".

    Warns
    -----
    RuntimeWarning
        It is likely that another one is meant; see `likely_mistake`.
    """
    _refuse(label)
    mistake = likely_mistake(label)
    if mistake is not None:
        warnings.warn(mistake, RuntimeWarning, stacklevel=2)


def _refuse(label: str) -> None:
    if not is_text(label) or label in (".", "..") or Path(label).name != label or label.startswith("."):
        raise OutputError(f"label {label!r} cannot be the name of a folder; use letters, digits, spaces, - and _")
    if label == UNKNOWN:
        raise OutputError(f"label {label!r} is what a model says of all that it was not taught; use another name")


def likely_mistake(label: str) -> str | None:
    """What to say of a label that is an action, but looks like one of the two that are none; None of all others."""
    meant = label.strip().casefold()
    if label == meant or meant not in NO_ACTION:
        return None
    advice = f"for the empty room and for idling write {NOTHING!r}" if meant == NOTHING else "another name is clearer"
    return f"label {label!r} is taught as an action, as {meant!r} is not; {advice}"


def label_folder(folder: Path, label: str) -> Path:
    """The folder for takes of a label, which is made.

    Raises
    ------
    OutputError
        The label is no name of a folder or "unknown", or the folder cannot be made.
    """
    _refuse(label)
    place = folder / label
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{place}: cannot be made a folder ({error}); choose another place") from error
    return place


def _forget_broken_off(place: Path) -> None:
    """Remove takes that a kill broke off, long enough ago that nobody is asked about them any more.

    Their names have the time, so the writers of other takes do not find them.
    """
    with suppress(OSError):
        for file in place.iterdir():
            hidden = file.name.lstrip(".").startswith(("raw-", "take-")) and file.name.startswith(".")
            if hidden and file.suffix == ".mp4" and time.time() - file.stat().st_mtime > ABANDONED:
                file.unlink(missing_ok=True)


class Motion:
    """How much each frame of a take differs from the one before, and when."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._changes: list[float] = []
        self._noise: list[float] = []
        self._before: Float | None = None

    def add(self, frame: Frame, timestamp: float) -> None:
        """Take the next frame."""
        grey = cv2.cvtColor(cv2.resize(frame, (SMALL, SMALL), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        small = grey.astype(np.float32)
        if self._before is not None:
            sizes = np.sort(np.abs(small - self._before).ravel())
            # The largest of many small parts: a hand that waves is a small share of the picture.
            self._changes.append(float(sizes[-SMALL:].mean()))
            self._noise.append(float(sizes[: round(STILL_SHARE * len(sizes))].mean()))
        self._before = small
        self.times.append(timestamp)

    def span(self) -> tuple[float, float] | None:
        """Seconds from the take's beginning between which something moves, with margins; None: nothing does.

        Only still ends are outside: who waves, or moves slowly, all along has moved from the beginning to the end.
        """
        if len(self.times) < 2:
            return None
        changes = np.array(self._changes)
        quiet, noise = float(np.quantile(changes, 0.2)), NOISE_OF_LARGEST * float(np.quantile(self._noise, 0.2))
        moves = changes > max(min(MOVING_RATIO * quiet, NOISE_RATIO * noise), MOVING_LEVELS)
        moving = np.flatnonzero(moves)
        if np.diff(self.times) @ moves < SHORTEST_MOTION or not len(moving):
            return None
        first, last = self.times[0], self.times[-1]
        start, end = self.times[moving[0] + 1] - MARGIN, self.times[moving[-1] + 1] + MARGIN
        return max(0.0, start - first), min(last, end) - first


def _cut(raw: Path, file: Path, place: Path, motion: Motion, trims: bool) -> Take:
    """The take without its still ends, written anew; whole if it is not to be trimmed."""
    recorded = motion.times[-1] - motion.times[0] if motion.times else 0.0
    span = motion.span() if trims else None
    if span is None or span[1] - span[0] < SHORTEST or span == (0.0, recorded):
        raw.rename(file)
        return Take(file, place, recorded, recorded)
    writer = VideoWriter(file, FRAME_RATE)
    with VideoFile(open_capture(str(raw), f"{raw}: cannot be read"), str(raw)) as source:
        for timestamp, frame in source:
            if span[0] <= timestamp <= span[1]:
                writer.write(frame, timestamp)
    writer.close()
    raw.unlink()
    return Take(file, place, recorded, span[1] - span[0])


def _free(place: Path) -> Path:
    """The path, which nothing has yet.

    Raises
    ------
    OutputError
        There is a file of that name.
    """
    if place.exists():
        raise OutputError(f"{place}: is there already; takes are never overwritten")
    return place
