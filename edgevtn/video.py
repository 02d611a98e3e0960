"""Video files are written at the pace of their source, whole, in H.264 where PyAV is there and MPEG-4 elsewhere."""

from __future__ import annotations

import contextlib
import errno
import importlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import cv2

from edgevtn.arrays import Frame
from edgevtn.errors import OutputError
from edgevtn.files import replacing
from edgevtn.reading import native_path

#: Repeats of a frame, in seconds: a clock that jumps must not fill the disk with copies of one picture.
LONGEST_GAP = 5.0
#: How a file's name ends: only of these `incomplete` knows whether they are whole.
SUFFIXES = (".mp4", ".m4v", ".mov")
#: Errors of a disk, or of what a user may have of it, that has no more room.
FULL = (errno.ENOSPC, errno.EDQUOT)


class VideoWriter:
    """An .mp4 of constant rate: a frame is repeated or left out so that the video runs as fast as its source did.

    It is written beside its name and moved there by `close`, once it is known to be whole: a full disk is no error to
    some encoders. Until then, and after any error, what was there before is there.

    Parameters
    ----------
    file : path
        It ends in .mp4, .m4v or .mov.
    frame_rate : float
        Hz, of the file.

    Raises
    ------
    ValueError
        The file's name ends otherwise.
    OutputError
        On the first frame, or at the end, if it cannot be written there.
    """

    def __init__(self, file: str | Path, frame_rate: float) -> None:
        check_suffix(file)
        self._file, self._frame_rate = Path(file), frame_rate
        self._place = contextlib.ExitStack()
        self._encoder: _Av | _OpenCV | None = None
        self._size = 0, 0
        self._timestamp = 0.0
        self._begun = self._written = 0  # frames
        self._due = 0.0  # copies that the frames until now are worth, beyond those that are written

    def write(self, frame: Frame, timestamp: float) -> None:
        """Append a frame, taken at `timestamp` seconds; one of another size than the first is scaled to that."""
        if self._encoder is None:
            self._size = frame.shape[1], frame.shape[0]
            part = self._place.enter_context(replacing(self._file))
            kind = _Av if has_av() else _OpenCV
            self._part = part
            with self._named():
                self._encoder = kind(part, self._frame_rate, self._size)
            self._due = 1.0
        else:
            self._due += min(max(timestamp - self._timestamp, 0.0), LONGEST_GAP) * self._frame_rate
        self._timestamp = timestamp
        if (frame.shape[1], frame.shape[0]) != self._size:
            frame = cast(Frame, cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA))
        copies = int(self._due + 0.5)
        with self._named():
            for _ in range(copies):
                self._begun += 1
                self._encoder.write(frame)
                self._written += 1
        self._due -= copies

    def close(self) -> None:
        """Finish the file; without a frame there is none."""
        encoder, self._encoder = self._encoder, None
        if encoder is None:
            return
        with self._place:
            with self._named():
                encoder.close()
            with self._named("is the disk full?"):
                # Ctrl-C may have come in the midst of a write.
                problem = incomplete(self._part, self._written, self._begun)
                if problem is not None:
                    raise OSError(problem)

    def discard(self) -> None:
        """Stop, and leave no file."""
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            with contextlib.suppress(OSError, ValueError):
                encoder.close()
        with contextlib.suppress(_Discarded):
            self._place.__exit__(_Discarded, _Discarded(), None)

    @contextlib.contextmanager
    def _named(self, advice: str = "does the folder exist, and is it writable?") -> Iterator[None]:
        """Name the file in an error of the encoder's, after which it is given up: space that is free again later would
        make a video with a hole of it.
        """
        try:
            yield
        except (OSError, ValueError) as error:  # PyAV's errors are either
            self.discard()
            if isinstance(error, OSError) and error.errno in FULL:
                advice = "make room there, or choose another place"
            raise OutputError(f"{self._file}: cannot be written ({error}); {advice}") from error


def check_suffix(file: str | Path) -> None:
    """Raise ValueError if a video cannot be written to a file of that name."""
    suffix = Path(file).suffix
    if suffix.lower() not in SUFFIXES:
        found = f"it ends in {suffix}" if suffix else "it has none"
        raise ValueError(f"{file}: expected a name that ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}; {found}")


def incomplete(file: Path, least: int, most: int) -> str | None:
    """What is missing in an .mp4 that should have from `least` to `most` frames; None if it is whole.

    Its boxes have to fill the file (ISO/IEC 14496-12, 4.2): where writes were lost they claim more than is there.
    """
    size, place, kinds = file.stat().st_size, 0, set()
    with file.open("rb") as content:
        while place < size:
            content.seek(place)
            header = content.read(16)
            length = int.from_bytes(header[:4], "big")
            if length == 1:  # the size follows, in eight bytes
                length = int.from_bytes(header[8:16], "big")
            if len(header) < 8 or length < 8:
                return "its boxes are damaged"
            kinds.add(header[4:8])
            place += length
    if place != size or not {b"moov", b"mdat"} <= kinds:
        return f"only {size} bytes of it were written"
    with native_path(file) as path:
        capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
        try:
            found = round(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.read()[0] else 0
        finally:
            capture.release()
    return None if least <= found <= most else f"it has {found} frames of {least}"


class _Discarded(Exception):
    """What was written is not wanted."""


def has_av() -> bool:
    """Whether PyAV is there, and so H.264 is written."""
    try:
        importlib.import_module("av")
    except ImportError:
        return False
    return True


class _OpenCV:
    """MPEG-4 part 2, which every OpenCV wheel can write and browsers do not play."""

    def __init__(self, file: Path, frame_rate: float, size: tuple[int, int]) -> None:
        fourcc = cv2.VideoWriter.fourcc(*"mp4v")
        with native_path(file.parent) as folder:
            self._writer = cv2.VideoWriter(f"{folder}/{file.name}", cv2.CAP_FFMPEG, fourcc, frame_rate, size)
        if not self._writer.isOpened():
            raise OSError("OpenCV cannot open it")

    def write(self, frame: Frame) -> None:
        self._writer.write(frame)

    def close(self) -> None:
        self._writer.release()


class _Av:
    """H.264 by PyAV, which browsers play; its sides are even, so an odd last row or column is left out."""

    def __init__(self, file: Path, frame_rate: float, size: tuple[int, int]) -> None:
        self._av: Any = importlib.import_module("av")
        self._size = size[0] - size[0] % 2, size[1] - size[1] % 2
        self._container = self._av.open(str(file.absolute()), "w")  # what stands before a colon would be a protocol
        self._stream = self._container.add_stream("h264", rate=Fraction(frame_rate).limit_denominator(1001))
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = "yuv420p"
        self._container.start_encoding()  # opens the file

    def write(self, frame: Frame) -> None:
        W, H = self._size
        picture = self._av.VideoFrame.from_ndarray(frame[:H, :W].copy(), format="bgr24")
        self._container.mux(self._stream.encode(picture))

    def close(self) -> None:
        self._container.mux(self._stream.encode())
        self._container.close()
