"""The source that users see: a name and how long to wait for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from edgevtn.arrays import Frame
from edgevtn.sources.base import Source
from edgevtn.sources.live import Live, Persistence, Statistics
from edgevtn.sources.open import Named, open_source
from edgevtn.sources.secret import source_name


class Camera(Source):
    """A camera, a stream, a file, a folder of images, or pairs from elsewhere: what `edgevtn.frames` gives.

    Cameras and streams are live: read by a thread, of which the newest picture is given, and lost ones are found
    again. A file gives every frame. Timestamps are seconds from its beginning.

    Parameters
    ----------
    source : path, int, str, iterable, or callable
        A video file; a folder of images (in the order of the numbers in their names); a camera's index (``0`` or
        ``"0"``; a folder of that name is given as ``"./0"``) or its file (``"/dev/video0"``); ``"picamera"``, the
        Raspberry Pi's own; an address (``rtsp://``, ``http://`` ...); anything that yields (seconds, frame), of which
        nothing is dropped; or a function that opens a live camera of your own: called without arguments, again after
        each loss, it returns what yields (seconds by the camera's clock or None, frame).
    frame_rate : float, optional
        Hz, for folders of images, which have no times; 25 if None. Ignored for everything else.
    patience : float
        Seconds without a new picture until a live source counts as lost; above 0. A picture that equals the last in
        every byte is not new.
    give_up : float, optional
        Seconds from a loss until it is an error: 0 is at once, None never.
    wait : bool
        Whether a live source that is not there yet is waited for, as for a lost one; else it is an error at once.
    notify : callable, optional
        Told in a sentence that a live source is lost, and that it is back; by the thread that iterates.

    Raises
    ------
    SourceError
        At once, if it cannot be opened or read; while iterating, if it is given up.
    ValueError
        A number is not in its range.
    """

    def __init__(
        self,
        source: Named,
        *,
        frame_rate: float | None = None,
        patience: float = Persistence.patience,
        give_up: float | None = Persistence.give_up,
        wait: bool = Persistence.wait,
        notify: Callable[[str], object] | None = None,
    ) -> None:
        self._frames = 0
        self._opened = open_source(source, frame_rate, Persistence(patience, give_up, wait, notify))
        if isinstance(source, str | int | Path):
            self._name = source_name(source)
        else:
            self._name = getattr(source, "__name__", type(source).__name__)
        opened = self._opened
        self.frame_rate, self.size, self.duration = opened.frame_rate, opened.size, opened.duration

    @property
    def live(self) -> bool:
        """Whether it is a camera or a stream, of which the newest picture is given."""
        return self._opened.live

    @property
    def statistics(self) -> Statistics:
        """What became of the pictures until now: `frames`, `dropped`, `repeated`, `bad`, `reconnects`, `lost`."""
        return self._opened.statistics if isinstance(self._opened, Live) else Statistics(self._frames)

    def wall_clock(self, timestamp: float) -> float | None:
        """Unix time, seconds, of a moment of a live source, by the system's clock as it is set now; None of others."""
        return self._opened.wall_clock(timestamp)

    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        """Yield (timestamp, frame): seconds from the source's beginning, and uint8 (H, W, 3) BGR."""
        return (pair for pair in self.beats() if pair is not None)

    def beats(self) -> Iterator[tuple[float, Frame] | None]:
        """Yield the same, and None at least each half second while a live source gives nothing."""
        for pair in self._opened.beats():
            if pair is not None:
                self._frames += 1
                if getattr(pair[1], "ndim", 0) == 3:  # whoever takes it says what is wrong with another
                    self.size = pair[1].shape[1], pair[1].shape[0]
            yield pair

    def __repr__(self) -> str:
        """Its name, without passwords, and what is known of it."""
        return f"<Camera {self._name}{self._facts()}>"

    def close(self) -> None:
        """Give back the file or camera within a second; may be called twice."""
        self._opened.close()


def frames(
    source: Named,
    *,
    frame_rate: float | None = None,
    give_up: float | None = Persistence.give_up,
) -> Source:
    """Open a source of frames.

    Parameters
    ----------
    source : path, int, str, iterable, or callable
        As in `edgevtn.sources.Camera`, which has more to choose; a `Source` is given back as it is.
    frame_rate : float, optional
        Hz, for folders of images, which have no times; 25 if None. Ignored for everything else.
    give_up : float, optional
        Seconds for which a live source that is lost is waited for; 0: not at all; None: for ever.

    Returns
    -------
    Source
        Yields ``(timestamp, frame)``: seconds from the source's beginning, and uint8 (H, W, 3) BGR.

    Raises
    ------
    SourceError
        At once, if the source cannot be opened or read; while iterating, if it is given up.
    ValueError
        `frame_rate` is not above 0.
    """
    if isinstance(source, Source):
        return source
    return Camera(source, frame_rate=frame_rate, give_up=give_up)
