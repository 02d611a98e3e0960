"""Requests are bounded in time whatever the server does."""

import socket
import threading

import pytest
from broker import PATIENCE

from edgevtn.sinks.http import send

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
