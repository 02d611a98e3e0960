"""Train a head on frozen features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from edgevtn.arrays import Float, Float64, Int64
from edgevtn.training.data.features import Features
from edgevtn.training.data.windows import before, random_window
from edgevtn.training.learn.loop import Run, optimise
from edgevtn.training.learn.measure import validation
from edgevtn.training.learn.model import Decoder, Head, principal_axes
from edgevtn.training.recipe import NOTHING, Recipe


def fit(
    clips: Sequence[Features],
    labels: Sequence[str],
    recipe: Recipe,
    seed: int = 0,
    *,
    kind: type[Head] = Decoder,
    teacher: Sequence[Float] | None = None,
    held_out: Sequence[Features] = (),
    run: Run | None = None,
) -> Head:
    """Train a head.

    Parameters
    ----------
    clips : sequence of Features
        Those labelled `NOTHING` are trained towards equal probabilities.
    labels : sequence of str
        The K classes, in order.
    recipe : Recipe
    seed : int
    kind : type
        `Decoder`, or one of `edgevtn.training.learn.baselines`.
    teacher : sequence of float32 (N, K), optional
        A teacher's logits for each clip, of the windows that end at each frame; see `edgevtn.training.learn.teachers`.
    held_out : sequence of Features
        Neither trained nor tested on: training stops when they get no better.
    run : Run, optional

    Returns
    -------
    Head
        In evaluation mode.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    values = torch.from_numpy(np.concatenate([clip.values for clip in clips]))  # (all frames, W) float16
    firsts = np.cumsum([0] + [len(clip.values) for clip in clips])
    taught = None if teacher is None else torch.from_numpy(np.concatenate(list(teacher)))  # (all frames, K)
    targets = targets_of([clip.label for clip in clips], labels, recipe.label_smoothing)
    chance = chances([clip.label for clip in clips])
    kinds = np.unique([clip.label for clip in clips], return_inverse=True)[1]

    model = kind(values.shape[1], recipe, len(labels))
    share = np.concatenate([np.full(len(clip.values), 1 / len(clip.values), np.float32) for clip in clips])
    set_axes(model.feature_mean, model.axes, values.float(), share, recipe)
    if recipe.motion == "size":
        sizes = np.concatenate([change_sizes(clip, recipe) for clip in clips])
        set_axes(model.size_mean, model.size_axes, torch.from_numpy(sizes), share, recipe)
        everything = None
    else:  # once for all windows
        everything = model.standard(values.float())  # (all frames, R)

    def loss(rng: np.random.Generator) -> Tensor:
        chosen = rng.choice(len(clips), recipe.batch, p=chance)
        drawn = [random_window(clips[n].times, recipe, rng) for n in chosen]
        rows = np.stack([firsts[n] + window for n, (window, _) in zip(chosen, drawn, strict=True)])  # (B, slots)
        picked = torch.from_numpy(rows)
        batch: Tensor = model.standard(values[picked].float()) if everything is None else everything[picked]
        batch = batch + recipe.noise * torch.randn_like(batch) if recipe.noise else batch
        wanted = uncertain(targets[torch.from_numpy(chosen)], [seen for _, seen in drawn], recipe)  # (B, K)
        soft = None if taught is None else softened(taught[torch.from_numpy(rows[:, -1])], recipe)
        batch, wanted, soft = joined(batch, wanted, soft, kinds[chosen], recipe, rng)
        batch, wanted, soft = mixed(batch, wanted, soft, recipe, rng)
        return distillation_loss(model.classify(batch), wanted, soft, recipe)

    validate = None if not held_out else lambda module: validation(module, held_out, labels, recipe)
    trained = optimise(model, loss, recipe, rng, run or Run(), validate=validate)
    assert isinstance(trained, Head)
    return trained


def set_axes(mean: Tensor, axes: Tensor, values: Tensor, share: Float, recipe: Recipe) -> None:
    """Set a mean (W,) and principal axes (W, R), in place, by values (N, W) of these weights (N,)."""
    found_mean, found_axes = principal_axes(values, torch.from_numpy(share), axes.shape[1], recipe.emphasis)
    mean.copy_(found_mean)
    axes.copy_(found_axes)


