"""What is none of the actions, made of the clips themselves: a still picture, and one action that turns into another.

Without such rows a linear classifier gives every scene to some class. They are statistics of windows that a camera
sees between actions; nobody has to record them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgevtn.arrays import Float, Half
from edgevtn.teaching.ridge import Int
from edgevtn.teaching.windows import Measure, evenly, windows

STILL, TURN = "still", "turn"
#: What may be made, the most first; less where an action is itself a still one.
RECIPES: tuple[tuple[str, ...], ...] = ((STILL, TURN), (TURN,), ())
#: Seconds of a piece of a clip of nothing: pieces count as clips.
PIECE = 3.0
#: Pieces of one clip of nothing, evenly spread: a long one would cost time, and teaches no more.
MOST_PIECES = 60
#: Groups that the pieces of one clip of nothing are left out in: its beginning may differ from its end.
PARTS = 4


def made(
    recipe: tuple[str, ...], clips: Sequence[Float], classes: Int, group_of: Int, measure: Measure, window_len: int,
    moving: int = 0,
) -> tuple[Float, Int]:  # fmt: skip
    """Rows of made material, float32 (m, 8 W), and the group of each, int64 (m,).

    Parameters
    ----------
    recipe : tuple of {"still", "turn"}
        "still": each clip's first and last frame, held. "turn": half a window of the clip's end, and half of another
        class's beginning, of the same group if it has one.
    clips : sequence of float32 (N, W)
    classes, group_of : int64 (n,)
    measure : Measure
        With windows of `window_len`.
    window_len : int
        T.
    moving : int
        How many of the W features, the last ones, are of differences: in a still picture they are those of a clip's
        first frame, which nothing comes before.
    """
    rng = np.random.default_rng(0)  # the same clips always make the same material
    rows: list[Float] = []
    owners: list[int] = []
    for n, clip in enumerate(clips):
        if STILL in recipe:
            for end in (clip[:1], clip[-1:]):
                still = np.concatenate([end[:, : end.shape[1] - moving], clip[:1, end.shape[1] - moving :]], axis=1)
                rows.append(measure.clip(np.repeat(still, window_len, axis=0)))
                owners.append(n)
        if TURN in recipe:
            others = np.flatnonzero((classes != classes[n]) & (group_of == group_of[n]))
            if not len(others):
                others = np.flatnonzero(classes != classes[n])
            other = clips[int(rng.choice(others))]
            half = window_len // 2
            before, after = windows(clip, max(1, half))[-1], windows(other, window_len - half)[0]
            rows.append(measure.clip(np.concatenate([before, after])[-window_len:]))
            owners.append(n)
    if not rows:
        return np.zeros((0, measure.count), np.float32), np.zeros(0, np.int64)
    return np.stack(rows), group_of[owners]


def pieces(clip: Half, rate: float) -> list[Half]:
    """A clip of nothing in pieces of `PIECE` seconds, at most `MOST_PIECES` of them."""
    length = round(PIECE * rate)
    starts = range(0, max(1, len(clip) - length // 2), length)
    return [clip[starts[n] : starts[n] + length] for n in evenly(len(starts), MOST_PIECES)]
