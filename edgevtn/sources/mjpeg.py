"""JPEG pictures over HTTP, as most cheap cameras send them: read here, so that a bad picture costs just itself."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import cv2
import numpy as np

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError
from edgevtn.sources.capture import as_frame
from edgevtn.sources.connection import BadPicture, Connection, ended, refused, silent, status_error, unknown_host

#: Bytes of a header's line; more is no header.
LONGEST_LINE = 8192
#: Bytes: a larger picture is none that a camera sends.
LARGEST_PICTURE = 64 << 20
#: Bytes at the end of a picture among which its end mark must be; some cameras fill up with zeros or add a comment.
TAIL = 1024
#: Kinds of a snapshot, which FFmpeg would open, and wait for more.
SINGLE = ("image/jpeg", "image/png")
#: A header's line.
HEADER = re.compile(rb"[A-Za-z-]+[ \t]*:")


def connect(address: str, name: str, timeout: float) -> Mjpeg | None:
    """Ask an address for its pictures.

    Parameters
    ----------
    address : str
        http or https; a user and password in it answer what the camera asks for, basic or digest.
    name : str
        For messages; no passwords.
    timeout : float
        Seconds to wait for each answer.

    Returns
    -------
    Mjpeg or None
        None if something else than a row of pictures is there: that is for FFmpeg.

    Raises
    ------
    SourceError
        Nothing is there, or not for this user.
    """
    parts = urlsplit(address)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    if parts.username is not None:
        # For all of the host, as it may redirect; to TLS, too, but not back.
        host = parts.netloc.rpartition("@")[2]
        places = [f"{parts.scheme}://{host}/", f"https://{host.removesuffix(f':{parts.port}')}/"]
        passwords.add_password(None, places, unquote(parts.username), unquote(parts.password or ""))
    answers = _Answers()
    opener = urllib.request.build_opener(
        urllib.request.HTTPBasicAuthHandler(passwords), urllib.request.HTTPDigestAuthHandler(passwords), answers
    )
    try:
        response = opener.open(bare, timeout=timeout)
    except urllib.error.HTTPError as error:
        raise status_error(name, error.code) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        match reason:
            case ConnectionRefusedError():
                raise refused(name) from None
            case TimeoutError():
                raise silent(name, timeout) from None
            case socket.gaierror():
                raise unknown_host(name) from None
            case ssl.SSLError() | http.client.HTTPException() | ValueError():
                return None  # FFmpeg is less strict
        raise SourceError(f"{name}: cannot be reached ({type(reason).__name__}); check the network") from None
    finally:
        answers.close()
    kind = response.headers.get_content_type()
    if kind != "multipart/x-mixed-replace":
        response.close()
        if kind in SINGLE:
            raise SourceError(f"{name}: gives a single picture; give the address of its stream, MJPEG or RTSP")
        return None
    return Mjpeg(response, name)


class _Answers(urllib.request.BaseHandler):
    """Closes the answers before the last, as to a request without a password, and the last unless it is of use."""

    def __init__(self) -> None:
        self._useless: list[Any] = []

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        if response.status != 200:
            self._useless.append(response)
        return response

    https_response = http_response

    def close(self) -> None:
        for response in self._useless:
            response.close()


class Mjpeg(Connection):
    """A row of JPEG pictures.

    Parameters
    ----------
    response : http.client.HTTPResponse
        Its headers have been read.
    name : str
        For messages.
    """

    def __init__(self, response: Any, name: str) -> None:
        self._response, self._name = response, name
        # A file number of our own: that of the response may be another file's by the time it is interrupted.
        self._socket, self._lock = socket.socket(fileno=os.dup(response.fileno())), threading.Lock()
        self._boundary = b""
        self._parts = self._pictures()

    def read(self) -> tuple[float | None, Frame]:
        """The next picture; none of half a file, which OpenCV would fill up with grey."""
        try:
            content = next(self._parts, None)
        except (OSError, EOFError, ValueError, http.client.HTTPException):  # ValueError: closed, or too large
            content = None
        if content is None:
            raise ended(self._name)
        if b"\xff\xd9" not in content[-TAIL:]:
            raise BadPicture
        try:
            picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error as error:
            raise BadPicture from error
        if picture is None:
            raise BadPicture
        return None, as_frame(picture)

    def interrupt(self) -> None:
        """Wake the reader: its socket has ended."""
        with self._lock, contextlib.suppress(OSError):  # it is closed, or the other side has gone
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket."""
        with self._lock:
            self._socket.close()
        self._response.close()

    def _pictures(self) -> Iterator[bytes]:
        """The parts' contents."""
        line = self._line()
        while line:
            if not line.startswith(b"--"):
                line = self._line()
                continue
            self._boundary = line.strip().strip(b"-")  # that of the answer's header may be another
            length, begun = self._headers()
            if length == 0:  # of those who do not know it
                content, line = self._until_boundary(begun)
            else:
                content, line = self._exactly(length), self._line()
            yield content

    def _headers(self) -> tuple[int, bytes]:
        """The length that they tell, 0 for none, and the first line of the content if it was read."""
        length, line = 0, self._line()
        if line and not line.strip():  # there are no headers, or they follow
            line = self._line()
            if not HEADER.match(line):
                return 0, line
        while line.strip():
            key, _, value = line.partition(b":")
            if key.strip().lower() == b"content-length" and value.strip().isdigit():
                length = int(value)
            line = self._line()
        return length, b""

    def _line(self) -> bytes:
        line: bytes = self._response.readline(LONGEST_LINE)
        return line

    def _exactly(self, length: int) -> bytes:
        if length > LARGEST_PICTURE:
            raise ValueError("too large")
        content = bytearray()
        while len(content) < length:
            piece = self._response.read1(length - len(content))
            if not piece:
                raise EOFError
            content += piece
        return bytes(content)

    def _until_boundary(self, begun: bytes) -> tuple[bytes, bytes]:
        """A part that does not tell its length, and the line that ended it."""
        content, line = bytearray(), begun or self._line()
        end = re.compile(rb"\xff\xd9(?=--+" + re.escape(self._boundary) + rb"[\s-])")  # not on a line of its own
        while line:
            if line.startswith(b"--") and line.strip().strip(b"-") == self._boundary:
                break
            content += line
            found = end.search(content, max(0, len(content) - len(line) - len(self._boundary) - 64))
            if found is not None:
                line = bytes(content[found.end() :])
                del content[found.end() :]
                break
            line = self._line()
            if len(content) > LARGEST_PICTURE:
                raise ValueError("too large")
        return bytes(content), line
