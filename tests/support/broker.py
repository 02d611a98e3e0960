"""A real mosquitto, a consumer of its messages, and a wire between it and us that can be cut."""

import contextlib
import json
import queue
import shutil
import signal
import socket
import subprocess
import threading

import numpy as np
import pytest

from edgevtn import Prediction

#: Seconds after which something that should happen has failed.
PATIENCE = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def certify(folder):
    """A certificate for this machine, signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed (apt install openssl)")
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder / "key.pem", "-out",
         folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


class Broker:
    """A mosquitto that remembers sessions over its own death; started by `start`."""

    def __init__(self, folder, password=None, tls=False):
        self.program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/bin")
        if self.program is None:
            pytest.skip("mosquitto is not installed (apt install mosquitto)")
        self.folder, self.port = folder, free_port()
        folder.mkdir(exist_ok=True)
        rules = ["allow_anonymous true"]
        if password is not None:
            (folder / "passwords").write_text(f"me:{password}\n")
            subprocess.run(["mosquitto_passwd", "-U", folder / "passwords"], check=True, capture_output=True)
            rules = ["allow_anonymous false", f"password_file {folder / 'passwords'}"]
        if tls:
            certify(folder)
            rules += [f"certfile {folder / 'cert.pem'}", f"keyfile {folder / 'key.pem'}"]
        lines = [
            f"listener {self.port} 127.0.0.1", *rules, "user root", "log_dest stderr", "log_type all",
            "persistence true", f"persistence_location {folder}/", "autosave_on_changes true", "autosave_interval 1",
        ]  # fmt: skip
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self.process, self.log = None, []

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "-c", self.folder / "mosquitto.conf"], stderr=subprocess.PIPE, text=True
        )
        for line in self.process.stderr:
            if " running" in line:
                break
        else:
            raise AssertionError("mosquitto does not start")
        # Nobody else reads the rest, and a full pipe would stop it.
        threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True).start()
        return self

    def _read(self, pipe):
        with pipe:
            self.log.extend(pipe)

    def stop(self, number=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            self.process.wait(PATIENCE)
            self.process = None

    def kill(self):
        self.stop(signal.SIGKILL)


class Consumer:
    """Someone with a session that lasts, who gets every message of a topic: (topic, payload, retained)."""

    def __init__(self, port, topic, user=None, password=None, name="consumer"):
        import paho.mqtt.client
        from paho.mqtt.enums import CallbackAPIVersion

        self.got, self.subscribed = queue.Queue(), threading.Semaphore(0)
        self.client = paho.mqtt.client.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        if user:
            self.client.username_pw_set(user, password)
        self.client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self.client.on_subscribe = lambda *_: self.subscribed.release()
        self.client.on_message = lambda _, __, m: self.got.put((m.topic, m.payload.decode(), m.retain))
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.wait_until_subscribed()

    def wait_until_subscribed(self):
        """Once for each time that the broker was started."""
        assert self.subscribed.acquire(timeout=PATIENCE)

    def next(self):
        return self.got.get(timeout=PATIENCE)

    def until(self, wanted):
        """All messages up to the first that is wanted."""
        messages = []
        while not messages or not wanted(*messages[-1]):
            messages.append(self.next())
        return messages

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def tell_labels(sink, labels):
    """A prediction of a model that knows these."""
    probabilities = np.full(len(labels), 1 / len(labels), np.float32)
    sink.frame(np.zeros((4, 4, 3), np.uint8), 0.0)
    sink.prediction(Prediction("m", labels[0], 0.5, probabilities, 1.0, 0.0, labels))


def once(messages):
    """Payloads as objects, without repetitions, which are equal in every byte; and how many of these there were."""
    seen = {}
    for _, payload, _ in messages:
        assert seen.setdefault(json.loads(payload)["message"], payload) == payload
    return [json.loads(payload) for payload in seen.values()], len(messages) - len(seen)


class Wire:
    """Listens, and passes on what comes to a port; it can be cut, and swallow what comes back."""

    def __init__(self, port):
        self.target, self.open, self.guard = port, [], threading.Lock()
        self.last_word, self.deaf, self.swallowed = None, threading.Event(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def swallow_answers_from(self, word):
        """Once these bytes went by, nothing comes back."""
        self.last_word = word

    def _accept(self):
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                here.close()
                continue
            with self.guard:
                self.open += [here, there]
            for source, sink, back in ((here, there, False), (there, here, True)):
                self.threads.append(threading.Thread(target=self._pass, args=(source, sink, back)))
                self.threads[-1].start()

    def _pass(self, source, sink, back):
        with contextlib.suppress(OSError):
            while content := source.recv(65536):
                if back and self.deaf.is_set():
                    self.swallowed.set()
                    continue
                if not back and self.last_word is not None and self.last_word in content:
                    self.deaf.set()
                sink.sendall(content)

    def cut(self):
        with self.guard:
            for end in self.open:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads from it
                end.close()
            self.open = []

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for someone
        self.listener.close()
        self.threads[0].join(PATIENCE)
        self.cut()
        for thread in self.threads:
            thread.join(PATIENCE)
