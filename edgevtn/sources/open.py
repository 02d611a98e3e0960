"""From what a user names to a source: a path, a camera, an address, or pairs that come from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from numbers import Integral
from pathlib import Path

from edgevtn.arguments import number
from edgevtn.arrays import Frame
from edgevtn.errors import SourceError
from edgevtn.reading import kind_of
from edgevtn.sources import mjpeg, stream
from edgevtn.sources.base import Given, Source
from edgevtn.sources.capture import FALLBACK_FRAME_RATE, open_capture
from edgevtn.sources.connection import OPENING, Connection
from edgevtn.sources.device import Device
from edgevtn.sources.file import VideoFile
from edgevtn.sources.folder import ImageFolder
from edgevtn.sources.function import Called, Pairs
from edgevtn.sources.live import Live, Persistence
from edgevtn.sources.picamera import PiCamera
from edgevtn.sources.replay import Shown
from edgevtn.sources.secret import checked_address, printable_path, redact

#: What may be opened.
Named = str | int | Path | Iterable[tuple[float, Frame]] | Callable[[], Pairs]


def open_source(source: Named, frame_rate: float | None, persistence: Persistence) -> Source:
    """Open what is named; see `edgevtn.sources.Camera`.

    Raises
    ------
    SourceError
        It cannot be opened.
    ValueError
        `frame_rate` is not above 0.
    """
    if frame_rate is not None:
        frame_rate = number(frame_rate, "frame_rate", low=0.001, high=1000, unit="Hz")
    if isinstance(source, Integral):  # NumPy has integers of its own
        source = int(source)
    if not isinstance(source, str | int | Path):
        if isinstance(source, Iterable):
            return Given(source)
        if not callable(source):
            raise SourceError(f"expected a path, a camera's index, an address, pairs or a function, got {source!r}")
        name = getattr(source, "__name__", type(source).__name__)
        return Live(partial(Called, source, name), name, persistence)
    name = str(source)
    if name == "picamera" or re.fullmatch(r"[0-9]+", name):
        name = "picamera://" if name == "picamera" else f"camera://{name}"
    scheme, mark, rest = name.partition("://")
    if mark:
        opener = OPENERS.get(scheme.lower())
        return _address(name, persistence) if opener is None else opener(rest, persistence)
    if name.startswith("/dev/") and kind_of(name) not in ("file", "folder"):  # as there are in /dev/shm
        return Live(partial(Device, name, name), name, persistence)
    path, kind = Path(name), kind_of(name)
    if kind == "folder":
        return ImageFolder(path, frame_rate or FALLBACK_FRAME_RATE)
    if not kind:
        shown = printable_path(name)
        raise SourceError(f"{shown}: does not exist; expected a video file, a folder, a camera index or a URL")
    if kind != "file":  # FFmpeg would read it without end, or wait for ever
        raise SourceError(f"{path}: is a pipe or a device; expected a video file, or a camera as in /dev/video0")
    if path.stat().st_size == 0:
        raise SourceError(f"{path}: is empty")
    reason = f"{path}: cannot be read as a video; it is cut short, of no known kind, or its codec is not known here"
    capture = open_capture(str(path), reason)
    return VideoFile(capture, name)


def _address(address: str, persistence: Persistence) -> Source:
    """What HTTP or FFmpeg opens by an address."""
    name = redact(address)
    address = checked_address(address)
    live = Live(partial(_connect, address, name, persistence.patience, Shown()), name, persistence)
    if not live.finite:
        return live
    live.close()
    return VideoFile(open_capture(address, f"{name}: cannot be read as a video; check the address"), name)


def _connect(address: str, name: str, patience: float, shown: Shown) -> Connection:
    if address.lower().startswith(("http://", "https://")):
        pictures = mjpeg.connect(address, name, max(patience, OPENING))
        if pictures is not None:
            return pictures
    return stream.connect(address, name, patience, shown)


def _camera(index: str, persistence: Persistence) -> Source:
    if not re.fullmatch(r"[0-9]+", index):
        raise SourceError("camera://: expected the number of a camera, as in camera://0")
    name = f"camera {index}"
    return Live(partial(Device, int(index), name), name, persistence)


def _picamera(_: str, persistence: Persistence) -> Source:
    return Live(partial(PiCamera, persistence.patience), "the Pi's camera", persistence)


#: What opens an address that is none of FFmpeg's, by what stands before its "://"; it is given what stands behind.
OPENERS: dict[str, Callable[[str, Persistence], Source]] = {"camera": _camera, "picamera": _picamera}
