"""While the only source is lost: sinks hear that it goes on, events end, and it can be ended at any moment."""

import signal
import subprocess
import sys
import threading
import time

import pytest
from cameras import MjpegCamera
from visitor import until

import edgevtn
from edgevtn import EventDetector, Recognizer
from edgevtn.sinks import Apart
from edgevtn.sources import Camera

#: Seconds in which it is promised to end, and how much longer a busy machine may take in a test.
STOPS, BUSY = 1.0, 4.0


class Listener:
    def __init__(self):
        self.pulses, self.frames, self.events = 0, 0, []

    def pulse(self):
        self.pulses += 1

    def frame(self, frame, timestamp):
        self.frames += 1

    def event(self, event):
        self.events.append(event)


@pytest.fixture
def watching(tiny):
    """Watch a camera in a thread."""
    begun = []

    def watch(camera, *sinks):
        yielded = []
        recognizer = Recognizer(tiny, threads=1, smoothing=5.0)  # one label for long
        detector = EventDetector(enter=0.34, leave=0.01, min_duration=0)

        def work():
            yielded.extend(edgevtn.watch(camera, recognizer=recognizer, detector=detector, sinks=sinks))

        thread = threading.Thread(target=work)
        begun.append((camera, thread))
        thread.start()
        return thread, yielded

    yield watch
    for camera, thread in begun:
        camera.close()
        thread.join(60)


def closed(camera, thread, what):
    began = time.monotonic()
    camera.close()
    thread.join(60)
    seconds = time.monotonic() - began
    print(f"closed while {what}: {seconds:.2f} s")
    assert not thread.is_alive()
    assert seconds < STOPS + BUSY


@pytest.mark.parametrize("several", [False, True])
def test_sinks_hear_of_it_and_events_end(watching, several, monkeypatch):
    monkeypatch.setattr("edgevtn.watching.LOST", 1.0)
    sink, apart = Listener(), Listener()
    with MjpegCamera() as server:
        # A single camera is read by the thread that watches; several, and the command's, by threads of their own.
        made = {"yard": server.address} if several else server.address
        camera = edgevtn.sources.Cameras(made, patience=0.5) if several else Camera(made, patience=0.5)
        thread, yielded = watching(camera, sink, Apart(apart))
        until(lambda: sink.events)
        server.frozen = True
        until(lambda: sink.events[-1].kind == "end")  # a second after the last frame
        (begin, end), frames, pulses = sink.events, sink.frames, sink.pulses
        assert (begin.id, end.id) == (1, 1)
        assert end.end - end.start < 60
        assert yielded == [begin, end]  # whoever iterates has it at once, too
        until(lambda: sink.pulses > pulses + 3)
        until(lambda: apart.pulses > pulses)
        assert sink.frames == frames
        server.frozen = False
        until(lambda: sink.frames > frames)
        until(lambda: len(sink.events) == 3)  # another event, in a window of its own
        assert sink.events[-1].id == 2
        server.frozen = True
        until(lambda: camera.statistics.lost)
        closed(camera, thread, "it is frozen")


def test_it_ends_at_once_while_the_camera_is_gone(watching):
    sink = Listener()
    with MjpegCamera() as server:
        camera = Camera(server.address, patience=0.5)
        thread, _ = watching(camera, sink)
        until(lambda: sink.frames)
        server.stop()
        until(lambda: camera.statistics.lost)
        pulses = sink.pulses
        until(lambda: sink.pulses > pulses + 4)  # between two attempts, too
        closed(camera, thread, "it is gone")


def test_a_file_has_its_events_whole(tiny, demo_clip):
    """However slowly it is read."""
    sink = Listener()

    class Slow:
        def frame(self, frame, timestamp):
            if 2.0 <= timestamp < 2.04:
                time.sleep(1.2)

    def watched(*sinks):
        return list(edgevtn.watch(demo_clip, tiny, sinks=sinks, seconds=4))

    assert watched(sink, Slow()) == watched()
    assert sink.pulses >= 1


def test_ctrl_c_in_a_script(tiny):
    script = (
        "import sys, edgevtn\n"
        "for event in edgevtn.watch(sys.argv[1], sys.argv[2], sinks=[lambda event: print('event', flush=True)],\n"
        "                           detector=edgevtn.EventDetector(0.34, 0.01, 0)):\n"
        "    pass\n"
    )
    with MjpegCamera() as server:
        process = subprocess.Popen(
            [sys.executable, "-c", script, server.address, str(tiny)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout.readline() == "event\n"
        server.frozen = True
        while process.stdout.readline() != "event\n":  # the end, told when it is lost
            pass
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
        seconds = time.monotonic() - began
    print(f"Ctrl-C while it is frozen: {seconds:.2f} s")
    assert seconds < STOPS + BUSY
    assert error.splitlines()[-1] == "KeyboardInterrupt"
