"""Train the projection and the decoder on frozen features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from edgevtn._errors import require
from edgevtn.training.features import Features
from edgevtn.training.model import Decoder

#: The label of features that show none of the actions; the model is to be unsure of them.
NOTHING = ""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result, apart from data and seed."""

    frame_rate: float = 12.5  # Hz
    clip_len: int = 16
    embed_dim: int = 128
    heads: int = 8
    layers: int = 2
    ffn_dim: int = 256
    #: Whether the projection also sees the change since the frame before.
    motion: bool = False
    dropout: float = 0.3
    steps: int = 600
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    #: Speeds of a window, factors. A wider range would make a run of a walk.
    slowest: float = 0.94
    fastest: float = 1.06
    #: Share of windows cut off at the clip's beginning, as the first windows of a stream are.
    beginnings: float = 0.15
    #: Share of windows that are one frame, held: a picture of a jump is no jump.
    stills: float = 0.25
    #: Windows are mixed in pairs, with a share drawn from Beta(mixup, mixup) (Zhang et al., arXiv 1710.09412):
    #: few clips are learned by heart otherwise.
    mixup: float = 0.4
    #: The result is the exponential mean of the weights over the steps, with this decay.
    averaging: float = 0.99


def _moments(features: Features, recipe: Recipe, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], int]:
    """Rows of a random window, every slot with the frame nearest to it, and how many slots were seen.

    T rows; with motion input T + 1, beginning with the frame before. Of a still no slot was seen: nothing was seen
    to happen.
    """
    T = recipe.clip_len + recipe.motion
    if rng.random() < recipe.stills:
        return np.full(T, rng.integers(len(features.times))), 0
    step = rng.uniform(recipe.slowest, recipe.fastest) / recipe.frame_rate
    times = features.times - features.times[0]
    available = seen = min(T, int(times[-1] / step) + 1)
    if rng.random() < recipe.beginnings:
        seen = int(rng.integers(1, available + 1))
    if seen < T:
        # As the recogniser does it: the first frame fills what came before the stream.
        slots = np.maximum(0.0, step * (np.arange(T) - (T - seen)))
    else:
        slots = rng.uniform(0, times[-1] - (T - 1) * step) + step * np.arange(T)
    if len(times) == 1:
        return np.zeros(T, np.int64), seen
    upper = np.clip(np.searchsorted(times, slots), 1, len(times) - 1)
    rows: npt.NDArray[np.int64] = np.where(slots - times[upper - 1] < times[upper] - slots, upper - 1, upper)
    return rows, seen


def fit(
    clips: Sequence[Features], labels: Sequence[str], recipe: Recipe, seed: int = 0, progress: bool = True
) -> Decoder:
    """Train a decoder.

    Parameters
    ----------
    clips : sequence of Features
        Those labelled `NOTHING` are trained towards equal probabilities.
    labels : sequence of str
        The K classes, in order.
    recipe : Recipe
    seed : int
    progress : bool
        Show a progress bar.

    Returns
    -------
    Decoder
        In evaluation mode.
    """
    tqdm = require("tqdm", "training").tqdm
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    K = len(labels)
    values = torch.from_numpy(np.concatenate([clip.values for clip in clips]))  # (all frames, W) float16
    firsts = np.cumsum([0] + [len(clip.values) for clip in clips])
    targets = torch.zeros(len(clips), K)
    for n, clip in enumerate(clips):
        if clip.label == NOTHING:
            targets[n] = 1 / K
        else:
            targets[n] = recipe.label_smoothing / K
            targets[n, labels.index(clip.label)] += 1 - recipe.label_smoothing
    # Classes have the same weight, whatever the number of their clips.
    names, counts = np.unique([clip.label for clip in clips], return_counts=True)
    weight = dict(zip(names, 1 / counts, strict=True))
    chance = np.array([weight[clip.label] for clip in clips]) / len(names)

    model = Decoder(
        values.shape[1], recipe.clip_len, recipe.embed_dim, recipe.heads, recipe.layers, recipe.ffn_dim, K,
        recipe.dropout, recipe.motion,
    )  # fmt: skip
    everything = values.float()
    model.feature_mean.copy_(everything.mean(dim=0))
    model.feature_std.copy_(everything.std(dim=0).clamp(min=1e-3))
    optimiser = torch.optim.AdamW(model.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=recipe.steps)
    smooth = get_ema_multi_avg_fn(recipe.averaging)  # type: ignore[no-untyped-call]
    average = AveragedModel(model, multi_avg_fn=smooth)
    for _ in tqdm(range(recipe.steps), "training", disable=not progress):
        chosen = rng.choice(len(clips), recipe.batch, p=chance)
        windows = [_moments(clips[n], recipe, rng) for n in chosen]
        rows = np.stack([firsts[n] + moments for n, (moments, _) in zip(chosen, windows, strict=True)])  # (B, T)
        batch: Tensor = everything[torch.from_numpy(rows)]  # (B, T, W)
        # One frame does not tell a walk from a run: less than half a clip is to give less than full certainty.
        certainty = torch.tensor([min(1.0, 2 * seen / recipe.clip_len) for _, seen in windows])
        wanted = torch.lerp(torch.tensor(1 / K), targets[torch.from_numpy(chosen)], certainty[:, None])  # (B, K)
        share = torch.from_numpy(rng.beta(recipe.mixup, recipe.mixup, recipe.batch)).float()
        share = torch.maximum(share, 1 - share)  # each window keeps the larger part of itself
        other = torch.from_numpy(rng.permutation(recipe.batch))
        batch = torch.lerp(batch[other], batch, share[:, None, None])
        wanted = torch.lerp(wanted[other], wanted, share[:, None])
        loss = functional.cross_entropy(model(batch), wanted)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(model)
    return cast(Decoder, average.module.eval())
