"""Who may see the page."""

import os
import socket
import subprocess
import sys

import pytest
from broker import PATIENCE
from visitor import get

from edgevtn.errors import OutputError

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from edgevtn.cli.main import main
from edgevtn.sinks.page.address import is_ours
from edgevtn.sinks.page.sink import Page

TOKEN = "a-t0ken-of-some-length"
ADDRESSES = ["", "page.js", "teach.js", "page.css", "icon.svg", "state", "metrics", "picture", "none"]


@pytest.fixture
def page():
    page = Page("127.0.0.1:0", hosts=["Board.Example"])
    yield page
    page.close()


@pytest.fixture
def closed():
    """A page with a token, where others can reach it."""
    page = Page("0.0.0.0:0", token=TOKEN)
    yield f"http://127.0.0.1:{page.url.rpartition(':')[2]}"
    page.close()


def test_headers_of_every_answer(page):
    for address in ("", "page.js", "state", "metrics", "none"):
        for more in ({}, {"Host": "evil.example"}):
            _, headers, _ = get(page.url + address, **more)
            policy = headers["Content-Security-Policy"].split("; ")
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cache-Control"] == "no-store"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert not [name for name in headers if name.lower().startswith("access-control")]
            assert headers["Server"] is None


def test_other_names_are_refused(page):
    port = page.url.rpartition(":")[2][:-1]
    for name in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil", "[::1].evil", ""):
        for address in ADDRESSES:
            status, _, body = get(page.url + address, Host=name)
            assert status == 421
            assert b"--page-host" in body
    for name in ("localhost", f"LOCALHOST:{port}", "127.0.0.1", "[::1]", "board.example:80", socket.gethostname()):
        assert get(page.url, Host=name)[0] == 200


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("localhost", True), ("localhost.", True), ("localhost:80", True), ("10.0.0.7:8080", True),
        ("[fe80::1]:1", True), ("[::1]", True),
        ("localhost:80:80", False), ("localhost:x", False), ("a.localhost", False), (":80", False),
        ("[::1", False), ("[localhost]", False), ("2130706433.nip.io", False),
    ],
)  # fmt: skip
def test_names(host, ours):
    assert is_ours(host, frozenset({"localhost"})) is ours


def test_other_sites_get_nothing(page):
    for site in ("cross-site", "same-site"):
        assert get(f"{page.url}picture", Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors")[0] == 403
        assert get(page.url, Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate")[0] == 200  # a link
    assert get(f"{page.url}state", Sec_Fetch_Site="same-origin", Sec_Fetch_Mode="cors")[0] == 200


def test_without_the_token_there_is_nothing(closed):
    wrong = [
        {}, {"Cookie": f"edgevtn={TOKEN}"}, {"Cookie": f"edgevtn-{closed.rpartition(':')[2][:-1]}={TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": TOKEN}, {"Authorization": "Bearer \xe9"},
    ]  # fmt: skip
    for headers in wrong:
        for address in ADDRESSES:
            status, _, body = get(closed + address, **headers)
            assert status == 401
            assert TOKEN.encode() not in body
    for query in ("?token=", "?token=wrong", f"?token={TOKEN[:-1]}", "?token=%C3%A9", f"?Token={TOKEN}"):
        assert get(closed + query)[0] == 401
    assert get(f"{closed}state?token={TOKEN}")[0] == 401  # the page alone takes it


def test_the_token_becomes_a_cookie(closed):
    status, headers, body = get(f"{closed}?token={TOKEN}")
    assert (status, headers["Location"], body.strip()) == (303, "/", b"")
    cookie, *flags = headers["Set-Cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(flags)
    assert TOKEN not in cookie
    for address in ("", "page.js", "state", "metrics"):
        assert get(closed + address, Cookie=f"other=1; {cookie}")[0] == 200
    assert get(closed, Cookie=f"{cookie}0")[0] == 401
    assert get(f"{closed}metrics", Authorization=f"Bearer {TOKEN}")[0] == 200


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
def test_elsewhere_only_with_a_token(address):
    with pytest.raises(ValueError, match="needs a token.*--page-token-file"):
        Page(address)


def test_addresses_that_are_none():
    for address in ("", ":8080", "host:port", "127.0.0.1:99999", "[::1]8080", "::1", "SOURCE.mp4"):
        with pytest.raises(ValueError, match="--page"):
            Page(address)
    with pytest.raises(ValueError, match="at least 16 characters, got 5"):
        Page("127.0.0.1:0", token="short")
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        with pytest.raises(OutputError, match="cannot be listened at .*choose another port"):
            Page(f"127.0.0.1:{port}")


@pytest.mark.parametrize("way", ["file", "variable"])
def test_the_command(demo_clip, tiny, tmp_path, way):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    more, environment = ["--page-token-file", tmp_path / "token"], {}
    if way == "variable":
        more, environment = [], {"EDGEVTN_PAGE_TOKEN": TOKEN}
    done = subprocess.run(
        [sys.executable, "-m", "edgevtn", "serve", demo_clip, "--model", tiny, "--seconds", "2",
         "--page", "0.0.0.0:0", *more],
        capture_output=True, text=True, timeout=3 * PATIENCE, check=False, env=os.environ | environment,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"edgevtn: the page is at http://{socket.gethostname()}:")
    assert TOKEN not in done.stdout + done.stderr


def test_the_command_without_a_token_begins_nothing(demo_clip, tiny, tmp_path, capsys):
    arguments = ["run", str(demo_clip), "--model", str(tiny), "--json-file", str(tmp_path / "e.jsonl")]
    assert main([*arguments, "--page", "0.0.0.0:0"]) == 1
    assert "needs a token" in capsys.readouterr().err
    assert not list(tmp_path.glob("e.jsonl*"))
