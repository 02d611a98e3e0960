"""Events for a web server and for a broker, whose teller is killed: all that was kept arrives. For `killing`."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from broker import free_port
from killing import PATIENCE, Missing, Operation

from edgevtn import Event
from edgevtn.errors import OutputError
from edgevtn.sinks.delivery import Delivery
from edgevtn.sinks.mqtt import Mqtt
from edgevtn.sinks.origin import Origin
from edgevtn.sinks.spool import Spool
from edgevtn.sinks.webhook import Webhook

#: Events of one run.
EVENTS = 60


class Spooling(Operation):
    """Tells events, and notes those that were kept; a server writes down what arrives."""

    by_steps = False  # SQLite's own

    def __init__(self) -> None:
        self._servers: list[int] = []

    def stop(self) -> None:
        for number in self._servers:
            os.kill(number, signal.SIGKILL)
            os.waitpid(number, 0)

    def prepare(self, folder: Path) -> None:
        pass

    def start(self, place: Path) -> None:
        self._received, self._told = place / "received", place / "told"
        self.serve(place)

    def serve(self, place: Path) -> None:
        """Start the server."""
        raise NotImplementedError

    def begin(self, folder: Path) -> None:
        self._received.write_bytes(b"")
        self._told.write_bytes(b"")

    def sink(self, folder: Path) -> Delivery:
        """What tells."""
        raise NotImplementedError

    def run(self, folder: Path) -> int:
        try:
            sink = self.sink(folder)
        except OutputError as error:
            print(f"edgevtn: error: {error}")
            return 1
        # O_APPEND: one write for each line, which a kill does not divide.
        told = os.open(self._told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        whole = True
        for n in range(1, EVENTS + 1):
            sink.event(event := Event(n, "m", "walk", float(n), float(n) + 0.5, 0.5))
            whole = sink.kept(10.0)
            if not whole:  # the disk is full
                print("edgevtn: error: the spool cannot be written")
                break
            os.write(told, f"{sink.origin.id(event)}\n".encode())
        sink.close()
        return 0 if whole else 1

    def check(self, folder: Path, ended: bool) -> None:
        told, waiting = self._told.read_text().split(), []
        copy = folder.parent.parent / "copy"  # what is looked at is changed by it
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        with contextlib.closing(Spool(copy / "spool")) as spool:
            assert spool.damaged is None
            while (message := spool.first()) is not None:
                if not message.route.endswith("/action"):
                    waiting.append(json.loads(message.payload))
                spool.remove(message)
        kept = {record["id"] for record in waiting}
        # What the other side has acknowledged may still be on its way to the consumer.
        until(lambda: set(told) <= kept | {record["id"] for record in self._arrived()})
        arrived = self._arrived()
        numbers = [record["message"] for record in arrived]
        ids = dict.fromkeys(record["id"] for record in [*arrived, *waiting])
        assert [name for name in ids if name in set(told)] == told, (told, list(ids))
        assert len(numbers) - len(set(numbers)) <= 1, "more than the one that was on its way came twice"
        assert not ended or len(told) >= EVENTS

    def _arrived(self) -> list[dict[str, Any]]:
        lines = self._received.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]


class WebhookSpool(Spooling):
    """To a web server."""

    def serve(self, place: Path) -> None:
        received = self._received

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                content = self.rfile.read(length)
                if len(content) < length:  # the teller was killed meanwhile
                    return
                with received.open("ab") as file:
                    file.write(content + b"\n")
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self._port = server.server_address[1]
        self._servers.append(background(server.serve_forever))
        server.server_close()

    def sink(self, folder: Path) -> Delivery:
        return Webhook(f"http://127.0.0.1:{self._port}/", Origin("hall"), folder / "spool")


class MqttSpool(Spooling):
    """To a real mosquitto, with a consumer."""

    def serve(self, place: Path) -> None:
        import paho.mqtt.client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if program is None:
            raise Missing("mosquitto is not installed (apt install mosquitto)")
        self._port, subscribed = free_port(), place / "subscribed"
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        broker = subprocess.Popen([program, "-p", str(self._port)], **silent)
        self._servers.append(broker.pid)

        def note(_: object, __: object, message: paho.MQTTMessage) -> None:
            with self._received.open("ab") as file:
                file.write(message.payload + b"\n")

        def consume() -> None:
            client = paho.Client(CallbackAPIVersion.VERSION2, client_id="consumer", clean_session=False)
            client.on_connect = lambda *_: client.subscribe("edgevtn/cam/events", qos=1)
            client.on_subscribe = lambda *_: subscribed.touch()
            client.on_message = note
            client.connect("127.0.0.1", self._port)
            client.loop_forever()

        answers(self._port)
        self._servers.append(background(consume))
        until(subscribed.exists)

    def sink(self, folder: Path) -> Delivery:
        return Mqtt(f"mqtt://127.0.0.1:{self._port}", "cam", Origin("hall"), folder / "spool")


def background(action: Callable[[], object]) -> int:
    """Run something in a process of its own; its number."""
    number = os.fork()
    if number == 0:
        with contextlib.suppress(BaseException):
            action()
        os._exit(0)
    return number


def answers(port: int) -> None:
    """Wait until someone listens."""

    def connected() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(connected)


def until(check: Callable[[], object]) -> None:
    """Wait for another process."""
    end = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < end
        time.sleep(0.02)
