"""The last seconds of a picture as encoded packets, of which clips are cut. Needs the extra ``edgevtn[video]``.

Every frame is encoded once, as it comes, with a key frame in every second. A clip is packets of the ring and those that
follow: cut at key frames, never decoded, never encoded again.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import cv2

from edgevtn.arrays import Frame
from edgevtn.errors import require
from edgevtn.files import replacing
from edgevtn.sinks.trouble import Trouble

#: Hz; what comes faster is left out. Actions are well seen, and a small board has its time for recognition.
FRAME_RATE = 15.0
#: Pixels of the longer side; larger pictures are scaled down, for the same reason.
LONGEST_SIDE = 1280
#: Seconds between key frames: the precision of cuts.
KEY_INTERVAL = 1.0
#: Seconds by which it may be told late that a clip begins: an event's minimum duration, if that is short, and half a
#: window.
LATE = 5.0
#: Seconds without a picture after which nothing joins what comes to what was: a camera was lost, and what it showed
#: before is no beginning of a clip. One that is merely slow counts as lost after three, unless told otherwise.
GAP = 5.0
#: The unit of a packet's time, seconds.
TIME_BASE = Fraction(1, 90_000)


@dataclass(frozen=True)
class _Packet:
    timestamp: float  # seconds, the source's
    key: bool
    content: bytes


@dataclass
class Clip:
    """A clip that is being written.

    Attributes
    ----------
    file : Path
        Its place when it is whole.
    first : float
        Timestamp of its first packet, seconds.
    until : float
        Timestamp after which it is whole, seconds.
    """

    file: Path
    first: float
    until: float
    done: Callable[[Clip, Exception | None], object] = field(repr=False)
    container: Any = field(repr=False)
    stream: Any = field(repr=False)
    place: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)


class Ring:
    """The last seconds of one picture.

    Attributes
    ----------
    keep : float
        Seconds of which a clip may have to begin before it is told.
    """

    def __init__(self) -> None:
        self.keep = 0.0
        self._av: Any = require("av", "video")
        self._encoder: Any = None
        self._packets: deque[_Packet] = deque()
        self._clips: list[Clip] = []
        self._began = self._last = self._key = 0.0
        self._heard = 0.0  # `time.monotonic` of the last picture

    def frame(self, frame: Frame, timestamp: float) -> None:
        """Encode it, unless it follows the last too soon; several sinks may tell the same.

        Raises
        ------
        OSError, ValueError, av.FFmpegError
            It cannot be encoded.
        """
        self._heard = time.monotonic()
        if self._encoder is not None:
            if timestamp - self._last < 0.9 / FRAME_RATE:
                return
            if timestamp - self._last > GAP or (self._stream.width, self._stream.height) != _size(frame):
                self.end()
        if self._encoder is None:
            self._open(frame, timestamp)
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

    def pulse(self) -> None:
        """Finish clips whose time has passed while no picture came, which otherwise would wait for the next."""
        silent = time.monotonic() - self._heard
        if silent <= GAP:
            return
        for clip in list(self._clips):
            if self._last + silent > clip.until:
                self.finish(clip)

    def begin(
        self, file: Path, start: float, longest: float, done: Callable[[Clip, Exception | None], object]
    ) -> Clip | None:
        """Begin a clip; None where there is no picture yet, or it was given up at once.

        Parameters
        ----------
        file : Path
        start : float
            Timestamp, seconds; the clip begins with the key frame before it, if that is still there.
        longest : float
            Seconds of the clip at most.
        done : callable
            Called when the clip is in its place, or with the error for which it was given up.

        Raises
        ------
        OSError, ValueError, av.FFmpegError
            The file cannot be written.
        """
        keys = [packet.timestamp for packet in self._packets if packet.key]
        if not keys:
            return None
        first = max((key for key in keys if key <= start), default=keys[0])
        with contextlib.ExitStack() as place:
            container = self._av.open(str(place.enter_context(replacing(file.absolute()))), "w")
            place.callback(container.close)
            stream = container.add_stream_from_template(self._stream)
            container.start_encoding()
            clip = Clip(file, first, first + longest, done, container, stream, place.pop_all())
        self._clips.append(clip)
        for packet in self._packets:
            if packet.timestamp >= first and clip in self._clips:  # a full disk ends it, and its container is gone
                self._write(clip, packet)
        return clip if clip in self._clips else None

    def finish(self, clip: Clip) -> None:
        """End a clip with what there is; no harm if it has ended."""
        if clip not in self._clips:
            return
        self._clips.remove(clip)
        try:
            clip.place.close()
        except av_errors() as error:
            clip.done(clip, error)
        else:
            clip.done(clip, None)

    def close(self) -> None:
        """Give back the encoder; clips are finished by those who began them."""
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None

    def end(self) -> None:
        """Finish what goes on, and forget what was."""
        for clip in list(self._clips):
            self.finish(clip)
        self._packets.clear()
        self.close()

    def _open(self, frame: Frame, timestamp: float) -> None:
        """An encoder, by way of a container that goes nowhere."""
        with contextlib.ExitStack() as undo:
            encoder = undo.enter_context(self._av.open(os.devnull, "w", format="mp4"))
            # The shortest delay: every frame is a packet at once, and packets come in the order of their times.
            options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "26", "forced-idr": "1"}
            stream = encoder.add_stream("libx264", rate=Fraction(FRAME_RATE), options=options)
            stream.width, stream.height = _size(frame)
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = TIME_BASE
            stream.codec_context.gop_size = 1000  # key frames are where we want them
            encoder.start_encoding()
            undo.pop_all()
        self._encoder, self._stream = encoder, stream
        self._began = self._last = timestamp

    def _add(self, packet: _Packet) -> None:
        """To the ring, and to the clips that go on."""
        self._packets.append(packet)
        keys = [n for n, old in enumerate(self._packets) if old.key]
        oldest = packet.timestamp - self.keep - LATE
        for start in reversed(keys):
            if self._packets[start].timestamp <= oldest:
                for _ in range(start):
                    self._packets.popleft()
                break
        for clip in list(self._clips):
            if packet.timestamp > clip.until:
                self.finish(clip)
            else:
                self._write(clip, packet)

    def _write(self, clip: Clip, packet: _Packet) -> None:
        try:
            copy = self._av.Packet(packet.content)
            copy.stream, copy.time_base, copy.is_keyframe = clip.stream, TIME_BASE, packet.key
            copy.pts = copy.dts = round((packet.timestamp - clip.first) / TIME_BASE)
            clip.container.mux(copy)
        except av_errors() as error:
            self._clips.remove(clip)
            with contextlib.suppress(*av_errors()):
                clip.place.__exit__(type(error), error, None)
            clip.done(clip, error)


def av_errors() -> tuple[type[Exception], ...]:
    """What PyAV raises: some of its own errors have either of the other two as a base, some none."""
    return require("av", "video").FFmpegError, OSError, ValueError


@contextlib.contextmanager
def telling_trouble(trouble: Trouble) -> Iterator[None]:
    """An error of the disk or the encoder is said, until a clip is whole again no more than once."""
    try:
        yield
    except av_errors() as error:
        trouble.begins(f"cannot be written ({error}); recognition goes on")


def _size(frame: Frame) -> tuple[int, int]:
    """Width and height at which it is encoded: even numbers."""
    H, W = frame.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(H, W))
    return max(2, int(W * scale) // 2 * 2), max(2, int(H * scale) // 2 * 2)


class Rings(dict[tuple[str, str], Ring]):
    """Rings by source and region; "" is the whole picture. Sinks that share them encode once."""

    def __missing__(self, key: tuple[str, str]) -> Ring:
        self[key] = Ring()
        return self[key]

    def pulse(self) -> None:
        """As each does; sinks that share them may all call it."""
        for ring in self.values():
            ring.pulse()

    def end(self, source: str) -> None:
        """Finish the clips of a source that has ended, and forget it; may be called twice."""
        for key in [key for key in self if key[0] == source]:
            self.pop(key).end()

    def close(self) -> None:
        """Close all; may be called twice."""
        for ring in self.values():
            ring.close()
