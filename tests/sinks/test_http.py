"""Webhooks and Frigate against servers of our own, and commands that are run."""

import contextlib
import http.server
import json
import queue
import sys
import threading
import time

import pytest
from broker import PATIENCE

from edgevtn import Event
from edgevtn.sinks import Origin
from edgevtn.sinks.command import Command
from edgevtn.sinks.frigate import Frigate
from edgevtn.sinks.spool import Spool
from edgevtn.sinks.webhook import Webhook


def begun(n, label="walk", start=None):
    return Event(n, "m", label, float(n) if start is None else start, None, 0.8123)


def ended(n, label="walk"):
    return Event(n, "m", label, float(n), n + 0.5, 0.8123)


class Server:
    """Answers with what it is told, in turn, and then with 200; knows what it got."""

    def __init__(self):
        self.got, self.answers, self.body = queue.Queue(), queue.SimpleQueue(), lambda path: {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                content = self.rfile.read(int(self.headers["Content-Length"]))
                answer = 200 if outer.answers.empty() else outer.answers.get()
                outer.got.put((self.command, self.path, dict(self.headers), json.loads(content), answer))
                if answer == "hang up":
                    self.close_connection = True
                    return
                body = json.dumps(outer.body(self.path)).encode()
                self.send_response(answer)
                if 300 <= answer < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_PUT = do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def next(self):
        return self.got.get(timeout=PATIENCE)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr("edgevtn.sinks.delivery.FIRST_WAIT", 0.01)
    server = Server()
    yield server
    server.close()


def test_a_webhook_gets_every_event_in_order(server, tmp_path, caplog):
    for answer in (200, 503, "hang up", 429, 204):
        server.answers.put(answer)
    sink = Webhook(f"http://me:secret@{server.address}/hook?key=hidden", Origin("hall"), tmp_path / "spool")
    for n in range(1, 4):
        sink.event(begun(n))
    requests = [server.next() for _ in range(6)]
    sink.close()
    assert [(body["id"].rpartition("-")[2], answer) for *_, body, answer in requests] == [
        ("1", 200), ("2", 503), ("2", "hang up"), ("2", 429), ("2", 204), ("3", 200),
    ]  # fmt: skip
    method, path, headers, body, _ = requests[0]
    assert (method, path) == ("POST", "/hook?key=hidden")
    assert headers["Authorization"] == "Basic bWU6c2VjcmV0"  # me:secret
    assert headers["Idempotency-Key"] == body["message"]
    assert len({body["message"] for *_, body, _ in requests}) == 3
    assert (body["event"], body["label"], body["source"]) == ("begin", "walk", "hall")
    told = [record.message for record in caplog.records]
    assert len(told) == 2
    assert not any("secret" in text or "hidden" in text for text in told)


def test_a_webhook_keeps_what_it_cannot_deliver(server, tmp_path):
    server.close()
    away = Webhook(f"http://{server.address}", Origin("hall"), tmp_path / "spool")
    for n in range(1, 4):
        away.event(begun(n))
    away.close()
    back = Server()
    again = Webhook(f"http://{back.address}", Origin("hall"), tmp_path / "spool", token="t0ken")
    again.event(begun(4))
    requests = [back.next() for _ in range(4)]
    again.close()
    back.close()
    assert [body["id"].rpartition("-")[2] for *_, body, _ in requests] == ["1", "2", "3", "4"]
    assert {headers["Authorization"] for _, _, headers, _, _ in requests} == {"Bearer t0ken"}


@pytest.mark.parametrize("answer", [404, 301])
def test_a_webhook_that_refuses_is_said_and_gets_the_next(server, answer, caplog):
    server.answers.put(answer)
    sink = Webhook(f"http://{server.address}", Origin("hall"))
    sink.event(begun(1))
    sink.event(begun(2))
    requests = [server.next() for _ in range(2)]
    sink.close()
    assert [(method, path, body["id"][-1]) for method, path, _, body, _ in requests] == [
        ("POST", "/", "1"), ("POST", "/", "2"),
    ]  # fmt: skip
    assert [str(answer) in record.message for record in caplog.records] == [True]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://me:secret@host", "http://", "secret"])
def test_addresses_that_are_none(url):
    with pytest.raises(ValueError, match="expected an address like http://user@host") as caught:
        Webhook(url)
    assert "secret" not in str(caught.value)


class FrigateServer(Server):
    """Frigate's contract: documentation of "Create manual event" and "End manual event"."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.body = self.answer

    def answer(self, path):
        if path.endswith("/create"):
            self.count += 1
            return {"success": True, "message": "Successfully created event.", "event_id": f"17000.{self.count}-abc"}
        return {"success": True, "message": "Event successfully ended."}


@pytest.fixture
def frigate():
    server = FrigateServer()
    yield server
    server.close()


#: The types of EventsCreateBody and EventsEndBody.
CREATE = {
    "source_type": str, "sub_label": (str, type(None)), "score": (float, int), "duration": (int, type(None)),
    "include_recording": bool, "draw": dict,
}  # fmt: skip
END = {"end_time": (float, int, type(None))}


def conforms(body, types):
    return all(isinstance(value, types[name]) for name, value in body.items())


def test_events_in_frigate(frigate, tmp_path):
    sink = Frigate(f"http://{frigate.address}/", "front door", Origin("hall"), tmp_path / "spool")
    before = time.time()
    sink.event(begun(1, "sit down", 5.0))
    sink.event(Event(1, "m", "sit down", 5.0, None, 0.8, 5.5))  # an update is nothing to Frigate
    sink.event(Event(1, "m", "sit down", 5.0, 7.0, 0.8))
    create, end = frigate.next(), frigate.next()
    sink.close()
    assert create[:2] == ("POST", "/api/events/front%20door/sit%20down/create")
    assert conforms(create[3], CREATE)
    assert create[3]["duration"] is None  # it is ended by us
    assert end[:2] == ("PUT", "/api/events/17000.1-abc/end")
    assert conforms(end[3], END)
    assert before + 1.9 < end[3]["end_time"] < time.time() + 2.1
    assert frigate.got.empty()


def test_what_a_killed_run_began_in_frigate_is_ended(frigate, tmp_path):
    address = f"http://{frigate.address}"
    first = Frigate(address, "hall", Origin("hall"), tmp_path / "spool")
    first.event(begun(1))
    assert frigate.next()[1].endswith("/create")
    first.close()  # a kill leaves the same: nothing but what is in the spool
    second = Frigate(address, "hall", Origin("hall"), tmp_path / "spool")
    second.event(begun(1))
    assert frigate.next()[:2] == ("PUT", "/api/events/17000.1-abc/end")
    assert frigate.next()[1].endswith("/create")
    second.event(ended(1))
    assert frigate.next()[1] == "/api/events/17000.2-abc/end"
    second.close()


def test_what_was_told_long_ago_is_not_created_in_frigate(frigate, tmp_path, caplog):
    with contextlib.closing(Spool(tmp_path / "spool")) as spool:
        for n, times in enumerate(({"told": 0.0}, {}, {"told": time.time()}, {"began": time.time()})):
            body = {
                "label": "walk",
                "score": 0.5,
                "began": 0.0,
            } | times  # earlier versions did not say when it was told
            spool.put([(f"create run-{n}", json.dumps(body).encode()), (f"end run-{n}", b'{"end_time": null}')])
    sink = Frigate(f"http://{frigate.address}", "hall", Origin("hall"), tmp_path / "spool")
    sink.event(begun(1))
    assert [frigate.next()[0] for _ in range(5)] == ["POST", "PUT", "POST", "PUT", "POST"]
    sink.close()
    assert frigate.count == 3
    assert "more than a minute ago" in caplog.text


def test_what_is_told_late_as_it_has_to_last_is_created_in_frigate(frigate):
    sink = Frigate(f"http://{frigate.address}", "hall", Origin("hall"))
    sink.origin.wall_clock(1000.0)  # that is now
    sink.event(begun(1, "lying", start=880.0))
    assert frigate.next()[1] == "/api/events/hall/lying/create"
    sink.close()


def test_a_slash_in_a_label_reaches_frigate_as_what_its_router_takes(frigate):
    sink = Frigate(f"http://{frigate.address}", "hall", Origin("hall"))
    sink.event(begun(1, "sit/stand?"))
    assert frigate.next()[1] == "/api/events/hall/sit_stand%3F/create"
    sink.close()


WRITE = "import json, sys; json.dump([sys.argv[2:], json.load(sys.stdin)], open(sys.argv[1], 'w'))"


def test_a_command_gets_its_words_and_the_event(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEVTN_MQTT_PASSWORD", "secret")
    file, label = tmp_path / "got it", "fall'; touch $HOME \"{id}"
    command = f"'{sys.executable}' -c \"{WRITE}\" '{file}' {{label}} x{{score}}y {{other}} {{end}} r{{region}}"
    sink = Command(command, "begin", Origin("hall"))
    sink.event(begun(1, label))
    sink.event(ended(1, label))  # is not what it was asked for
    sink.close()
    words, record = json.loads(file.read_text())
    assert words == [label, "x0.8123y", "{other}", "", "r"]
    assert (record["event"], record["label"], record["source"]) == ("begin", label, "hall")
    spy = f"'{sys.executable}' -c \"import os, sys; open(sys.argv[1], 'w').write(str(dict(os.environ)))\" '{file}'"
    sink = Command(spy, "end", Origin("hall"))
    sink.event(ended(1))
    sink.close()
    assert "PATH" in file.read_text()
    assert "secret" not in file.read_text()


def test_a_command_that_fails_or_hangs_is_said_and_the_next_is_run(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("edgevtn.sinks.command.LONGEST", 3.0)
    monkeypatch.setattr("edgevtn.sinks.delivery.CLOSING", float(PATIENCE))
    script = "import sys, time; n = int(sys.argv[1][-1]); print(n, file=open(sys.argv[2], 'a')); "
    script += "n == 1 and sys.exit(3); n == 2 and time.sleep(600)"
    file = tmp_path / "ran"
    sink = Command(f"'{sys.executable}' -S -c \"{script}\" {{id}} '{file}'", "begin", Origin("hall"))
    for n in range(1, 4):
        sink.event(begun(n))
    sink.close()
    assert file.read_text().split() == ["1", "2", "3"]
    first, second = (record.message for record in caplog.records)
    assert "status 3" in first
    assert "did not end in time" in second


def test_commands_that_are_none():
    with pytest.raises(ValueError, match="there is no such program"):
        Command("no-such-program {label}")
    with pytest.raises(ValueError, match="cannot be split"):
        Command("echo 'half")
