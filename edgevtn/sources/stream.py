"""A stream that FFmpeg reads: through PyAV where it is installed, else through OpenCV."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import math
import os
import socket
import threading
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import cv2

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError
from edgevtn.sources.capture import as_frame, open_capture
from edgevtn.sources.connection import (
    OPENING,
    BadPicture,
    Connection,
    ended,
    refused,
    silent,
    status_error,
    unauthorized,
    unknown_host,
    unusable,
)
from edgevtn.sources.paced import Paced
from edgevtn.sources.replay import Shown

#: Ports of RTSP, by its names.
PORTS = {"rtsp": 554, "rtsps": 322}
#: TCP, because half a picture is worse than a late one; no waiting for more than the first pictures, of which a
#: second's worth tells what kind of stream it is.
OPTIONS = {
    "rtsp_transport": "tcp",
    "fflags": "nobuffer",
    "flags": "low_delay",
    "analyzeduration": "1000000",
}
#: Where OpenCV's FFmpeg has its options from.
VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
#: Guards it, and has an entry for each thread that needs it: one camera that hangs keeps no other waiting.
SETTING = threading.Lock()
OPENING_NOW: list[str] = []
#: Answers.
OK, UNAUTHORIZED = 200, 401
#: Bytes of an answer's first line; more is no answer of RTSP.
LONGEST_LINE = 8192


def connect(address: str, name: str, patience: float, shown: Shown) -> Connection:
    """Open a stream.

    Parameters
    ----------
    address : str
    name : str
        For messages; no passwords.
    patience : float
        Seconds; a read that blocks ends by itself after at most twice that.
    shown : Shown
        The same for all connections to a stream, which are made one after another.

    Raises
    ------
    SourceError
        With what is known of the reason.
    """
    scheme = address.partition("://")[0].lower()
    if scheme in PORTS:
        _reach(address, name, PORTS[scheme], max(patience, OPENING))
    opened: _Av | _Cv
    try:
        av = importlib.import_module("av")
    except ImportError:
        opened = _Cv(address, name, patience)
    else:
        opened = _Av(av, address, name, patience)
    return Paced(opened, shown) if opened.in_pieces else opened


def _reach(address: str, name: str, port: int, timeout: float) -> None:
    """Connect and hang up: FFmpeg does not tell a host that is off from a path that is wrong."""
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname or "", parts.port or port), timeout).close()
    except ConnectionRefusedError:
        raise refused(name) from None
    except TimeoutError:
        raise silent(name, timeout) from None
    except (socket.gaierror, UnicodeError):
        raise unknown_host(name) from None
    except OSError as error:
        raise SourceError(f"{name}: cannot be reached ({error.strerror}); check the network") from None


class _Av(Connection):
    """By PyAV: it gives the sender's own stamps."""

    def __init__(self, av: ModuleType, address: str, name: str, patience: float) -> None:
        self._av, self._name = av, name
        began, timeout = time.monotonic(), max(patience, OPENING)
        try:
            self._container = av.open(address, timeout=(timeout, patience), options=OPTIONS)
        except (av.FFmpegError, OSError, ValueError) as error:  # the first has either base, or none
            raise self._reason(error, timeout, time.monotonic() - began) from None
        if not self._container.streams.video:
            self._container.close()
            raise unusable(name)
        stream = self._container.streams.video[0]
        stream.thread_type = "SLICE"  # threads for whole pictures give each as many pictures late
        self.finite = self._container.duration is not None
        self.in_pieces = self._container.format.name.startswith("hls")
        self._packets = self._container.demux(stream)
        self._decoded: list[Any] = []

    def _reason(self, error: Exception, timeout: float, elapsed: float) -> SourceError:
        match error:
            case self._av.error.HTTPUnauthorizedError():
                return unauthorized(self._name)
            case self._av.error.HTTPNotFoundError():
                return status_error(self._name, 404)
        return silent(self._name, timeout) if elapsed >= timeout else unusable(self._name)

    def read(self) -> tuple[float | None, Frame]:
        while not self._decoded:
            try:
                packet = next(self._packets, None)
            except (self._av.FFmpegError, OSError, ValueError):
                packet = None
            if packet is None or (packet.dts is None and packet.size == 0):  # the second flushes: the end
                raise ended(self._name)
            try:
                self._decoded = packet.decode()
            except (self._av.FFmpegError, ValueError) as error:
                raise BadPicture from error
        picture = self._decoded.pop(0)
        frame: Frame = picture.to_ndarray(format="bgr24")
        return picture.time, frame

    def close(self) -> None:
        self._container.close()
        # The decoder's threads end with the last reference, and the failure that is remembered refers to this object.
        del self._container, self._packets, self._decoded


