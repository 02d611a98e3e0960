"""An fp32 ONNX encoder into an INT8 one that is fast, and right on the CPU it will run on.

Needs the extra ``edgevtn[calibration]``.
"""

from edgevtn.calibration.bundles import calibrate_bundle, compare_bundle, swap
from edgevtn.calibration.encoders import calibrate_file, compare_files
from edgevtn.calibration.files import find_clips, load_encoder
from edgevtn.calibration.fit.quantizer import Settings, quantize_graph
from edgevtn.calibration.frames import Sample, sample_frames
from edgevtn.calibration.measure.compare import compare
from edgevtn.calibration.measure.page import page
from edgevtn.calibration.measure.probe import Accuracy
from edgevtn.calibration.measure.report import Report
from edgevtn.calibration.pipeline import calibrate
from edgevtn.graph.facts import input_size

__all__ = [
    "Accuracy",
    "Report",
    "Sample",
    "Settings",
    "calibrate",
    "calibrate_bundle",
    "calibrate_file",
    "compare",
    "compare_bundle",
    "compare_files",
    "find_clips",
    "input_size",
    "load_encoder",
    "page",
    "quantize_graph",
    "sample_frames",
    "swap",
]
