"""An fp32 ONNX encoder into an INT8 one that is fast, and right on the CPU it will run on.

Needs the extra ``edgevtn[calibration]``.
"""

from edgevtn.calibration.bundles import quantize
from edgevtn.calibration.files import find_clips, load_encoder
from edgevtn.calibration.fit.quantizer import Settings, quantize_graph
from edgevtn.calibration.frames import sample_frames
from edgevtn.calibration.measure.compare import compare
from edgevtn.calibration.measure.probe import Accuracy
from edgevtn.calibration.measure.report import Report

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
