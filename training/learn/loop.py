"""The training loop: optimiser, schedule, mean of the weights, validation, checkpoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from edgevtn.errors import require
from edgevtn.files import replacing
from edgevtn.training.learn import distributed
from edgevtn.training.recipe import Recipe

#: Gradients longer than this are cut: a strange batch must not undo what was learned.
LONGEST_GRADIENT = 1.0


class Look(NamedTuple):
    """How training stood after a step; of runs without validation clips, its last two are nan."""

    step: int
    loss: float
    learning_rate: float
    validation_loss: float
    validation_accuracy: float


@dataclass
class Run:
    """Where a training run keeps what it must not lose, and what came of it.

    Attributes
    ----------
    checkpoint : Path, optional
        Written at every look; removed by whoever has saved the result.
    resume : bool
        Go on from the checkpoint, if it is there.
    progress : bool
        Show a progress bar.
    looks : list of Look
        Filled by the run.
    """

    checkpoint: Path | None = None
    resume: bool = False
    progress: bool = True
    looks: list[Look] = field(default_factory=list)


def optimise(
    model: nn.Module,
    loss_of: Callable[[np.random.Generator], Tensor],
    recipe: Recipe,
    rng: np.random.Generator,
    run: Run,
    *,
    validate: Callable[[nn.Module], tuple[float, float]] | None = None,
) -> nn.Module:
    """Train; returns the mean of the weights over the last steps, of the best look where there is validation.

    Parameters
    ----------
    model : nn.Module
    loss_of : callable
        The loss of a batch that it draws with the generator.
    recipe : Recipe
    rng : Generator
    run : Run
    validate : callable, optional
        Loss and accuracy on clips that are neither trained nor tested on. Training stops `recipe.patience` looks
        after the lowest loss.

    Raises
    ------
    ValueError
        The checkpoint is of another run.
    """
    tqdm = require("tqdm", "training").tqdm
    optimiser = torch.optim.AdamW(model.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=recipe.steps)
    smooth = get_ema_multi_avg_fn(recipe.averaging)  # type: ignore[no-untyped-call]
    average = AveragedModel(model, multi_avg_fn=smooth)
    parts = {"model": model, "average": average, "optimiser": optimiser, "schedule": schedule}
    best = {"loss": float("inf"), "step": 0}
    best_weights: dict[str, Tensor] | None = None
    first = 0
    if run.resume and run.checkpoint is not None and run.checkpoint.exists():
        first, best, best_weights = _load(run, recipe, parts, rng)
    quiet = not (run.progress and distributed.first())
    bar = tqdm(range(first, recipe.steps), "training", initial=first, total=recipe.steps, disable=quiet)
    total = 0.0
    for step in bar:
        model.train()
        loss = loss_of(rng)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), LONGEST_GRADIENT)
        optimiser.step()
        schedule.step()
        average.update_parameters(model)
        total += loss.item()
        done = step + 1
        if done % recipe.check_every and done < recipe.steps:
            continue
        average.module.eval()
        seen = (float("nan"), float("nan")) if validate is None else validate(average.module)
        since = done - (run.looks[-1].step if run.looks else 0)
        run.looks.append(Look(done, total / since, float(schedule.get_last_lr()[0]), *seen))
        total = 0.0
        if seen[0] < best["loss"]:
            best = {"loss": seen[0], "step": done}
            best_weights = {name: value.clone() for name, value in average.module.state_dict().items()}
        if run.checkpoint is not None and distributed.first():
            _save(run, recipe, parts, rng, done, best, best_weights)
        if validate is not None and done - best["step"] >= recipe.patience * recipe.check_every:
            break
    if best_weights is not None:
        average.module.load_state_dict(best_weights)
    return average.module.eval()


def _save(
    run: Run, recipe: Recipe, parts: dict[str, Any], rng: np.random.Generator, step: int, best: dict[str, float],
    best_weights: dict[str, Tensor] | None,
) -> None:  # fmt: skip
    assert run.checkpoint is not None
    state = {name: part.state_dict() for name, part in parts.items()}
    state |= {
        "recipe": repr(recipe),
        "step": step,
        "best": best,
        "best_weights": best_weights,
        "looks": [tuple(look) for look in run.looks],
        "torch_random": torch.get_rng_state(),
        "numpy_random": json.dumps(rng.bit_generator.state),
    }
    run.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with replacing(run.checkpoint) as part:
        try:
            torch.save(state, part)
        except RuntimeError as error:  # torch's own writer raises nothing else on a full disk
            raise OSError(str(error).partition("\n")[0]) from error


def _load(
    run: Run, recipe: Recipe, parts: dict[str, Any], rng: np.random.Generator
) -> tuple[int, dict[str, float], dict[str, Tensor] | None]:
    assert run.checkpoint is not None
    try:
        state = torch.load(run.checkpoint, map_location="cpu", weights_only=True)
        same = state["recipe"] == repr(recipe)
    except Exception as error:  # whatever is in the file
        raise ValueError(f"{run.checkpoint}: is not a checkpoint of a training run ({error}); remove it") from error
    if not same:
        raise ValueError(
            f"{run.checkpoint}: was made with other settings; give those again, or remove it to begin anew"
        )
    for name, part in parts.items():
        part.load_state_dict(state[name])
    run.looks[:] = [Look(*look) for look in state["looks"]]
    torch.set_rng_state(state["torch_random"])
    rng.bit_generator.state = json.loads(state["numpy_random"])
    return int(state["step"]), state["best"], state["best_weights"]
