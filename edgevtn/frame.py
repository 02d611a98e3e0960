"""What a frame must be."""

from __future__ import annotations

import numpy as np

from edgevtn.arguments import as_timestamp
from edgevtn.arrays import Frame
from edgevtn.errors import FrameError


def as_pair(pair: object) -> tuple[float, Frame]:
    """What a source yields, taken apart: seconds and a frame, of which only that there is one is looked at here.

    Raises
    ------
    FrameError
        It is no pair, or has None instead of a frame.
    TimestampError
        Its first part is no time.
    """
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise FrameError(f"expected (timestamp, frame) pairs, got {type(pair).__name__}; yield the seconds, too")
    timestamp, frame = pair
    if frame is None:  # as cv2.VideoCapture.read has it at the end; to others it would mean that nothing came
        check_frame(frame)
    return as_timestamp(timestamp), frame


def check_frame(frame: object) -> None:
    """Raise FrameError unless frame is uint8 (H, W, 3) with at least one pixel."""
    if (
        isinstance(frame, np.ndarray)
        and frame.dtype == np.uint8
        and frame.ndim == 3
        and frame.shape[2] == 3
        and frame.size
    ):
        return
    if not isinstance(frame, np.ndarray):
        got, advice = type(frame).__name__, "pass a NumPy array, for instance what cv2.VideoCapture.read gives"
    else:
        got = f"{frame.dtype} {frame.shape}"
        if frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] == 1):
            advice = "convert grey with cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)"
        elif frame.ndim == 3 and frame.shape[2] == 4:
            advice = "drop the alpha channel with frame[..., :3]"
        elif frame.ndim == 4 and frame.shape[0] == 1:
            advice = "drop the first axis with frame[0]"
        elif frame.size == 0:
            advice = "the frame is empty; did the camera fail to deliver one?"
        elif frame.ndim == 3 and frame.shape[0] == 3:
            advice = "move the channels last with frame.transpose(1, 2, 0)"
        else:
            advice = "scale values to 0..255 and convert with frame.astype(np.uint8)"
    raise FrameError(f"frame must be uint8 (H, W, 3) BGR, got {got}; {advice}")
