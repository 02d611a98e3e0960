"""A prediction on its frame, for a sink or a window of one's own."""

from __future__ import annotations

from edgevtn.arrays import Frame
from edgevtn.drawing import annotate as drawn
from edgevtn.drawing import caption, whose
from edgevtn.frame import check_frame
from edgevtn.prediction import Prediction
from edgevtn.region import WHOLE, Scene


def annotate(
    frame: Frame, prediction: Prediction | None, timestamp: float | None = None, scene: Scene = WHOLE
) -> Frame:
    """A copy of a frame with the label, its probability and what the model sees, as `--show` draws them.

    Parameters
    ----------
    frame : uint8 (H, W, 3)
        BGR.
    prediction : Prediction or None
        The newest; None as long as there is none.
    timestamp : float, optional
        The frame's time, seconds; the prediction's if None.
    scene : Scene
        What of the picture is recognised, as a sink is told.

    Returns
    -------
    uint8 (H', W', 3)
        BGR; larger than the frame.

    Raises
    ------
    FrameError
        The frame is of another type, shape or dtype.
    """
    check_frame(frame)
    if timestamp is None:
        timestamp = 0.0 if prediction is None else prediction.timestamp
    label, score = caption({} if prediction is None else {whose(prediction): prediction})
    return drawn(frame, label, score, timestamp, scene)
