"""The Raspberry Pi's camera, through picamera2."""

from __future__ import annotations

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError, require
from edgevtn.sources.connection import Connection

#: The smallest size that the sensors scale to without cropping and that is larger than any encoder's input.
SIZE = (640, 480)


class PiCamera(Connection):
    """The Pi's camera.

    Its format called "RGB888" has its bytes in the order B, G, R, which is OpenCV's and ours: picamera2 itself
    hands such an array to PIL under the raw mode "BGR" (`make_image`). Stamps are the sensor's own: the beginning of
    the exposure, seconds since boot.

    Parameters
    ----------
    patience : float
        Seconds without a frame until the camera counts as gone.

    Raises
    ------
    MissingExtraError
        picamera2 is not installed.
    SourceError
        There is no camera.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
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

    def read(self) -> tuple[float | None, Frame]:
        """The next picture, uint8 (480, 640, 3) BGR."""
        try:
            request = self._camera.capture_request(wait=self._patience)
        except TimeoutError:
            raise SourceError("the Pi's camera stopped delivering frames; is its cable firm?") from None
        try:
            frame: Frame = request.make_array("main")
            exposed = request.get_metadata()["SensorTimestamp"]
        finally:
            request.release()
        return exposed / 1e9, frame

    def close(self) -> None:
        """Stop the camera."""
        self._camera.close()
