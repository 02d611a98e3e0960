"""Clips of events, the seconds before them included. Needs the extra ``edgevtn[video]``.

Every frame is encoded once, as it comes, into a ring of packets with a key frame in every second. A clip is packets of
the ring and those that follow: cut at key frames, never decoded, never encoded again.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import cv2

from edgevtn.arguments import number
from edgevtn.arrays import Frame
from edgevtn.errors import OutputError, require
from edgevtn.files import replacing
from edgevtn.prediction import Event
from edgevtn.sinks.base import Sink
from edgevtn.sinks.discovery import slug
from edgevtn.sinks.origin import Origin
from edgevtn.sinks.trouble import Trouble

#: Hz; what comes faster is left out. Actions are well seen, and a small board has its time for recognition.
FRAME_RATE = 15.0
#: Pixels of the longer side; larger pictures are scaled down, for the same reason.
LONGEST_SIDE = 1280
#: Seconds between key frames: the precision of cuts.
KEY_INTERVAL = 1.0
#: Seconds by which the beginning of an event may be told late: its minimum duration and half a window.
LATE = 5.0
#: Seconds of a clip: an event that goes on for hours must not fill the disk.
LONGEST_CLIP = 300.0
#: Seconds before an event, which are kept in memory, and after it, of which `LONGEST_CLIP` are recorded at most.
LONGEST_BEFORE, LONGEST_AFTER = 60.0, 86_400.0
#: Bytes of all clips in the folder; the oldest are removed.
MOST_BYTES = 2_000_000_000
#: The unit of a packet's time, seconds.
TIME_BASE = Fraction(1, 90_000)
#: Names of our clips; nothing else is ever removed.
NAME = re.compile(r"\d{8}-\d{6}-[a-z0-9_]*-[0-9a-f]+-\d+\.mp4")
#: Names of what a kill leaves of a clip, and seconds after which nobody can be writing it any more.
PART, ABANDONED = re.compile(r"\.\d{8}-\d{6}-.*\.part\.mp4"), 2 * LONGEST_CLIP


@dataclass(frozen=True)
class _Packet:
    timestamp: float  # seconds, the source's
    key: bool
    content: bytes


@dataclass
class _Clip:
    """A clip that is being written."""

    container: Any
    stream: Any
    first: float  # timestamp of its first packet
    until: float  # timestamp after which it is whole; not known while the event goes on
    place: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)


class Clips(Sink):
    """Writes an .mp4 (H.264) for each event: what was before it, the event, and what came after.

    A clip is written beside its name and moved there when it is whole. If the disk is full, that is said once, and
    recognition goes on.

    Parameters
    ----------
    folder : path
        It is made. Files are called ``DATE-TIME-LABEL-ID.mp4``.
    origin : Origin, optional
        Whose ids and times.
    before, after : float
        Seconds, 0 or more.
    most_bytes : int
        For all clips in the folder; beyond that the oldest are removed.

    Raises
    ------
    ValueError
        `before` is not within 0 and `LONGEST_BEFORE`, or `after` not within 0 and `LONGEST_AFTER`.
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
        most_bytes: int = MOST_BYTES,
    ) -> None:
        before = number(before, "before", low=0, high=LONGEST_BEFORE, unit="seconds")
        after = number(after, "after", low=0, high=LONGEST_AFTER, unit="seconds")
        self._av: Any = require("av", "video")
        self._folder, self._before, self._after, self._most_bytes = Path(folder), before, after, most_bytes
        self._origin = Origin("") if origin is None else origin
        self._trouble = Trouble(f"clips in {folder}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for file in self._folder.iterdir():
                if PART.fullmatch(file.name) and time.time() - file.stat().st_mtime > ABANDONED:
                    file.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"{folder}: cannot be used as a folder ({error.strerror}); choose another place"
            ) from error
        self._encoder: Any = None
        self._ring: deque[_Packet] = deque()
        self._clips: dict[int, _Clip] = {}  # by the event's id
        self._began = self._last = self._key = 0.0

    def frame(self, frame: Frame, timestamp: float) -> None:
        """Encode it."""
        self._origin.wall_clock(timestamp)
        if self._encoder is None:
            self._open(frame, timestamp)
        elif timestamp - self._last < 0.9 / FRAME_RATE:
            return
        self._last = timestamp
        stream = self._stream
        if frame.shape[:2] != (stream.height, stream.width):
            size = stream.width, stream.height
            frame = cast(Frame, cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
        picture = self._av.VideoFrame.from_ndarray(frame, format="bgr24")
        picture.pts, picture.time_base = round((timestamp - self._began) / TIME_BASE), TIME_BASE
        if timestamp - self._key >= KEY_INTERVAL or picture.pts == 0:
            picture.pict_type, self._key = self._av.video.frame.PictureType.I, timestamp
        for packet in stream.encode(picture):
            self._add(_Packet(self._began + float(packet.pts * packet.time_base), packet.is_keyframe, bytes(packet)))

    def event(self, event: Event) -> None:
        """Begin a clip, or know when it will be whole."""
        if event.kind == "begin":
            with self._told():
                self._begin(event)
        elif event.end is not None and event.id in self._clips:
            self._clips[event.id].until = min(self._clips[event.id].until, event.end + self._after)

    def close(self) -> None:
        """Finish what goes on with what there is."""
        for id in list(self._clips):
            self._finish(id)
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None

    def _open(self, frame: Frame, timestamp: float) -> None:
        """An encoder, by way of a container that goes nowhere."""
        H, W = frame.shape[:2]
        scale = min(1.0, LONGEST_SIDE / max(H, W))
        self._encoder = self._av.open(os.devnull, "w", format="mp4")
        # The shortest delay: every frame is a packet at once, and packets come in the order of their times.
        options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "26", "forced-idr": "1"}
        stream = self._encoder.add_stream("libx264", rate=Fraction(FRAME_RATE), options=options)
        stream.width, stream.height = (max(2, int(side * scale) // 2 * 2) for side in (W, H))
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = TIME_BASE
        stream.codec_context.gop_size = 1000  # key frames are where we want them
        self._encoder.start_encoding()
        self._stream = stream
        self._began = self._last = timestamp

    def _add(self, packet: _Packet) -> None:
        """To the ring, and to the clips that go on."""
        self._ring.append(packet)
        keys = [n for n, old in enumerate(self._ring) if old.key]
        oldest = packet.timestamp - self._before - LATE
        for start in reversed(keys):
            if self._ring[start].timestamp <= oldest:
                for _ in range(start):
                    self._ring.popleft()
                break
        for id, clip in list(self._clips.items()):
            if packet.timestamp > clip.until:
                self._finish(id)
            else:
                with self._told(id):
                    self._write(clip, packet)

    def _begin(self, event: Event) -> None:
        wanted = event.start - self._before
        keys = [packet.timestamp for packet in self._ring if packet.key]
        if not keys:
            return
        first = max((key for key in keys if key <= wanted), default=keys[0])
        when = datetime.fromtimestamp(self._origin.wall_clock(event.start))
        name = f"{when:%Y%m%d-%H%M%S}-{slug(event.label)}-{self._origin.id(event)}.mp4"
        with contextlib.ExitStack() as place:
            part = place.enter_context(replacing(self._folder / name))
            container = self._av.open(str(part), "w")
            place.callback(container.close)
            stream = container.add_stream_from_template(self._stream)
            container.start_encoding()
            clip = _Clip(container, stream, first, first + LONGEST_CLIP, place.pop_all())
        self._clips[event.id] = clip
        for packet in self._ring:
            if packet.timestamp >= first:
                self._write(clip, packet)

    def _write(self, clip: _Clip, packet: _Packet) -> None:
        copy = self._av.Packet(packet.content)
        copy.stream, copy.time_base, copy.is_keyframe = clip.stream, TIME_BASE, packet.key
        copy.pts = copy.dts = round((packet.timestamp - clip.first) / TIME_BASE)
        clip.container.mux(copy)

    def _finish(self, id: int) -> None:
        clip = self._clips.pop(id)
        with self._told():
            clip.place.close()
            self._remove_old()

    def _remove_old(self) -> None:
        """Until the clips are few enough, the newest apart."""
        clips = sorted(file for file in self._folder.iterdir() if NAME.fullmatch(file.name))
        sizes = [file.stat().st_size for file in clips]
        for file, left in zip(clips[:-1], range(len(clips)), strict=False):
            if sum(sizes[left:]) <= self._most_bytes:
                break
            file.unlink()

    @contextlib.contextmanager
    def _told(self, id: int | None = None) -> Any:
        """An error of the disk or the encoder is said once; the clip it concerns is given up."""
        try:
            yield
        except (OSError, ValueError) as error:  # PyAV's errors are either
            self._trouble.begins(f"cannot be written ({error}); recognition goes on")
            if id is not None:
                with contextlib.suppress(OSError, ValueError):
                    self._clips.pop(id).place.__exit__(type(error), error, None)
        else:
            self._trouble.ends("are written again")
