import numpy as np
import numpy.typing as npt

def resize_planar(
    frame: npt.NDArray[np.uint8],
    y0: npt.NDArray[np.int32],
    y1: npt.NDArray[np.int32],
    y_weight: npt.NDArray[np.uint16],
    x0: npt.NDArray[np.int32],
    x1: npt.NDArray[np.int32],
    x_weight: npt.NDArray[np.uint16],
    swap: bool,
    row: npt.NDArray[np.uint16],
    out: npt.NDArray[np.uint8],
) -> None: ...
