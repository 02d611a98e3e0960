"""HTTP requests as deliveries need them: no redirects, bounded in time, errors as one line without the address."""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import threading
import urllib.error
import urllib.request
from typing import Any, Self

from edgevtn.sinks.address import Address
from edgevtn.sinks.delivery import Refused

#: Seconds for a request as a whole; where a host has several addresses, for a connection to each.
TIMEOUT = 10.0
#: Bytes of an answer that are read.
LONGEST_ANSWER = 1_000_000
#: Answers below 500 after which the same request may succeed: time-outs, too early, too many; and a login that is
#: put right.
PASSING = {401, 403, 407, 408, 425, 429}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET, and the event would be lost."""

    def redirect_request(self, *_: Any) -> None:
        return None


class _Deadline:
    """Breaks connections off when ten seconds have passed; a socket's own time-out begins anew with every byte."""

    def __init__(self) -> None:
        self.passed = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(TIMEOUT, self._pass)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def note(self, connection: socket.socket) -> None:
        """This is to be broken off."""
        self._sockets.append(connection)
        if self.passed:
            self._pass()

    def _pass(self) -> None:
        self.passed = True
        for connection in self._sockets:
            with contextlib.suppress(OSError):  # it is closed already
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # TLS's own is for the thread that reads


class _Noting(urllib.request.AbstractHTTPHandler):
    """Notes the sockets of requests: when the body is read, urllib gives them to nobody."""

    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def do_open(self, http_class: Any, req: urllib.request.Request, **options: Any) -> Any:
        deadline = self._deadline

        class Connection(http_class):  # type: ignore[misc]
            def connect(self) -> None:
                super().connect()
                deadline.note(self.sock)

        return super().do_open(Connection, req, **options)


class _Http(_Noting, urllib.request.HTTPHandler):
    pass


class _Https(_Noting, urllib.request.HTTPSHandler):
    pass


def authorization(address: Address, token: str | None = None) -> dict[str, str]:
    """The header that an address with a user, or a token, asks for.

    Raises
    ------
    ValueError
        The token cannot stand in a header; the message does not repeat it.
    """
    if token is not None:
        if not token or not token.isascii() or not token.isprintable():
            raise ValueError("expected a token of one line of printable ASCII characters, got something else")
        return {"Authorization": f"Bearer {token}"}
    if address.user is None:
        return {}
    pair = base64.b64encode(f"{address.user}:{address.password or ''}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def send(method: str, url: str, body: bytes, headers: dict[str, str], *, answered: bool = False) -> bytes:
    """Send JSON, and return the answer's body, within ten seconds.

    Parameters
    ----------
    method, url, body, headers
    answered : bool
        Whether the answer's body is wanted; otherwise it is not waited for, and the result is empty.

    Raises
    ------
    Refused
        The answer says that this request will never succeed, or it is none that HTTP can carry.
    ConnectionError
        It may succeed later.
    """
    deadline = _Deadline()
    try:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"} | headers, method=method)
        opener = urllib.request.build_opener(_NoRedirect, _Http(deadline), _Https(deadline))
        with deadline, opener.open(request, timeout=TIMEOUT) as answer:
            content: bytes = answer.read(LONGEST_ANSWER) if answered else b""
        if deadline.passed:  # it may not be all
            raise TimeoutError
        return content
    except urllib.error.HTTPError as error:
        error.close()
        reason = f"the answer is {error.code} {http.client.responses.get(error.code, '')}".rstrip()
        if error.code < 500 and error.code not in PASSING:
            hint = "; give the address that it redirects to" if error.code < 400 else ""
            raise Refused(f"{reason}{hint}") from None
        raise ConnectionError(reason) from None
    except urllib.error.URLError as error:
        raise ConnectionError(f"cannot be reached ({error.reason})") from None
    except (ValueError, http.client.InvalidURL):  # their texts repeat headers and addresses, and so tokens
        raise Refused("it cannot be sent by HTTP") from None
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionError(f"does not answer ({type(error).__name__})") from None
