"""Requests: bounded in time whatever the server does, and no token or address in what is said about them."""

import argparse
import http.server
import socket
import threading

import pytest
from broker import PATIENCE

from edgevtn import Event
from edgevtn.cli.outputs import add_outputs, outputs
from edgevtn.sinks import Origin, Sink
from edgevtn.sinks.address import parse_address
from edgevtn.sinks.delivery import Refused
from edgevtn.sinks.frigate import Frigate
from edgevtn.sinks.http import send
from edgevtn.sinks.webhook import Webhook

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


@pytest.fixture
def dripping():
    """An address whose server says the beginning that is asked for, and then a byte every few milliseconds."""
    listening, over, threads = socket.create_server(("127.0.0.1", 0)), threading.Event(), []

    def drip(begin):
        connection, _ = listening.accept()
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(begin)
                while not over.wait(0.01):
                    connection.sendall(b"x")
            except OSError:  # the other end had enough
                pass

    def begin(head):
        threads.append(threading.Thread(target=drip, args=(head,), daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

    yield begin
    over.set()
    for thread in threads:
        thread.join(PATIENCE)
    listening.close()


@pytest.mark.parametrize(("head", "answered"), [(HEAD, True), (b"HTTP/1.1 200 OK\r\nX: ", False), (b"HTTP/1.1", False)])
def test_a_server_that_drips_is_left_in_time(dripping, monkeypatch, head, answered):
    monkeypatch.setattr("edgevtn.sinks.http.TIMEOUT", 0.3)
    address, results = dripping(head), []

    def ask():
        try:
            results.append(send("POST", address, b"{}", {}, answered=answered))
        except ConnectionError as error:
            results.append(str(error))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    assert results[0].startswith("does not answer (")


def test_an_answer_is_not_waited_for_where_its_status_is_enough(dripping):
    assert send("POST", dripping(HEAD), b"{}", {}) == b""


@pytest.mark.parametrize("token", ["sec\nret", "secret\r", "sec\x00ret", "secrét", "secret\x7f", ""])
def test_a_token_that_no_header_takes_is_refused_and_not_repeated(tmp_path, token):
    for make in (
        lambda: Webhook("http://host/", spool=tmp_path / "spool", token=token),
        lambda: Frigate("http://host/", "hall", spool=tmp_path / "spool", token=token),
    ):
        with pytest.raises(ValueError, match="expected a token") as caught:
            make()
        assert "sec" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("header", [{"X": "sec\nret"}, {"X": "sec\u20acret"}])
def test_a_header_that_cannot_be_sent_is_refused_and_not_repeated(header):
    with pytest.raises(Refused) as caught:
        send("POST", "http://127.0.0.1:9/", b"{}", header)
    assert str(caught.value) == "it cannot be sent by HTTP"


def test_an_address_with_other_letters_is_quoted_once():
    got, came = [], threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            got.append(self.path)
            came.set()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    sink = Webhook(f"http://127.0.0.1:{server.server_port}/tür/t%C3%BCr a?key=ö%26&x=[1]")
    sink.event(Event(1, "m", "walk", 0.0, None, 0.5))
    assert came.wait(PATIENCE)
    sink.close()
    server.shutdown()
    server.server_close()
    serving.join(PATIENCE)
    assert got == ["/t%C3%BCr/t%C3%BCr%20a?key=%C3%B6%26&x=[1]"]


def test_a_host_that_cannot_be_looked_up_is_refused_and_not_repeated():
    for host in ("hidden..org", "hidden" * 20):
        with pytest.raises(ValueError, match="cannot be read") as caught:
            parse_address(f"https://{host}/", ("https",))
        assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "token"), [("t0ken\r", "t0ken"), ("t0ken\r\n", "t0ken"), ("", None), ("\r\n", None), (None, None)]
)
def test_a_token_of_a_variable_has_no_line_end_and_an_empty_variable_is_none(tmp_path, monkeypatch, value, token):
    tokens = []
    monkeypatch.setattr("edgevtn.sinks.webhook.Webhook", lambda *_, token: tokens.append(token) or Sink())
    monkeypatch.delenv("EDGEVTN_WEBHOOK_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("EDGEVTN_WEBHOOK_TOKEN", value)
    parser = argparse.ArgumentParser()
    add_outputs(parser)
    outputs(parser.parse_args(["--webhook", "http://host/", "--spool", str(tmp_path)]), Origin("hall"))
    assert tokens == [token]
