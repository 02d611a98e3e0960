"""Weight scales with which no CPU saturates.

On an x86 CPU without VNNI, onnxruntime multiplies uint8 activations by int8 weights with VPMADDUBSW, which adds
two neighbouring products in 16 bits and *saturates*: with weights a, b of one sign the sum exceeds 32767 as
soon as ``255 (a + b) > 32767``, that is ``a + b > 128``. The usual remedy is 7-bit weights everywhere
(`reduce_range`), which costs a whole bit of every weight. It is enough that no *pair* that meets in such a sum
exceeds 128, and for that most channels' scale has to grow by a quarter, not to double.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgevtn.arrays import Float

LARGEST = 127
#: Two int8 weights of one sign, times 255, must fit into 32767; 127 and not 128 leaves room for rounding.
LARGEST_PAIR = 127


def full_scales(w: Float) -> Float:
    """Symmetric int8 scale of each output channel, all of whose range is used.

    Parameters
    ----------
    w : float32 (outputs, inputs, height, width)

    Returns
    -------
    float32 (outputs,)
    """
    return _positive(np.abs(w).reshape(len(w), -1).max(axis=1) / LARGEST)


def safe_scales(w: Float) -> Float:
    """As `full_scales`, with no pair of weights that could saturate.

    Parameters
    ----------
    w : float32 (outputs, inputs, height, width)

    Returns
    -------
    float32 (outputs,)
    """
    rows = w.transpose(0, 2, 3, 1).reshape(len(w), -1)  # onnxruntime's order: channels innermost
    pairs = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2))).reshape(len(w), -1, 2)
    positive, negative = np.maximum(pairs, 0).sum(axis=2), np.maximum(-pairs, 0).sum(axis=2)
    needed = _positive(np.maximum(positive, negative).max(axis=1) / LARGEST_PAIR)
    return np.where(rows.any(axis=1), np.maximum(full_scales(w), needed), 1).astype(np.float32)


def _positive(scales: npt.NDArray[np.floating]) -> Float:
    # A channel of zeros needs some scale; any will do.
    return np.where(scales > 0, scales, 1.0).astype(np.float32)
