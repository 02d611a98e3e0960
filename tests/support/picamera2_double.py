"""A stand-in for picamera2: the signatures of the real one (`picamera2_signatures.json`), and what we know of it."""

# ruff: noqa: B006, B008

import types

import numpy as np

libcamera = types.SimpleNamespace(Transform=object)


class CompletedRequest:
    #: Requests that were not given back.
    held = 0

    def __init__(self, number):
        self.number, self.released = number, False
        CompletedRequest.held += 1

    def make_array(self, name):
        if name != "main":
            raise RuntimeError(f"Stream {name!r} is not defined")
        # libcamera's "RGB888" in memory: blue first. Here: a pure blue picture.
        return np.full((480, 640, 3), (255, 0, 0), np.uint8)

    def get_metadata(self):
        return {"SensorTimestamp": 5_000_000_000 + self.number * 33_333_333}

    def release(self):
        if self.released:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        self.released = True
        CompletedRequest.held -= 1


class Picamera2:
    #: Frames that come before the camera falls silent.
    delivers = 5

    @staticmethod
    def global_camera_info():
        return [{"Model": "imx708", "Location": 2, "Rotation": 180, "Id": "/base/soc/i2c0mux/i2c@1/imx708", "Num": 0}]

    def __init__(self, camera_num=0, verbose_console=None, tuning=None, allocator=None):
        if camera_num >= len(self.global_camera_info()):
            raise RuntimeError(f"No camera number {camera_num} found")
        self.number, self.configured, self.started = 0, False, False

    def create_video_configuration(
        self, main={}, lores=None, raw={}, transform=libcamera.Transform(), colour_space=None, buffer_count=6,
        controls={}, display="main", encode="main", queue=True, sensor={}, use_case="video",
    ):  # fmt: skip
        return {"main": {"format": "XBGR8888", "size": (1280, 720)} | main, "queue": queue, "use_case": use_case}

    def configure(self, camera_config=None):
        # What arrives as B, G, R; "BGR888" would arrive as R, G, B.
        assert camera_config["main"]["format"] == "RGB888"
        self.configured = True

    def start(self, config=None, show_preview=False):
        if not self.configured:
            raise RuntimeError("Camera has not been configured")
        self.started = True

    def capture_request(self, wait=None, signal_function=None, flush=None):
        # True is no number of seconds: it waits for as long as it takes.
        assert self.started
        assert signal_function is None
        assert not isinstance(wait, bool)
        assert wait > 0
        self.number += 1
        if self.number > self.delivers:
            raise TimeoutError
        return CompletedRequest(self.number)

    def close(self):
        self.started = False
