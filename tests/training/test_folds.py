"""Folds that are made: nothing that belongs together is torn apart, and no label is forgotten."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from edgevtn.datasets import Clip
from edgevtn.errors import ManifestError
from edgevtn.training.folds import with_folds


def clips(people, labels, takes=1, fold=None):
    return [
        Clip(Path(f"/clips/{label}/{person}_{label}_{take}.mp4"), label, fold)
        for label in labels
        for person in people
        for take in range(takes)
    ]


def test_a_persons_clips_stay_together_and_labels_are_spread():
    people, labels = [f"person{chr(97 + n)}" for n in range(10)], ["bend", "walk", "wave"]
    folded, how = with_folds(clips(people, labels, takes=2))
    assert how.startswith("5 folds; groups by what file names have beside")
    folds = defaultdict(set)
    for clip in folded:
        folds[clip.path.name.partition("_")[0]].add(clip.fold)
    assert all(len(found) == 1 for found in folds.values())
    counts = Counter((clip.fold, clip.label) for clip in folded)
    assert set(counts.values()) == {4}


def test_takes_without_a_person_are_spread():
    single = [Clip(Path(f"/c/{label}/{n}.mp4"), label, None) for label in ("a", "b") for n in range(7)]
    folded, how = with_folds(single)
    assert "every clip counts as a take of its own" in how
    counts = Counter((clip.fold, clip.label) for clip in folded)
    assert set(counts.values()) <= {1, 2}
    assert with_folds(single) == (folded, how)


def test_given_folds_stay():
    given = clips(["x"], ["a", "b"], fold="7")
    assert with_folds(given) == (given, "folds are those given: 1")


def test_what_cannot_be_split_is_told():
    with pytest.raises(ManifestError, match="some clips have a fold"):
        with_folds([*clips(["x"], ["a"], fold="1"), *clips(["y"], ["b"])])
    with pytest.raises(ManifestError, match="belong together"):
        with_folds([Clip(Path("/c/one.mp4"), "a", None)] * 4)
