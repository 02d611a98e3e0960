"""The Raspberry Pi's camera, through picamera2."""

from __future__ import annotations

from collections.abc import Iterator

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError, require
from edgevtn.sources.base import Source

#: The smallest size that the sensors scale to without cropping and that is larger than any encoder's input.
SIZE = (640, 480)
#: Seconds without a frame until the camera counts as gone.
PATIENCE = 5.0


class PiCamera(Source):
    """The Pi's camera as a source. If several frames come while one is processed, the latest is given.

    Its format called "RGB888" has its bytes in the order B, G, R, which is OpenCV's and ours: picamera2 itself
    hands such an array to PIL under the raw mode "BGR" (`make_image`). Timestamps are the sensor's own: the
    beginning of the exposure, nanoseconds since boot.

    Raises
    ------
    MissingExtraError
        picamera2 is not installed.
    SourceError
        There is no camera; while iterating, it stopped delivering.
    """

    def __init__(self) -> None:
        picamera2 = require("picamera2", "picamera")
        try:
            self._camera = picamera2.Picamera2()
            format_ = {"size": SIZE, "format": "RGB888"}
            self._camera.configure(self._camera.create_video_configuration(main=format_))
            self._camera.start()
        except (IndexError, RuntimeError) as error:  # IndexError is how picamera2 0.3.30 says that it found none
            raise SourceError(
                f"the Pi's camera cannot be opened ({error}); does `rpicam-hello --list-cameras` list it?"
            ) from error
        self._began: int | None = None  # the first frame's sensor time, nanoseconds

    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        """Yield (seconds since the first frame, uint8 (480, 640, 3) BGR) until `close`."""
        while True:
            try:
                request = self._camera.capture_request(wait=PATIENCE)
            except TimeoutError:
                raise SourceError("the Pi's camera stopped delivering frames; is its cable firm?") from None
            try:
                frame: Frame = request.make_array("main")
                exposed = request.get_metadata()["SensorTimestamp"]
            finally:
                request.release()
            if self._began is None:
                self._began = exposed
            yield (exposed - self._began) / 1e9, frame

    def close(self) -> None:
        """Stop the camera; may be called twice."""
        self._camera.close()
