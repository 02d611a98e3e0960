"""Where the page listens, and by which names it may be called."""

from __future__ import annotations

import ipaddress
import socket

from edgevtn.defaults import ADDRESS
from edgevtn.errors import OutputError

PORT = 8080
#: Connections that wait to be accepted; a few browsers' worth.
BACKLOG = 16
#: Characters of a token at least: half of what `openssl rand -hex 16` gives, and still not to be guessed.
SHORTEST_TOKEN = 16


def listen(address: str, token: str | None) -> socket.socket:
    """Open the socket.

    Parameters
    ----------
    address : str
        ``host:port``, ``[::1]:port``, a host or a port alone; port 0 is one that is free.
    token : str, optional
        Without it the host must be this machine.

    Raises
    ------
    ValueError
        The address cannot be read, others could reach it and there is no token, or the token is short.
    OutputError
        The address is in use, or not this machine's.
    """
    host, port = _parse(address)
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise ValueError(f"--page {address}: the host cannot be found ({error.strerror})") from None
    if token is None and not ipaddress.ip_address(str(place[0]).partition("%")[0]).is_loopback:
        raise ValueError(
            f"--page {address}: others could see it, so it needs a token; make a file of it (openssl rand -hex 16) "
            "and give --page-token-file FILE"
        )
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise ValueError(f"expected a page token of at least {SHORTEST_TOKEN} characters, got {len(token)}")
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OutputError(f"--page {address}: cannot be listened at ({error.strerror}); choose another port") from None
    return listener


def url(listener: socket.socket) -> str:
    """The page's address for a browser on this machine, or for one elsewhere if it listens everywhere."""
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        host = socket.gethostname()
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def is_ours(header: str, names: frozenset[str]) -> bool:
    """Whether a Host header is an address in numbers or one of the names.

    Another site can have its own name lead to us, and its pages would then read ours. It cannot do so with an address
    in numbers, which nobody looks up.
    """
    host = header.strip().lower()
    host, mark, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not mark:
        host = host or port
    elif not port.isdecimal():
        return False
    if host.rstrip(".") in names:
        return True
    try:
        ipaddress.ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    except ValueError:
        return False
    return True


def own_names() -> frozenset[str]:
    """Names of this machine, its name in the local network included."""
    name = socket.gethostname().lower()
    return frozenset({"localhost", name, f"{name.partition('.')[0]}.local"})


def _parse(address: str) -> tuple[str, int]:
    expected = f"--page {address}: expected HOST:PORT, as in {ADDRESS}"
    if address.isdecimal():
        host, port = "127.0.0.1", address
    elif address.startswith("["):
        host, _, rest = address[1:].partition("]")
        port = rest.removeprefix(":") or str(PORT)
        if rest and not rest.startswith(":"):
            raise ValueError(expected)
    else:
        host, _, port = address.partition(":")
        port = port or str(PORT)
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(expected)
    return host, int(port)
