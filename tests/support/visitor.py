"""A page opened on a free port, and requests to it as a browser or a stranger sends them."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from broker import PATIENCE

from edgevtn import Prediction


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def get(url: str, **headers: str) -> tuple[int, Any, bytes]:
    """Status, headers and body of an answer; an underscore in a header's name stands for a hyphen."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with OPENER.open(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def state(url: str, query: str = "") -> dict[str, Any]:
    """What the page's script gets."""
    status, _, body = get(f"{url}state{query}")
    assert status == 200
    found: dict[str, Any] = json.loads(body)
    return found


def until(condition: Callable[[], object]) -> None:
    """Wait for what only asking tells."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def prediction(
    probabilities: list[float],
    labels: tuple[str, ...] = ("wave", "walk"),
    label: str | None = None,
    model: str = "m",
    t: float = 1,
) -> Prediction:
    values = np.array(probabilities, np.float32)
    best = int(values.argmax())
    return Prediction(model, label or labels[best], float(values[best]), values, t, t - 1, labels)


class Viewer:
    """Looks at the picture through a socket of its own."""

    def __init__(self, url: str, query: str = "") -> None:
        place = urlsplit(url)
        self._socket = socket.create_connection((place.hostname, place.port), PATIENCE)
        self._socket.sendall(f"GET /picture{query} HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
        self._file = self._socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self._header()

    def _header(self) -> dict[bytes, bytes]:
        found = {}
        while line := self._file.readline().strip():
            name, _, value = line.partition(b":")
            found[name.lower()] = value.strip()
        return found

    def _chunk(self) -> bytes:
        content = self._file.read(int(self._file.readline(), 16))
        assert self._file.readline() == b"\r\n"
        return content

    def jpeg(self) -> bytes:
        """The next picture."""
        chunk = self._chunk()
        header, _, rest = chunk.partition(b"\r\n\r\n")
        assert b"Content-Type: image/jpeg" in header
        assert rest.endswith(b"\r\n--picture\r\n")
        content = rest.removesuffix(b"\r\n--picture\r\n")
        assert int(header.rpartition(b":")[2]) == len(content)
        return content

    def ended(self) -> bool:
        """Whether the stream is at its end; waits for it."""
        return self._file.readline() in (b"0\r\n", b"")

    def leave(self) -> None:
        self._file.close()
        self._socket.close()