class _Cv(Connection):
    """By OpenCV, whose FFmpeg passes over bad pictures itself."""

    def __init__(self, address: str, name: str, patience: float) -> None:
        self._name = name
        began, timeout = time.monotonic(), max(patience, OPENING)
        try:
            with _options() if urlsplit(address).scheme in PORTS else contextlib.nullcontext():
                self._capture = open_capture(address, name, (timeout, patience))
        except SourceError:
            raise _asked(address, name, timeout, time.monotonic() - began) from None
        self.finite = self._capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0
        self.in_pieces = urlsplit(address).path.endswith(".m3u8")  # OpenCV does not tell the format

    def read(self) -> tuple[float | None, Frame]:
        try:
            ok, picture = self._capture.read()
        except cv2.error:
            ok = False
        if not ok:
            raise ended(self._name)
        stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return stamp if math.isfinite(stamp) else None, as_frame(picture)

    def close(self) -> None:
        self._capture.release()


@contextlib.contextmanager
def _options() -> Iterator[None]:
    """Have OpenCV look at a camera for a second: it looks at one of 5 Hz for longer than we wait.

    It takes options from a variable of the whole process alone. So these are as few as can be, and no longer there than
    they must; a user's own stay.
    """
    ours = f"rtsp_transport;tcp|analyzeduration;{OPTIONS['analyzeduration']}"
    with SETTING:
        OPENING_NOW.append(ours)
        os.environ.setdefault(VARIABLE, ours)
    try:
        yield
    finally:
        with SETTING:
            OPENING_NOW.pop()
            if not OPENING_NOW and os.environ.get(VARIABLE) == ours:
                del os.environ[VARIABLE]


def _asked(address: str, name: str, timeout: float, elapsed: float) -> SourceError:
    """Why OpenCV could not open it, which it does not tell: the camera is asked again."""
    if elapsed >= timeout:
        return silent(name, timeout)
    parts = urlsplit(address)
    if parts.scheme != "rtsp":
        return unusable(name)
    try:
        code, challenge = _described(parts, timeout)
        if code == UNAUTHORIZED and parts.username is not None:  # as it says to all who say no password
            code, _ = _described(parts, timeout, _authorization(parts, challenge))
    except (OSError, ValueError, KeyError):  # the last two: what it wants is not known here
        return unusable(name)
    return status_error(name, code) if code not in (0, OK) else unusable(name)


def _described(parts: SplitResult, timeout: float, authorization: str = "") -> tuple[int, str]:
    """The status of a camera's answer, 0 for none of RTSP, and what login it wants."""
    lines = [f"DESCRIBE {_bare(parts)} RTSP/1.0", "CSeq: 1", "Accept: application/sdp"]
    lines += [f"Authorization: {authorization}"] if authorization else []
    with socket.create_connection((parts.hostname or "", parts.port or PORTS["rtsp"]), timeout) as asked:
        asked.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = asked.makefile("rb")
        words = answer.readline(LONGEST_LINE).split()
        if len(words) < 2 or not words[0].startswith(b"RTSP/") or not words[1].isdigit():
            return 0, ""
        headers = http.client.parse_headers(answer)
    return int(words[1]), headers.get("WWW-Authenticate", "")


def _authorization(parts: SplitResult, challenge: str) -> str:
    """The answer to a camera that wants a login; KeyError or ValueError where it is of no known kind."""
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    kind, _, rest = challenge.partition(" ")
    if kind.lower() == "basic":
        return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
    known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    place = f"http://{parts.netloc.rpartition('@')[2]}/"  # urllib knows no RTSP
    known.add_password(None, place, user, password)
    request = urllib.request.Request(place, method="DESCRIBE")
    request.selector = _bare(parts)  # RTSP's digest is of the whole address
    words = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
    answer = urllib.request.AbstractDigestAuthHandler(known).get_authorization(request, words)
    if kind.lower() != "digest" or not answer:
        raise ValueError("a login of another kind")
    return f"Digest {answer}"


def _bare(parts: SplitResult) -> str:
    """The address without user and password."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
