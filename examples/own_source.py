"""A camera that edgevtn does not know: one picture after another over a plain TCP connection, each behind its length.

python examples/own_source.py 192.168.1.30 9000

When the connection breaks or hangs it is made again, because a live source of your own is a function: it opens the
camera and yields (seconds by the camera's clock or None, frame); an OSError is a loss.
"""

import argparse
import socket
import struct

import cv2
import numpy as np

import edgevtn
from edgevtn.sources import Camera

parser = argparse.ArgumentParser(description="Recognise actions from a camera of one's own.")
parser.add_argument("host")
parser.add_argument("port", type=int)
parser.add_argument("--give-up", type=float, help="seconds until a lost camera is an error (default: never)")
arguments = parser.parse_args()


def pictures():
    """Each picture is a length, 4 bytes big-endian, and a JPEG."""
    with socket.create_connection((arguments.host, arguments.port), 3) as line, line.makefile("rb") as stream:
        while len(header := stream.read(4)) == 4:
            jpeg = np.frombuffer(stream.read(struct.unpack(">I", header)[0]), np.uint8)
            if len(jpeg) and (picture := cv2.imdecode(jpeg, cv2.IMREAD_COLOR)) is not None:  # else it was torn
                yield None, picture


try:
    with Camera(pictures, wait=True, give_up=arguments.give_up, notify=print) as camera:
        for event in edgevtn.watch(camera):
            print(event.kind, event.label, flush=True)
except (KeyboardInterrupt, edgevtn.EdgeVTNError) as error:
    raise SystemExit(f"ended: {error}" if str(error) else 0) from None