def change_sizes(clip: Features, recipe: Recipe) -> Float:
    """|f_t - f_(t-1)| for every frame, the other being the one a slot earlier: float32 (N, W)."""
    values = clip.values.astype(np.float32)
    sizes: Float = np.abs(values - values[before(clip.times, 1 / recipe.frame_rate)])
    return sizes


def targets_of(names: Sequence[str], labels: Sequence[str], smoothing: float) -> Tensor:
    """Wanted probabilities (N, K) of N labels; of `NOTHING` equal ones."""
    targets = torch.full((len(names), len(labels)), 1 / len(labels))
    for row, name in zip(targets, names, strict=True):
        if name != NOTHING:
            row.fill_(smoothing / len(labels))
            row[labels.index(name)] += 1 - smoothing
    return targets


def chances(names: Sequence[str]) -> Float64:
    """Probabilities (N,) with which clips are drawn: every class alike, whatever the number of its clips."""
    kinds, counts = np.unique(names, return_counts=True)
    weight = dict(zip(kinds, 1 / counts, strict=True))
    return np.array([weight[name] for name in names]) / len(kinds)


def uncertain(wanted: Tensor, seen: Sequence[int], recipe: Recipe) -> Tensor:
    """Wanted probabilities (B, K), nearer to equal ones where less than half a window was seen.

    One frame does not tell a walk from a run.
    """
    certainty = torch.tensor([min(1.0, 2 * slots / recipe.window_len) for slots in seen])
    return torch.lerp(torch.tensor(1 / wanted.shape[1]), wanted, certainty[:, None])


def softened(logits: Tensor, recipe: Recipe) -> Tensor:
    """A teacher's probabilities (B, K) at the recipe's temperature."""
    return (logits / recipe.temperature).softmax(dim=1)


def joined(
    batch: Tensor, wanted: Tensor, soft: Tensor | None, kinds: Int64, recipe: Recipe, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Some windows (B, slots, R) with their first slots from another, and what is wanted of both by their slots.

    Half of the others are of the same kind (B,), which then goes on otherwise: who walks turns round and walks back.
    """
    if not recipe.joins:
        return batch, wanted, soft
    count, slots = batch.shape[:2]
    cuts = np.where(rng.random(count) < recipe.joins, rng.integers(1, slots, count), 0)
    by_kind = np.lexsort((rng.random(count), kinds))
    others = rng.permutation(count)
    alike = rng.random(count) < 0.5
    others[by_kind] = np.where(alike, np.roll(by_kind, 1), others[by_kind])
    cut, other = torch.from_numpy(cuts), torch.from_numpy(others)
    share = (cut / slots)[:, None]
    early = torch.arange(slots) < cut[:, None]  # (B, slots)
    batch = torch.where(early[:, :, None], batch[other], batch)
    soft = None if soft is None else torch.lerp(soft, soft[other], share)
    return batch, torch.lerp(wanted, wanted[other], share), soft


def mixed(
    batch: Tensor, wanted: Tensor, soft: Tensor | None, recipe: Recipe, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Each window with a part of another, and what is wanted of it likewise; the larger part stays its own."""
    if not recipe.mixup:
        return batch, wanted, soft
    share = torch.from_numpy(rng.beta(recipe.mixup, recipe.mixup, len(batch))).float()
    share = torch.maximum(share, 1 - share).to(batch.device)
    other = torch.from_numpy(rng.permutation(len(batch)))
    batch = torch.lerp(batch[other], batch, share.view(-1, *[1] * (batch.ndim - 1)))
    wanted = torch.lerp(wanted[other], wanted, share[:, None])
    return batch, wanted, None if soft is None else torch.lerp(soft[other], soft, share[:, None])


def distillation_loss(logits: Tensor, wanted: Tensor, soft: Tensor | None, recipe: Recipe) -> Tensor:
    """Cross entropy with what is wanted; with a teacher, a share of it with the teacher's softened answer.

    Hinton, Vinyals and Dean, arXiv 1503.02531: the second part's gradient shrinks with the square of the
    temperature, so it is multiplied by that.
    """
    hard = functional.cross_entropy(logits, wanted)
    if soft is None:
        return hard
    T, weight = recipe.temperature, recipe.distillation
    matched = functional.kl_div((logits / T).log_softmax(dim=1), soft, reduction="batchmean")
    return (1 - weight) * hard + weight * T**2 * matched
