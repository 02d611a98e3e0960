"""Who may read the page: checked before anything else, for every request."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from edgevtn.sinks.page.address import is_ours
from edgevtn.sinks.trouble import Trouble

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: With every answer. Nothing is loaded from elsewhere, framed by others, kept in a cache or told to another site.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: Days for which a browser need not be given the token again.
COOKIE_DAYS = 30


class Guard:
    """Lets requests through to `app` that come by one of our names, from our own page, and with the token.

    Parameters
    ----------
    app
        ASGI.
    names : frozenset of str
        Besides addresses in numbers; see `is_ours`.
    token : str or None
        Sent once as ``/?token=...``, then as a cookie; or always as ``Authorization: Bearer ...``.
    port : int
        Pages on other ports of this machine get the same cookies, so ours is named by its port.
    trouble : Trouble
        Told of what fails; no request is ever in it.
    """

    def __init__(self, app: App, names: frozenset[str], token: str | None, port: int, trouble: Trouble) -> None:
        self._app, self._names, self._trouble = app, names, trouble
        self._token = None if token is None else token.encode()
        self._name = f"edgevtn-{port}"
        # Not the token itself: it stays the same over runs, and tells nobody the token.
        self._pass = hmac.new(self._token or b"", b"edgevtn page", hashlib.sha256).hexdigest().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let `app` do so."""
        if scope["type"] != "http":
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        try:
            refusal = self._refuses(scope)
            if refusal is None:
                await self._app(scope, receive, sending)
            else:
                await _answer(sending, *refusal)
        except Exception as error:
            self._trouble.once(f"an answer failed ({type(error).__name__}); the page goes on")
            if not begun:
                await _answer(sending, 500, "Something went wrong here.")

    def _refuses(self, scope: Scope) -> tuple[int, str, dict[str, str]] | None:
        """The answer, if the request is not let through."""
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            headers[name.decode("latin-1")] = value.decode("latin-1")
        if not is_ours(headers.get("host", ""), self._names):
            return 421, "This is not the name of this page; call it by its address, or give --page-host NAME.", {}
        # Browsers say so where another site's page wants something of ours; a link to ours is no harm.
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate":
            return 403, "Other sites get nothing from here.", {}
        if scope["method"] not in ("GET", "HEAD"):
            # Only our own page's script sends this header: another site's would have to be allowed to, and is not.
            site = headers.get("sec-fetch-site", "none")
            if site == "none" and "origin" in headers:  # an old browser; else a proxy may have changed the host
                site = "same-origin" if urlsplit(headers["origin"]).netloc == headers["host"] else "cross-site"
            if site not in ("none", "same-origin") or headers.get("x-edgevtn") != "page":
                return 403, "This is done from the page alone.", {}
        if self._token is None:
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is(given.strip(), self._token):
            return None
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if scope["path"] == "/" and self._is(query.get("token", [""])[0], self._token):
            kept = f"Path=/; HttpOnly; SameSite=Lax; Max-Age={COOKIE_DAYS * 86_400}"
            cookie = f"{self._name}={self._pass.decode()}; {kept}"
            return 303, "", {"Location": "/", "Set-Cookie": cookie}  # away from the address that has the token in it
        for cookie in headers.get("cookie", "").split(";"):
            name, _, value = cookie.strip().partition("=")
            if name == self._name and self._is(value, self._pass):
                return None
        return 401, "This page needs its token: open it once as /?token=...", {"WWW-Authenticate": "Bearer"}

    def _is(self, given: str, expected: bytes) -> bool:
        """Compared in a time that does not tell how much of it is right."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), expected)


async def _answer(send: Send, status: int, text: str, headers: dict[str, str] | None = None) -> None:
    body = f"{text}\n".encode()
    own = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))} | (headers or {})
    pairs = [(name.lower().encode(), value.encode()) for name, value in own.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
