"""HTTP requests as deliveries need them: no redirects, bounded in time, errors as one line without the address."""

from __future__ import annotations

import base64
import http.client
import urllib.error
import urllib.request
from typing import Any

from edgevtn.sinks.address import Address
from edgevtn.sinks.delivery import Refused

#: Seconds for a connection, and between two parts of an answer.
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


def authorization(address: Address, token: str | None = None) -> dict[str, str]:
    """The header that an address with a user, or a token, asks for."""
    if token is not None:
        return {"Authorization": f"Bearer {token}"}
    if address.user is None:
        return {}
    pair = base64.b64encode(f"{address.user}:{address.password or ''}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def send(method: str, url: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Send JSON, and return the answer's body.

    Raises
    ------
    Refused
        The answer says that this request will never succeed.
    ConnectionError
        It may succeed later.
    """
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"} | headers, method=method)
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            content: bytes = answer.read(LONGEST_ANSWER)
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
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionError(f"does not answer ({type(error).__name__})") from None
