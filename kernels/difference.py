"""The picture of what changed between two frames: uint8, `UNCHANGED` where nothing did.

An encoder of that picture is quantised, and shared, like any other. Changes of more than 127 grey levels are cut off; a
moving edge seldom makes them.
"""

from __future__ import annotations

import numpy as np

from edgevtn.arrays import Pixels

#: The difference's zero.
UNCHANGED = 128


def difference(newer: Pixels, older: Pixels, out: Pixels | None = None) -> Pixels:
    """The picture of what changed.

    Parameters
    ----------
    newer, older : uint8, of one shape
    out : uint8 of that shape, optional
        Where it is to be; a new array if None.

    Returns
    -------
    uint8 of that shape
        ``newer - older + UNCHANGED``, cut to 0 to 255.
    """
    picture: Pixels = np.empty_like(newer) if out is None else out
    change = np.subtract(newer, older, dtype=np.int16)
    change += UNCHANGED
    np.clip(change, 0, 255, out=picture, casting="unsafe")
    return picture
