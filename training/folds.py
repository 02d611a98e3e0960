"""Folds for clips that come without any."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from edgevtn.datasets import Clip
from edgevtn.errors import ManifestError
from edgevtn.teaching.groups import find_groups

#: As usual: four fifths of few clips are still enough to learn from.
FOLDS = 5


def with_folds(clips: Sequence[Clip]) -> tuple[list[Clip], str]:
    """The clips, each with a fold, and a sentence on how folds were found.

    Folds that are there stay. Where no clip has any, clips of one recording or person, as their files are named, go
    into one fold together, and each label's clips are spread as evenly as that allows. The same clips always get the
    same.

    Raises
    ------
    ManifestError
        All clips belong together, or some have a fold and others none.
    """
    given = [clip.fold for clip in clips]
    if all(fold is not None for fold in given):
        return list(clips), f"folds are those given: {len(set(given))}"
    if any(fold is not None for fold in given):
        raise ManifestError("some clips have a fold and others none; fill the column fold, or leave it away")
    groups, how = find_groups([str(clip.path) for clip in clips], [clip.label for clip in clips], given)
    members: dict[str, Counter[str]] = defaultdict(Counter)
    for group, clip in zip(groups, clips, strict=True):
        members[group][clip.label] += 1
    if len(members) < 2:
        raise ManifestError(f"all {len(clips)} clips belong together ({how}); add a column fold to a manifest.csv")
    count = min(FOLDS, len(members))
    filled: list[Counter[str]] = [Counter() for _ in range(count)]
    fold_of: dict[str, str] = {}
    for group in sorted(members, key=lambda name: (-members[name].total(), name)):
        labels = members[group]

        def crowded(n: int, labels: Counter[str] = labels) -> tuple[int, int]:
            return sum(filled[n][label] * share for label, share in labels.items()), filled[n].total()

        best = min(range(count), key=crowded)
        filled[best].update(labels)
        fold_of[group] = str(best)
    folded = [replace(clip, fold=fold_of[group]) for clip, group in zip(clips, groups, strict=True)]
    return folded, f"{count} folds; {how}"
