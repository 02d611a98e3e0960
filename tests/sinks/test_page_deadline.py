"""Whoever connects to the page and says nothing, or says it for ever, keeps nobody else out."""

import contextlib
import http.client
import socket
import sys
from urllib.parse import urlsplit

import numpy as np
import pytest
from broker import PATIENCE
from visitor import Viewer, get

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from edgevtn.sinks.page.deadline import protocol
from edgevtn.sinks.page.sink import MOST_CONNECTIONS, Page

GREY = np.full((90, 160, 3), 120, np.uint8)


@pytest.fixture(autouse=True)
def haste(monkeypatch):
    monkeypatch.setattr("edgevtn.sinks.page.deadline.PATIENCE", 0.3)


@pytest.fixture
def page():
    page = Page("127.0.0.1:0")
    yield page
    page.close()


def connected(page):
    return socket.create_connection((urlsplit(page.url).hostname, urlsplit(page.url).port), PATIENCE)


def is_closed(connection):
    """Whether the other side closes it; waits for that."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def drips(connection, beginning):
    """Say so, and then a letter at a time, until the connection is closed; True if that was because of us."""
    connection.sendall(beginning)
    connection.settimeout(0.05)
    for _ in range(round(PATIENCE / 0.05)):
        try:
            if connection.recv(1000) == b"":
                return True
        except TimeoutError:
            with contextlib.suppress(OSError):  # closed between the two
                connection.sendall(b"x")
        except ConnectionError:
            return True
    return False


def test_silent_connections_are_closed_and_the_page_answers(page):
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(page)) for _ in range(MOST_CONNECTIONS)]
        assert all(map(is_closed, silent))
        for address in ("", "state", "metrics"):
            assert get(page.url + address)[0] == 200


@pytest.mark.parametrize("token", [None, "0123456789abcdef"])
@pytest.mark.parametrize(
    "beginning",
    [
        b"GET",
        b"GET /state HTTP/1.1\r\nHost: 127.0.0.1\r\nX-More: ",
        b"POST /teach HTTP/1.1\r\nHost: 127.0.0.1\r\nX-EdgeVTN: page\r\nContent-Length: 1000\r\n\r\n",
        b"GET /state HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /state HTTP/1.1\r\nX-More: ",  # a second one
    ],
)
def test_a_request_that_never_is_whole_is_cut_off(token, beginning):
    page = Page("127.0.0.1:0", token=token)
    try:
        with connected(page) as connection:
            assert drips(connection, beginning)
    finally:
        page.close()


def test_who_looks_at_the_picture_is_not_cut_off(page):
    page.frame(GREY, 0)
    viewer = Viewer(page.url)
    assert viewer.jpeg()
    with connected(page) as later:
        assert is_closed(later)
    page.frame(GREY, 1)
    assert viewer.jpeg()
    viewer.leave()


def test_a_connection_is_good_for_several_requests(page):
    place = urlsplit(page.url)
    with contextlib.closing(http.client.HTTPConnection(place.hostname, place.port, timeout=PATIENCE)) as client:
        for _ in range(2):
            client.request("GET", "/state")
            assert client.getresponse().read()
            with connected(page) as other:
                assert is_closed(other)  # so much time has passed


@pytest.mark.parametrize("broken", ["module", "class"])
def test_another_uvicorn_is_taken_as_it_is(monkeypatch, broken):
    module = "uvicorn.protocols.http.h11_impl"
    if broken == "module":
        monkeypatch.setitem(sys.modules, module, None)
    else:
        monkeypatch.setattr(f"{module}.H11Protocol", None)
    assert protocol() == "h11"


def test_where_nobody_knows_whether_a_request_came_nothing_is_closed(monkeypatch):
    monkeypatch.setattr("h11.Connection.their_state", property(lambda self: "SOMETHING ELSE"))
    page = Page("127.0.0.1:0")
    try:
        with connected(page) as silent:
            assert get(page.url)[0] == 200
            silent.settimeout(1)
            with pytest.raises(TimeoutError):
                silent.recv(1)
    finally:
        page.close()
