"""Addresses of cameras, and what of them may be printed: the host and no more.

A password stands where a user was told to put it, and elsewhere: in the path (``/user=admin&password=X``), behind a
semicolon, in a token, or in an address with a slash too few, which looks like a file's name.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, urlsplit

from edgevtn.errors import SourceError
from edgevtn.reading import kind_of, read_text

#: The password of addresses that have a user and none, and a file that has it: every user of the machine can read
#: the command line of a process, but not these.
PASSWORD, PASSWORD_FILE = "EDGEVTN_SOURCE_PASSWORD", "EDGEVTN_SOURCE_PASSWORD_FILE"
LONGEST_PASSWORD = 65536
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
#: Those that are printed; what else stands before "://" may be a password, too.
KNOWN = {"camera", "picamera", "file", "ftp", "http", "https", "mms", "rtmp", "rtmps", "rtp", "rtsp", "rtsps", "srt"}
KNOWN |= {"tcp", "udp"}
#: A name of a host, or an address of the internet's protocol, which may stand in brackets.
HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+(%\w+)?")
#: What an address has, and few names of files: if there is no such file, the text is not repeated.
SUSPICIOUS = re.compile(r"[@=;&|?]|:/|^\w{2,}:")
HINT = 'expected one as in rtsp://user:password@host/path, with "/" and "@" in a password as %2F and %40'


def redact(source: str) -> str:
    """Name of a source that may be printed: the host alone of an address, as some cameras' paths hold a password.

    A port is kept behind what is clearly a host: in ``rtsp://admin:12345`` it would be a password.
    """
    scheme, mark, _ = source.partition("://")
    if not mark:
        return printable_path(source)
    if scheme.lower() not in KNOWN:
        return "the address"
    host, port = _place(source)
    if not host:
        return f"{scheme}://..."
    shown = f"[{host}]" if ":" in host else host
    clear = "." in host or ":" in host or host == "localhost"
    return f"{scheme}://{shown}:{port}" if port and clear else f"{scheme}://{shown}"


def source_name(source: str | int | Path) -> str:
    """Short name of a source, without passwords: a file's name, "camera 0", or of an address the host alone."""
    name = str(source)
    scheme, mark, rest = name.partition("://")
    if scheme == "camera" and mark:
        name = rest
    elif mark:
        return _place(name)[0] or (scheme if scheme.lower() in KNOWN else "source")
    if name.isdecimal():
        return f"camera {name}"
    return Path(name).name or name if printable_path(name) == name else "source"


def printable_path(name: str) -> str:
    """What may be printed of a name without "://": all, unless nothing has this name and it could be an address."""
    return "the source" if SUSPICIOUS.search(name) and not kind_of(name) else name


def checked_address(address: str) -> str:
    """An address, with the password that stands elsewhere if it has a user and none.

    Raises
    ------
    SourceError
        It is none. Nothing of it is repeated but a host.
    """
    scheme = address.partition("://")[0]
    host, _ = _place(address)
    if not SCHEME.fullmatch(scheme) or not host:
        raise SourceError(f"{redact(address)}: is no address of a camera; {HINT}")
    parts = urlsplit(address)
    address = parts.geturl()  # in which the scheme is in small letters, as FFmpeg wants it
    if not parts.username or parts.password is not None:
        return address
    password = _password()
    if password is None:
        return address
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(parts.username, safe='%')}:{quote(password, safe='')}@{place}").geturl()


def _password() -> str | None:
    file = os.environ.get(PASSWORD_FILE)
    if not file:
        return os.environ.get(PASSWORD) or None
    try:
        return read_text(file, LONGEST_PASSWORD).rstrip("\r\n") or None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise SourceError(f"{file}: no password can be read from it ({reason}); {PASSWORD_FILE} names it") from None


def _place(address: str) -> tuple[str, int | None]:
    """Host and port; no host where it is not certain, as with an "@" in what looks like the path."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "", None
    behind = address.partition("://")[2][len(parts.netloc) :]
    uncertain = "@" in behind.partition("?")[0] or not HOST.fullmatch(host)
    return ("", None) if uncertain else (host, port)
