"""From what was learned to what a head is fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgevtn.arrays import Float, Half
from edgevtn.errors import ManifestError
from edgevtn.heads.linear import rooted
from edgevtn.prediction import NOTHING
from edgevtn.teaching.features import RATE, STREAMS
from edgevtn.teaching.fit import Material
from edgevtn.teaching.groups import find_groups
from edgevtn.teaching.nothing import PARTS, pieces
from edgevtn.teaching.ridge import Int
from edgevtn.teaching.store import Learned

#: Rows whose roots are made at once: a few megabytes.
CHUNK = 512


@dataclass(frozen=True)
class Gathered:
    """Clips to fit on, and what a report says of them.

    Attributes
    ----------
    material : Material
    names : tuple of str
        Names of the material's clips.
    how : str
        How groups were found.
    whole : tuple of (tuple of float16 (N, W), int64 array)
        Features of each clip of nothing at the material's rate, by stream, and the groups of its parts, the first one
        first. A long clip's roots would need four times the memory.
    """

    material: Material
    names: tuple[str, ...]
    how: str
    whole: tuple[tuple[tuple[Half, ...], Int], ...]


def gather(learned: Sequence[Learned], size: int, modality: str) -> Gathered:
    """What to fit on, in pictures of a size, of frames alone or with differences.

    Raises
    ------
    ManifestError
        There are clips of fewer than two labels.
    """
    acting = [clip for clip in learned if clip.label != NOTHING]
    named = sorted({clip.label for clip in acting})
    if len(named) < 2:
        got = f"only {named[0]!r}" if named else "none"
        beside = f" beside {NOTHING!r}" if len(acting) < len(learned) else ""
        raise ManifestError(
            f"expected clips of two labels or more{beside} that can be read, got {got}; add clips of another"
        )
    groups, how = _groups(acting)
    clips = [_roots([clip.features.of(name, size, RATE) for name in STREAMS[modality]]) for clip in acting]
    classes, names = [named.index(clip.label) for clip in acting], [clip.title for clip in acting]
    whole: list[tuple[tuple[Half, ...], list[str]]] = []
    for clip in learned:
        if clip.label == NOTHING:
            streams = tuple(clip.features.of(name, size, RATE) for name in STREAMS[modality])
            parts = [_roots(part) for part in zip(*(pieces(rows, RATE) for rows in streams), strict=True)]
            clips += parts
            classes += [len(named)] * len(parts)
            names += [clip.title] * len(parts)
            own = [f"{clip.title}, part {n * PARTS // len(parts)}" for n in range(len(parts))]
            groups += own
            whole.append((streams, list(dict.fromkeys(own))))
    labels = (*named, NOTHING) if whole else tuple(named)
    order = {group: n for n, group in enumerate(sorted(set(groups)))}

    def numbers(of: Sequence[str]) -> Int:
        return np.array([order[group] for group in of], np.int64)

    material = Material(clips, np.array(classes, np.int64), numbers(groups), RATE, labels, len(named), size, modality)
    return Gathered(material, tuple(names), how, tuple((streams, numbers(parts)) for streams, parts in whole))


def left_out_together(learned: Sequence[Learned]) -> list[int] | None:
    """The group of each clip; each clip of nothing is one. None where all that acts is of one group."""
    groups = iter(_groups([clip for clip in learned if clip.label != NOTHING])[0])
    every = [(clip.title,) if clip.label == NOTHING else ("", next(groups)) for clip in learned]
    order = {group: n for n, group in enumerate(dict.fromkeys(every))}
    acting = {group for group in order if len(group) > 1}
    return [order[group] for group in every] if len(acting) > 1 else None


def _groups(acting: Sequence[Learned]) -> tuple[list[str], str]:
    """The group of each clip of an action, and how it was found."""
    groups, how = find_groups([c.name for c in acting], [c.label for c in acting], [c.group for c in acting])
    if len(set(groups)) == 1 and not any(clip.group for clip in acting):
        groups = [f"{group}, {n}" for n, group in enumerate(groups)]
        how = "all clips are of one recording, so each counts as a take of its own, which flatters"
    return groups, how


def _roots(streams: Sequence[Half]) -> Float:
    """Roots of features side by side, made in place, part by part: a long clip would need more memory twice."""
    rows: Float = np.concatenate(streams, axis=1, dtype=np.float32)
    for begin in range(0, len(rows), CHUNK):
        rows[begin : begin + CHUNK] = rooted(rows[begin : begin + CHUNK])
    return rows
