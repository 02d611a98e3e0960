"""Types of arrays, and the letters of their shapes.

====  ==========================================================
H, W  height and width of a frame, pixels
S     side of the square picture that an encoder sees, pixels
W     width of the features of a frame (where there is no H beside it)
D     width of an embedding, which is a projection of features
T     frames of a window
A     attention heads
F     width of a feed-forward layer
L     blocks
K     labels
M     statistics of a window
P, R  panels of R columns, in which the kernels keep weights
====  ==========================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Half = npt.NDArray[np.float16]
Float = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
#: A camera's frame, uint8 (H, W, 3), BGR.
Frame = npt.NDArray[np.uint8]
#: A prepared frame, uint8 (1, 3, S, S), or by 2x2 blocks (1, 12, S / 2, S / 2).
Pixels = npt.NDArray[np.uint8]
