"""A trained head on clips' features: what `edgevtn.evaluate` says of a bundle, without a bundle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from edgevtn.arrays import Float
from edgevtn.training.data.features import Features
from edgevtn.training.data.windows import Rows, ending_windows, windows
from edgevtn.training.learn.model import Head
from edgevtn.training.recipe import NOTHING, Recipe

#: Windows decoded at a time, which bounds the memory.
BATCH = 512


def decoded(model: Head, clip: Features, rows: Rows) -> Tensor:
    """Logits (M, K) of windows of a clip, given as rows (M, slots)."""
    with torch.no_grad():
        values = torch.from_numpy(clip.values).float()
        parts = [torch.from_numpy(part.copy()) for part in batches(rows)]
        if model.motion == "size":
            return torch.cat([model(values[part]) for part in parts])
        standard = model.standard(values)  # once for all windows
        return torch.cat([model.classify(standard[part]) for part in parts])


def batches(rows: Rows) -> list[Rows]:
    """Rows (M, slots) in parts of at most `BATCH`."""
    return [rows[n : n + BATCH] for n in range(0, len(rows), BATCH)]


def window_logits(model: Head, clip: Features, recipe: Recipe) -> Tensor:
    """Logits (M, K) of the windows by which a clip is judged."""
    return decoded(model, clip, windows(clip.times, recipe))


def ending_logits(model: Head, clip: Features, recipe: Recipe) -> Float:
    """Logits (N, K) of the windows that end at each frame, as a stream would have them: for students."""
    logits: Float = decoded(model, clip, ending_windows(clip.times, recipe)).numpy()
    return logits


def mean_ending_logits(models: Sequence[tuple[Head, Recipe, Sequence[Features]]]) -> list[Float]:
    """Mean of the models' `ending_logits` (N, K) for each clip, which each model sees as features of its own."""
    logits = [[ending_logits(head, clip, recipe) for clip in clips] for head, recipe, clips in models]
    return [np.mean(each, axis=0) for each in zip(*logits, strict=True)]


def answer(logits: Tensor) -> Float:
    """Mean probabilities (K,) over a clip's windows, of logits (M, K)."""
    mean: Float = logits.softmax(dim=1).mean(dim=0).numpy()
    return mean


def validation(model: Head, clips: Sequence[Features], labels: Sequence[str], recipe: Recipe) -> tuple[float, float]:
    """Mean negative log probability of the right label, and accuracy, over clips that are labelled."""
    labelled = [clip for clip in clips if clip.label != NOTHING]
    answers = np.stack([answer(window_logits(model, clip, recipe)) for clip in labelled])
    wanted = np.array([labels.index(clip.label) for clip in labelled])
    right = answers[np.arange(len(wanted)), wanted]
    return float(-np.log(right + 1e-9).mean()), float((answers.argmax(axis=1) == wanted).mean())
