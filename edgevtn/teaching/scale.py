"""Statistics brought to one scale, and their inner products, a block for each statistic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgevtn.arrays import Float
from edgevtn.bundle import RGB, TWO_STREAM
from edgevtn.heads.shares import STATISTICS
from edgevtn.teaching.features import MOVEMENT, moving
from edgevtn.teaching.ridge import Float64
from edgevtn.teaching.windows import EVERY

#: Deviations are shrunk to their median, half and half: of few clips a deviation is hardly known.
SHRINKAGE = 1.0
#: How much the differences' statistics count, against 1 of the frames'. In the training parts of three sets 0.1 to 0.3
#: gains with few takes on each; 1 gains most where movements differ, and loses four points where places do. Up to
#: 3 fewer and fewer falls that are told of left-out people, in rooms of their own, are none (docs/teaching.md).
DIFFERENCES = {TWO_STREAM: 0.3, MOVEMENT: 3.0}


@dataclass(frozen=True)
class Scale:
    """Statistics are centred, and divided by deviations that are shrunk to their median.

    Attributes
    ----------
    mean, factor : float64 (M,)
    """

    mean: Float64
    factor: Float64

    @classmethod
    def of(cls, rows: Float, weights: Float64, names: tuple[str, ...], width: int, modality: str = RGB) -> Scale:
        """From rows float32 (n, M) of the statistics `names`, and weights (n,).

        Where the modality has differences, they are the second half of the `width` features.
        """
        shares = (weights / weights.sum()).astype(np.float32)
        mean = shares @ rows
        deviation = np.sqrt(np.maximum(0.0, shares @ (rows - mean) ** 2)).astype(np.float64)
        begin = width - moving(modality, width)
        streams = [(slice(0, begin), 1.0)]
        if begin < width:
            streams.append((slice(begin, width), DIFFERENCES[modality]))
        every = sum(share for _, share in streams)
        factor, begin = np.empty(len(deviation)), 0
        for name in (name for name in EVERY if name in names):
            part = slice(begin, begin + STATISTICS[name] * width)
            for stream, share in streams:
                own = deviation[part].reshape(-1, width)[:, stream]
                middle = float(np.median(own)) or float(own.mean()) or 1.0
                scaled = 1 / (own + SHRINKAGE * middle)
                # The statistics of a set count alike, whatever their deviations are.
                scaled /= np.sqrt(max(np.mean((own * scaled) ** 2), 1e-12) * own.shape[1] * every / share)
                factor[part].reshape(-1, width)[:, stream] = scaled
            begin = part.stop
        return cls(mean.astype(np.float64), factor)

    def __call__(self, rows: Float) -> Float:
        """Rows float32 (n, M) scaled."""
        scaled: Float = (rows - self.mean.astype(np.float32)) * self.factor.astype(np.float32)
        return scaled


def products(
    rows: Float, others: Float, weights: Float64, width: int, modality: str = RGB
) -> tuple[dict[str, Float64], dict[str, Float64]]:
    """Inner products of scaled rows, float32 (n, 8 W), with themselves and of other rows (m, 8 W) with them.

    For each statistic alone, float64 (n, n) and (m, n): those of a set of statistics are their sum.
    """
    scale = Scale.of(rows, weights, EVERY, width, modality)
    scaled, parts = scale(rows), scale(others)
    own, foreign, begin = {}, {}, 0
    for name, count in STATISTICS.items():
        part = slice(begin, begin + count * width)
        own[name] = (scaled[:, part] @ scaled[:, part].T).astype(np.float64)
        foreign[name] = (parts[:, part] @ scaled[:, part].T).astype(np.float64)
        begin = part.stop
    return own, foreign


def sum_of(blocks: dict[str, Float64], names: tuple[str, ...]) -> Float64:
    """Products of a set of statistics."""
    total: Float64 = np.sum([blocks[name] for name in names], axis=0)
    return total
