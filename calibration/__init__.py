"""An fp32 ONNX encoder into an INT8 one that is fast, and right on the CPU it will run on.

Needs the extra ``edgevtn[calibration]``.
"""

from edgevtn.calibration._files import find_clips, load_encoder
from edgevtn.calibration._frames import sample_frames
from edgevtn.calibration._quantize import quantize
from edgevtn.calibration._report import Report, compare

__all__ = ["Report", "compare", "find_clips", "load_encoder", "quantize", "sample_frames"]
