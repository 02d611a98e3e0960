"""An fp32 ONNX encoder into an INT8 one that is fast, and right on the CPU it will run on.

Needs the extra ``edgevtn[calibration]``.
"""

from edgevtn.calibration._commands import quantize
from edgevtn.calibration._compare import compare
from edgevtn.calibration._files import find_clips, load_encoder
from edgevtn.calibration._frames import sample_frames
from edgevtn.calibration._probe import Accuracy
from edgevtn.calibration._quantize import Settings, quantize_graph
from edgevtn.calibration._report import Report

__all__ = [
    "Accuracy",
    "Report",
    "Settings",
    "compare",
    "find_clips",
    "load_encoder",
    "quantize",
    "quantize_graph",
    "sample_frames",
]
