"""Addresses of what events are delivered to, taken apart so that no password is ever in a message."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from edgevtn.reading import read_text

#: Bytes of a file with a password or a token.
LONGEST_SECRET = 65536


@dataclass(frozen=True)
class Address:
    """An address without its password, and apart from it the user and the password.

    Attributes
    ----------
    url : str
        As it is called: no user, no password; what HTTP cannot carry is quoted, as in ``t%C3%BCr``.
    name : str
        As it is printed: no path and no query either, in which services hide tokens.
    """

    scheme: str
    host: str
    port: int | None
    url: str = field(repr=False)
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)

    @property
    def name(self) -> str:
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")


def parse_address(text: str, schemes: tuple[str, ...]) -> Address:
    """Take an address apart.

    Raises
    ------
    ValueError
        It is none of these schemes, or has no host; the message does not repeat it.
    """
    expected = f"expected an address like {schemes[0]}://user@host"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")  # as it is looked up
    except ValueError:  # also a UnicodeError
        raise ValueError(f"{expected}; the host or the port of the one given cannot be read") from None
    if parts.scheme not in schemes or not host:
        raise ValueError(f"{expected}, with one of the schemes {', '.join(schemes)}")
    bracketed = f"[{host}]" if ":" in host else host
    place = bracketed + (f":{port}" if port else "")
    url = urlunsplit((parts.scheme, place, _quoted(parts.path), _quoted(parts.query), ""))
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    return Address(parts.scheme, bracketed, port, url, user, password)


def _quoted(part: str) -> str:
    """A path or query with what is not printable ASCII quoted; what is quoted already stays, as "%" does."""
    return quote(part, safe=string.punctuation, errors="surrogateescape")  # bytes of a command line that are no UTF-8


def read_secret(file: str | Path) -> str:
    """A password or token from a file, without the line's end.

    Raises
    ------
    ValueError
        The file cannot be read, or is empty.
    """
    try:
        secret = read_text(file, LONGEST_SECRET).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise ValueError(f"{file}: no password can be read from it ({reason})") from None
    if not secret:
        raise ValueError(f"{file}: is empty; expected a password")
    return secret
