"""A source that is watched while a server fails, for tests; what it took is printed by ``pytest -s``."""

import contextlib
import socket
import threading
import time

import pytest

from edgevtn import Recognizer, SourceError
from edgevtn.sources import Camera

#: Seconds that are promised, and how much longer a busy machine may take in a test.
RESUMES, NOTICES, BUSY = 5.0, 4.0, 4.0


class Watched:
    """A camera whose pictures go to a recogniser; knows when what came."""

    def __init__(self, address, tiny, **options):
        self.told, self.camera = [], Camera(address, notify=self._hear, **options)
        self.recognizer, self.stream = Recognizer(tiny, threads=1), iter(self.camera)
        self.last = self.prediction = None

    def _hear(self, sentence):
        self.told.append((time.monotonic(), sentence))

    def step(self):
        """The next picture."""
        timestamp, frame = next(self.stream)
        assert self.last is None or timestamp > self.last
        self.last = timestamp
        prediction = self.recognizer(frame, timestamp)
        if prediction is not None:
            self.prediction = prediction
        return frame

    def predict(self, count=3):
        """Go on until there were so many predictions; the seconds that the first took."""
        began, first = time.monotonic(), None
        for _ in range(count):
            self.prediction = None
            while self.prediction is None:
                frame = self.step()
            first = first or time.monotonic() - began
        return first, frame

    def until_lost(self):
        """Go on until it is lost and found again; when it was told to be lost, and the seconds until it was back."""
        count = len(self.told)
        while len(self.told) < count + 2:
            self.step()
        (lost, why), (back, what) = self.told[count:]
        assert why.startswith("waiting: ")
        assert "is back after" in what
        return lost, back, why

    def __enter__(self):
        self.camera.__enter__()
        return self

    def __exit__(self, *error):
        self.camera.__exit__(*error)


def later(delay, *actions):
    """Do it in some seconds, while this thread reads."""
    done = []

    def act():
        for action in actions:
            action()
        done.append(time.monotonic())

    timer = threading.Timer(delay, act)
    timer.start()
    return timer, done


def report(what, seconds):
    print(f"{what}: {seconds:.2f} s")


def sentence(address, **options):
    began = time.monotonic()
    with pytest.raises(SourceError) as caught, Camera(address, **options) as camera:
        next(iter(camera))
    assert "hunter2" not in str(caught.value)
    report(f"{caught.value} -- told in", time.monotonic() - began)
    return str(caught.value)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextlib.contextmanager
def silence():
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
