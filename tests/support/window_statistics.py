"""What a linear head looks at of a window, in plain NumPy: the reference of the tests."""

import numpy as np


def statistics(window, names):
    """All that a head may look at of rows, float64 (T, W), in its order."""
    parts = [part.mean(axis=0) for part in np.array_split(window, 3)]
    every = {
        "mean": [window.mean(axis=0)], "spread": [window.std(axis=0)],
        "change": [np.abs(np.diff(window, axis=0)).mean(axis=0)], "segments": parts,
        "segment_changes": [parts[1] - parts[0], parts[2] - parts[1]],
    }  # fmt: skip
    return np.concatenate([part for name in names for part in every[name]])
