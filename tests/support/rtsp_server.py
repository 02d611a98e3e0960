"""An RTSP camera, GStreamer's: H.264 of a ball that moves. For the system's Python.

Arguments: PORT WIDTH HEIGHT RATE [USER PASSWORD]. Port 0 is any free port; it is printed once it is served. SIGUSR1
slows it to a picture a second, SIGUSR2 ends that.
"""

import signal
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


class Slowed:
    """Lets a picture a second through, while it is asked to."""

    def __init__(self):
        self.on, self.last = False, 0
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal.SIGUSR1, self.turn, True)
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal.SIGUSR2, self.turn, False)

    def turn(self, on):
        self.on = on
        return GLib.SOURCE_CONTINUE

    def follow(self, _, media):
        pad = media.get_element().get_child_by_name("sensor").get_static_pad("src")
        pad.add_probe(Gst.PadProbeType.BUFFER, self.passes)

    def passes(self, _, info):
        now = info.get_buffer().pts
        if self.on and 0 <= now - self.last < Gst.SECOND:
            return Gst.PadProbeReturn.DROP
        self.last = now
        return Gst.PadProbeReturn.OK


def main(port, width, height, rate, user=None, password=None):
    Gst.init(None)
    for element in ("x264enc", "rtph264pay"):
        if Gst.ElementFactory.find(element) is None:
            sys.exit(f"GStreamer lacks {element}")
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_launch(
        "( videotestsrc name=sensor is-live=true pattern=ball "
        f"! video/x-raw,width={width},height={height},framerate={rate}/1 "
        f"! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={rate} ! rtph264pay name=pay0 pt=96 )"
    )
    factory.set_shared(True)
    slowed = Slowed()
    factory.connect("media-configure", slowed.follow)
    if user is not None:
        auth = GstRtspServer.RTSPAuth.new()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
        server.set_auth(auth)
        allowed = "viewer, media.factory.access=true, media.factory.construct=true"
        factory.add_role_from_structure(Gst.Structure.new_from_string(allowed))
    server.get_mount_points().add_factory("/live", factory)
    if server.attach(None) == 0:
        sys.exit(f"port {port} is in use")
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
