import numpy as np
import numpy.typing as npt

def sum_changes(
    frame: npt.NDArray[np.uint8],
    kept: npt.NDArray[np.uint8],
    step: int,
    ignored: int,
    cell_rows: npt.NDArray[np.int32],
    cell_columns: npt.NDArray[np.int32],
    out: npt.NDArray[np.uint32],
) -> None: ...
