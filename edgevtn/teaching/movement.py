"""How much a picture changes where an action is: less than in any of its takes, and none begins."""

from __future__ import annotations

import numpy as np

from edgevtn.arrays import Float
from edgevtn.teaching.fit import Material

#: Share of what moved least that is asked for: the largest at which short actions of left-out people begin as they did
#: without it. It finds as many of their falls, and half of the false ones go (docs/outputs.md).
SHARE = 0.6
#: Clips that a label must have. One or two say too little of the others, of which up to a fifth move less; after three
#: it is up to 6 %.
ENOUGH = 3
#: Its calmest clip must move so many times as much as the calmest tenth of all frames, which is a camera's noise and
#: what people do who sit. Falls, sitting down and standing up have 3.6 to 6, lying, sitting and reading 2.4 at most:
#: these may begin where nothing moves, and what is still is not even encoded.
CLEARLY, CALMEST = 3.0, 0.1


def least_movements(material: Material, rate: float, count: int) -> tuple[float, ...]:
    """For each label how much a window must move for it to begin, as `edgevtn.heads.Head.calm` compares it.

    Parameters
    ----------
    material : Material
    rate : float
        Hz at which the model sees frames.
    count : int
        Labels of the model, those that are named first.

    Returns
    -------
    tuple of float
        `SHARE` of the largest change from frame to frame of the clip where that is least; 0 for a label of fewer than
        `ENOUGH` clips, or one of whose clips does not move `CLEARLY`, and for those without a name. A change is the
        mean over the features of a frame.
    """
    step, W = round(material.rate / rate), material.clips[0].shape[1] - material.moving
    changes = [_changes(clip[:, :W], step) for clip in material.clips]
    largest = np.array([own.max(initial=0.0) for own in changes])
    every = np.concatenate(changes)
    clearly = CLEARLY * np.quantile(every, CALMEST) if len(every) else 0.0
    floors = np.zeros(count)
    for k in range(material.named):
        own = largest[material.classes == k]
        if len(own) >= ENOUGH and own.min() >= clearly:
            floors[k] = SHARE * own.min()
    return tuple(floors.round(5).tolist())


def _changes(rows: Float, step: int) -> Float:
    changes: Float = np.abs(rows[step:] - rows[:-step]).mean(axis=1)
    return changes
