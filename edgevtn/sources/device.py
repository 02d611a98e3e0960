"""A camera of this machine, through OpenCV."""

from __future__ import annotations

import cv2

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError
from edgevtn.sources.capture import as_frame, open_capture
from edgevtn.sources.connection import BadPicture, Connection


class Device(Connection):
    """A camera by its index, or by its file, as in /dev/video0.

    Parameters
    ----------
    place : int or str
    name : str
        For messages.

    Raises
    ------
    SourceError
        It cannot be opened.
    """

    def __init__(self, place: int | str, name: str) -> None:
        reason = (
            f"{name} cannot be opened; is it plugged in (ls /dev/video*), used by another program, "
            "or not yours to read (group video)?"
        )
        if isinstance(place, int):
            self._capture = open_capture(place, reason)
        else:
            self._capture = cv2.VideoCapture(place, cv2.CAP_V4L2)
            if not self._capture.isOpened():
                raise SourceError(reason)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # older frames would only be thrown away

    def read(self) -> tuple[float | None, Frame]:
        """The next picture; a camera that is gone gives bad ones, which OpenCV does not tell apart."""
        try:
            ok, picture = self._capture.read()
        except cv2.error as error:
            raise BadPicture from error
        if not ok or picture is None:
            raise BadPicture
        return None, as_frame(picture)

    def close(self) -> None:
        """Give back the camera."""
        self._capture.release()
