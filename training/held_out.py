"""How right training is on one fold that it does not see, and what teaching reaches on the same clips."""

from __future__ import annotations

import tempfile
import warnings
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgevtn.datasets import TEST, TRAIN, Clip, window_probabilities
from edgevtn.recognizer import Recognizer
from edgevtn.teaching import Example, teach


def tested_fold(clips: Sequence[Clip]) -> str:
    """The fold to leave out: a published split's test fold, else the one that has most labels and clips."""
    members: dict[str, list[str]] = defaultdict(list)
    for clip in clips:
        members[clip.fold or ""].append(clip.label)
    if set(members) == {TRAIN, TEST}:
        return TEST
    return max(sorted(members), key=lambda fold: (len(set(members[fold])), len(members[fold])))


def taught_recall(clips: Sequence[Clip], fold: str) -> float:
    """What `edgevtn teach` reaches on a fold when it learns from the others: the mean of the classes' recalls, 0 to 1.

    Answers are among the labels alone, as a trained model's are.

    Raises
    ------
    ManifestError
        The other folds have fewer than two labels.
    """
    others = [Example(clip.path, clip.label, clip.fold) for clip in clips if clip.fold != fold]
    right: dict[str, list[bool]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of one take alone: the fold left out tells how right it is
            model = teach(others, make_nothing=False)
        model.save(Path(temporary) / "taught")
        recognizer = Recognizer(Path(temporary) / "taught", start="repeat")
        named = sorted({example.label for example in others})
        columns = [model.labels.index(label) for label in named]
        for clip in clips:
            if clip.fold == fold:
                answers = window_probabilities(recognizer, clip)[:, columns].mean(axis=0)
                right[clip.label].append(named[int(answers.argmax())] == clip.label)
    return float(np.mean([np.mean(own) for own in right.values()]))
